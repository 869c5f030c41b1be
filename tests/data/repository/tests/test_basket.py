import unittest

from shop import Basket


class TestBasket(unittest.TestCase):
    def setUp(self):
        self.basket = Basket()
        self.basket.add("milk")

    def test_add(self):
        self.assertEqual(self.basket.add("tea"), 2)

    def test_total(self):
        self.basket.add("tea")
        self.assertEqual(self.basket.total(), 6)


class TestWithoutBase:
    def setup_method(self):
        self.basket = Basket()

    def test_empty(self):
        assert self.basket.total() == 0
