"""The usual imports: what the field's judges of code import before a candidate's code, so that `List[int]` works without an import.

Only the imports whose names a program reads are needed, and a prelude never gives a name that Python itself has. Each line
imports by name (no star), so that what a prelude binds can be read without importing anything:

    >>> print(imports_for({"List", "gcd", "x"}))
    from typing import List
    from math import gcd
    >>> print(imports_for(free_names("def f(words: List[str], math):\\n    return Counter(words), math.pi")))
    from typing import List
    from collections import Counter
"""

import ast
import builtins
import functools
import re
from collections.abc import Collection, Mapping
from types import MappingProxyType

from execverify.errors import ProgramError
from execverify.programs.program import parse_source
from execverify.programs.scopes import scopes_of

USUAL_IMPORTS = """\
import array, bisect, collections, copy, datetime, decimal, fractions, functools, heapq, io, itertools, json, math, operator
import random, re, statistics, string, sys, time, typing
from typing import Any, Callable, ClassVar, DefaultDict, Deque, Dict, FrozenSet, Generator, Generic, Hashable, Iterable, Iterator
from typing import List, Literal, Mapping, MutableMapping, NamedTuple, NoReturn, Optional, Sequence, Set, Tuple, Type, TypeVar, Union
from typing import cast
from collections import ChainMap, Counter, OrderedDict, defaultdict, deque, namedtuple
from functools import cache, cached_property, cmp_to_key, lru_cache, partial, reduce
from itertools import accumulate, chain, combinations, combinations_with_replacement, compress, count, cycle, dropwhile, groupby
from itertools import islice, pairwise, permutations, product, repeat, starmap, takewhile, zip_longest
from heapq import heapify, heappop, heappush, heappushpop, heapreplace, merge, nlargest, nsmallest
from bisect import bisect_left, bisect_right, insort, insort_left, insort_right
from math import ceil, comb, cos, dist, e, exp, fabs, factorial, floor, fmod, gcd, hypot, inf, isclose, isinf, isnan, isqrt, lcm
from math import log, log10, log2, nan, perm, pi, prod, sin, sqrt, tan, tau, trunc
from operator import attrgetter, itemgetter
from copy import deepcopy
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from random import choice, randint, shuffle
from string import ascii_letters, ascii_lowercase, ascii_uppercase, digits, punctuation
from statistics import mean, median, mode
from io import BytesIO, StringIO
from dataclasses import dataclass, field
from enum import Enum
from abc import ABC, abstractmethod
"""
"""What a program may use without an import. `bisect`, `copy` and `datetime` are the modules, as in the field's judges."""


_WORD = re.compile(r"[^\W\d]\w*")


def imports_for(names: Collection[str], prelude: str = USUAL_IMPORTS) -> str:
    """The imports of a prelude that bind any of the names, one a line, in its order; "" where there are none.

    Args:
        names: names that a program reads and does not bind.
        prelude: import statements, each by name (`import a.b` only with an `as`, no star).

    Raises:
        ProgramError: the prelude holds anything else.
    """
    return "\n".join(line for name, line in read_prelude(prelude).items() if name in names)


def usual_imports(source: str, prelude: str = USUAL_IMPORTS, *, but: Collection[str] = ()) -> str:
    """The imports of a prelude that a program needs: of names that it reads, and neither binds nor has from Python itself.

    Args:
        source: any text; what is no Python needs none.
        prelude: as for `imports_for`.
        but: names that the program has to define by itself.
    """
    if not prelude or read_prelude(prelude).keys().isdisjoint(_WORD.findall(source)):
        return ""
    try:
        return imports_for(free_names(source).difference(but, vars(builtins)), prelude)
    except ProgramError:
        return ""


@functools.lru_cache(maxsize=64)
def read_prelude(prelude: str) -> Mapping[str, str]:
    """Each name that a prelude binds, with the statement that does; raises ProgramError where it is more than imports by name."""
    found = {}
    for node in parse_source(prelude).body:
        if not isinstance(node, ast.Import | ast.ImportFrom):
            raise ProgramError(f"line {node.lineno} of the prelude is no import: it may hold nothing but imports")
        for alias in node.names:
            if alias.name == "*" or (isinstance(node, ast.Import) and "." in alias.name and alias.asname is None):
                raise ProgramError(
                    f"line {node.lineno} of the prelude must name what it imports: no star, and a.b only as a name"
                )
            if isinstance(node, ast.ImportFrom) and (node.level or node.module == "__future__"):
                raise ProgramError(f"line {node.lineno} of the prelude must import from an installed module")
            one = ast.Import([alias]) if isinstance(node, ast.Import) else ast.ImportFrom(node.module, [alias], 0)
            found[alias.asname or alias.name] = ast.unparse(one)
    return MappingProxyType(found)


def free_names(source: str) -> frozenset[str]:
    """Names that a program reads and nothing in it binds; Python's own names among them. Raises ProgramError."""
    found: set[str] = set()
    for scope in scopes_of(parse_source(source)).values():
        found.update(name for name in scope.read if scope.resolve(name) is None)
    return frozenset(found)
