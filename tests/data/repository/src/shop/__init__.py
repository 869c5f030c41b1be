"""A shop's prices and baskets."""

from .basket import Basket
from .prices import *

__all__ = ["Basket", "discounted", "total"]
