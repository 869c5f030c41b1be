"""Programs of library-io that lean on math, functools, operator, heapq, bisect, decimal, fractions, text and the rest: functions, each with calls. They are read as text, never imported.

Written for this package. A call's result is made by running it, so a Python version in which a library does otherwise has another
result, and never a wrong one.
"""

import bisect
import collections
import copy
import decimal
import difflib
import fractions
import functools
import hashlib
import heapq
import math
import operator
import statistics
import string
import textwrap
from functools import reduce

# -------------------------------------------------------------------------------------------------------------- math


def reduce_fraction(top, bottom):
    shared = math.gcd(top, bottom)
    return top // shared, bottom // shared


reduce_fraction(84, -36)


def choose_rows(n):
    return [math.comb(n, k) for k in range(n + 1)]


choose_rows(5)


def squares_below(limit):
    root = math.isqrt(limit)
    return root, limit - root * root


squares_below(150)


def rounding(values):
    return [(math.floor(v), math.ceil(v), math.trunc(v), round(v)) for v in values]


rounding([2.5, -2.5, 3.2])


def steps_of_power(n):
    return math.prod(range(1, n + 1)) == math.factorial(n), math.log2(2**n), math.lcm(*range(1, n + 1))


steps_of_power(6)


def split_float(value):
    fraction, whole = math.modf(value)
    return fraction, whole, math.copysign(1.0, fraction)


split_float(-3.25)


# ------------------------------------------------------------------------------------------------ functools, operator


def fold_digits(digits):
    return reduce(lambda total, digit: total * 10 + digit, digits, 0)


fold_digits([0, 4, 0, 7])


def count_calls(n):
    calls = []

    @functools.cache
    def fib(k):
        calls.append(k)
        return k if k < 2 else fib(k - 1) + fib(k - 2)

    return fib(n), len(calls), fib.cache_info().hits


count_calls(8)


def sort_versions(versions):
    def compare(a, b):
        left, right = ([int(p) for p in v.split(".")] for v in (a, b))
        return (left > right) - (left < right)

    return sorted(versions, key=functools.cmp_to_key(compare), reverse=True)


sort_versions(["1.10", "1.9.3", "1.9", "2.0"])


def scaled(values, factor):
    times = functools.partial(operator.mul, factor)
    return list(map(times, values))


scaled([1, "ab", [0]], 2)


def by_columns(rows, first, second):
    return sorted(rows, key=operator.itemgetter(first, second))[0]


by_columns([("b", 2, 1), ("a", 2, 9), ("c", 1, 5)], 1, 2)


# ------------------------------------------------------------------------------------------------------ heapq, bisect


def merge_k(lists):
    return list(heapq.merge(*lists, reverse=True))


merge_k([[9, 4, 1], [8, 8], [10]])


def heap_after(values, pushed):
    heap = list(values)
    heapq.heapify(heap)
    popped = heapq.heappushpop(heap, pushed)
    return popped, heap


heap_after([5, 3, 8, 1, 9], 2)


def closest(values, target, count):
    return heapq.nsmallest(count, values, key=lambda value: (abs(value - target), value))


closest([10, 2, 14, 4, 7, 6], 5, 3)


def grade(scores):
    return "".join("FDCBA"[bisect.bisect([60, 70, 80, 90], score)] for score in scores)


grade([33, 99, 77, 70, 89, 90])


def insert_all(values):
    ordered = []
    places = []
    for value in values:
        places.append(bisect.bisect_left(ordered, value))
        bisect.insort(ordered, value)
    return places, ordered


insert_all([3, 1, 3, 2, 0])


# ------------------------------------------------------------------------------------- numbers: decimal, fractions, ...


def exact_total(prices):
    total = sum(map(decimal.Decimal, prices))
    return str(total.quantize(decimal.Decimal("0.1"), rounding=decimal.ROUND_HALF_EVEN))


exact_total(["1.15", "2.30", "0.80"])


def egyptian(top, bottom):
    left, parts = fractions.Fraction(top, bottom), []
    while left:
        unit = math.ceil(1 / left)
        parts.append(unit)
        left -= fractions.Fraction(1, unit)
    return parts


egyptian(5, 6)


def summary(values):
    return statistics.median(values), statistics.mode(values), statistics.median_low(values), statistics.mean(values)


summary([4, 1, 2, 2, 3, 6])


# -------------------------------------------------------------------------------------------------- text and the rest


def wrap_lines(text, width):
    return textwrap.wrap(text, width)


wrap_lines("the quick brown fox jumped", 10)


def strip_margin(text):
    return textwrap.dedent(text).splitlines()


strip_margin("    a\n      b\n\n    c")


def caesar(text, shift):
    letters = string.ascii_lowercase
    return text.translate(str.maketrans(letters, letters[shift:] + letters[:shift]))


caesar("xyz abc!", 3)


def substitute(template, **values):
    return string.Template(template).safe_substitute(values)


substitute("$a costs $$${b} or $c", a="tea", b=2)


def edits(old, new):
    matcher = difflib.SequenceMatcher(None, old, new)
    return [(tag, old[i:j], new[k:m]) for tag, i, j, k, m in matcher.get_opcodes() if tag != "equal"]


edits("kitten", "sitting")


def share_or_copy(rows):
    shallow, deep = copy.copy(rows), copy.deepcopy(rows)
    rows[0].append(9)
    rows.append([])
    return shallow, deep


share_or_copy([[1], [2]])


def short_digest(words):
    digest = hashlib.md5("|".join(words).encode()).hexdigest()
    return len(digest), digest.isalnum(), digest == digest.lower()


short_digest(["a", "b"])


def user_counts(events):
    seen = collections.Counter()
    for event in events:
        kind, _, who = event.partition(":")
        seen[who] += 1 if kind == "in" else -1
    return +seen, -seen


def settle(events):
    up, down = user_counts(events)
    return dict(up), sorted(down)


settle(["in:ann", "out:bo", "in:ann", "in:cy", "out:cy"])
