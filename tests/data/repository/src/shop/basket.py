"""A basket."""

from shop import prices


class Basket:
    """What somebody buys."""

    def __init__(self):
        self.names = []

    def add(self, name):
        self.names.append(name)
        return len(self.names)

    def total(self):
        return prices.total(self.names)
