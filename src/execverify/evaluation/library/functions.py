"""The programs of library-io: functions that lean on the standard library, each with calls. They are read as text, never imported.

Written for this package. A call's result is made by running it, so a Python version in which a library does otherwise has another
result, and never a wrong one.
"""

import bisect
import collections
import copy
import datetime
import decimal
import difflib
import fractions
import functools
import hashlib
import heapq
import itertools
import json
import math
import operator
import re
import statistics
import string
import textwrap
from collections import ChainMap, Counter, OrderedDict, defaultdict, deque, namedtuple
from datetime import date, timedelta
from functools import reduce

# ------------------------------------------------------------------------------------------------------- collections


def rank_words(text):
    counts = Counter(text.lower().split())
    return counts.most_common(2)


rank_words("the cat and the dog and the bird")
rank_words("a b a c b")


def spare_letters(have, need):
    left = Counter(have)
    left.subtract(need)
    return {letter: count for letter, count in sorted(left.items()) if count}


spare_letters("balloon", "lone")
spare_letters("abc", "abcd")


def overlap(a, b):
    both = Counter(a) & Counter(b)
    return sorted(both.elements())


overlap([1, 1, 2, 3, 3], [3, 1, 1, 1, 4])


def group_by_length(words):
    groups = defaultdict(list)
    for word in words:
        groups[len(word)].append(word)
    return dict(groups)


group_by_length(["to", "a", "be", "or", "not", "i"])


def nested_tally(pairs):
    tally = defaultdict(lambda: defaultdict(int))
    for outer, inner in pairs:
        tally[outer][inner] += 1
    return {key: dict(sorted(value.items())) for key, value in tally.items()}


nested_tally([("x", 1), ("y", 2), ("x", 1), ("x", 0)])


def rotate_and_trim(items, turns, size):
    ring = deque(items, maxlen=size)
    ring.rotate(turns)
    ring.append("end")
    return list(ring)


rotate_and_trim([1, 2, 3, 4, 5], 2, 4)
rotate_and_trim("abc", -1, 3)


def sliding_max(values, width):
    window, best = deque(), []
    for index, value in enumerate(values):
        while window and values[window[-1]] <= value:
            window.pop()
        window.append(index)
        if window[0] <= index - width:
            window.popleft()
        if index >= width - 1:
            best.append(values[window[0]])
    return best


sliding_max([4, 2, 12, 3, 8, 7, 1], 3)


def recently_used(keys, size):
    cache = OrderedDict()
    for key in keys:
        if key in cache:
            cache.move_to_end(key)
        cache[key] = len(cache)
        if len(cache) > size:
            cache.popitem(last=False)
    return list(cache.items())


recently_used(["a", "b", "a", "c", "d", "a"], 3)


def layered_settings(user, default):
    settings = ChainMap({"debug": False}, user, default)
    settings["colour"] = "red"
    return sorted(settings.items()), user


layered_settings({"colour": "blue", "size": 3}, {"size": 1, "depth": 2, "debug": True})


def nearest_point(points, target):
    Point = namedtuple("Point", "x y")
    there = Point(*target)
    found = min((Point(*p) for p in points), key=lambda p: (abs(p.x - there.x) + abs(p.y - there.y), p))
    return tuple(found._replace(x=found.x * 10))


nearest_point([(5, 5), (1, 2), (3, 0)], (2, 1))


# --------------------------------------------------------------------------------------------------------- itertools


def runs(values):
    return [(key, len(list(group))) for key, group in itertools.groupby(values)]


runs([1, 1, 0, 0, 0, 1])
runs("aabccc")


def longest_rising(values):
    steps = (later > earlier for earlier, later in itertools.pairwise(values))
    lengths = itertools.accumulate(steps, lambda length, rises: length + 1 if rises else 1, initial=1)
    return max(lengths)


longest_rising([3, 5, 7, 2, 4, 6, 8, 1])


def running_totals(values, cap):
    return list(itertools.accumulate(values, lambda total, value: min(total + value, cap)))


running_totals([5, 3, 9, -4, 6], 12)


def interleave(*lists):
    merged = itertools.chain.from_iterable(itertools.zip_longest(*lists, fillvalue="-"))
    return "".join(map(str, merged))


interleave([1, 2, 3], ["a"], [7, 8])


def pair_sums(values, target):
    return [pair for pair in itertools.combinations(sorted(values), 2) if sum(pair) == target]


pair_sums([4, 1, 3, 2, 2], 5)


def seatings(names, apart):
    good = 0
    for order in itertools.permutations(names):
        if abs(order.index(apart[0]) - order.index(apart[1])) > 1:
            good += 1
    return good


seatings("abcd", "ad")


def until_repeat(values):
    seen = set()
    return list(itertools.takewhile(lambda value: not (value in seen or seen.add(value)), values))


until_repeat([3, 1, 4, 1, 5])


def every_third(limit, start):
    return list(itertools.islice(itertools.count(start, 3), limit))[::-1]


every_third(4, -2)


def schedule(names, days):
    return dict(zip(days, itertools.cycle(names)))


schedule(["ann", "bo"], ["mon", "tue", "wed"])


def compress_odd(text):
    keep = (index % 2 for index in range(len(text)))
    return "".join(itertools.compress(text, keep))


compress_odd("programming")


def grid_paths(rows, columns):
    cells = itertools.product(range(rows), columns)
    return [f"{row}{column}" for row, column in cells if (row + ord(column)) % 2]


grid_paths(2, "abc")


# ---------------------------------------------------------------------------------------------------------------- re


def numbers_in(text):
    return [int(match) for match in re.findall(r"-?\d+", text)]


numbers_in("from -3 to 14, step 2x7")


def snake_case(name):
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


snake_case("parseHTTPResponse")
snake_case("XmlToJson")


def swap_pairs(text):
    return re.sub(r"(\w+)-(\w+)", r"\2+\1", text)


swap_pairs("left-right up-down-over plain")


def parse_log(line):
    match = re.match(r"\[(?P<level>\w+)\]\s+(?P<code>\d{3})?:?\s*(?P<rest>.*)$", line)
    return match.groupdict() if match else None


parse_log("[WARN]  404: not found")
parse_log("[INFO] ready")
parse_log("no level")


def split_sentences(text):
    return [part.strip() for part in re.split(r"[.!?]+\s*", text) if part]


split_sentences("Stop! Who goes there?.. Nobody.")


def redact(text):
    return re.sub(r"\d", lambda match: "*" if int(match.group()) % 2 else "#", text)


redact("pin 4071-93")


def positions(pattern, text):
    return [match.span() for match in re.finditer(pattern, text)]


positions("a+b?", "aab caba")


def is_valid_time(text):
    return bool(re.fullmatch(r"([01]?\d|2[0-3]):[0-5]\d", text))


is_valid_time("24:00")
is_valid_time("7:45")


def repeated_words(text):
    return re.findall(r"\b(\w+)\s+\1\b", text, flags=re.IGNORECASE)


repeated_words("it was was the The cat that sat sat")


def fill_template(text, values):
    return re.sub(r"\{(\w+)(?::(\d+))?\}", lambda m: str(values.get(m[1], "?")).rjust(int(m[2] or 0), "."), text)


fill_template("{name}:{age:4}{city:2}", {"name": "Jo", "age": 7})


# ---------------------------------------------------------------------------------------------------------- datetime


def days_between(first, second):
    return (date.fromisoformat(second) - date.fromisoformat(first)).days


days_between("2024-02-27", "2024-03-01")


def weekday_name(year, month, day):
    return datetime.date(year, month, day).strftime("%a %d.%m.")


weekday_name(2023, 12, 31)


def add_workdays(start, count):
    day = date.fromisoformat(start)
    while count:
        day += timedelta(days=1)
        count -= day.weekday() < 5
    return day.isoformat()


add_workdays("2024-05-02", 3)


def meeting_end(start, minutes):
    begin = datetime.datetime.strptime(start, "%H:%M")
    return (begin + timedelta(minutes=minutes)).strftime("%H:%M")


meeting_end("23:10", 95)


def humanize(seconds):
    span = timedelta(seconds=seconds)
    return str(span), span.days, span.seconds


humanize(90061)
humanize(-1)


def iso_week(text):
    return tuple(datetime.date.fromisoformat(text).isocalendar())


iso_week("2021-01-03")


def month_ends(year, months):
    ends = []
    for month in months:
        following = date(year + month // 12, month % 12 + 1, 1)
        ends.append((following - timedelta(days=1)).day)
    return ends


month_ends(2024, [1, 2, 4, 12])


# -------------------------------------------------------------------------------------------------------------- json


def round_trip(value):
    return json.loads(json.dumps(value))


round_trip({1: (2, 3), None: True, "x": [None, 1.0]})


def compact(value):
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


compact({"b": [1, {"z": None}], "a": 'q"t'})


def deep_get(text, path):
    value = json.loads(text)
    for key in path.split("/"):
        value = value[int(key)] if isinstance(value, list) else value.get(key)
    return value


deep_get('{"a": [{"b": 1}, {"b": [2, 3]}]}', "a/1/b/0")


def load_or_default(texts):
    loaded = []
    for text in texts:
        try:
            loaded.append(json.loads(text))
        except json.JSONDecodeError as error:
            loaded.append(error.pos)
    return loaded


load_or_default(["[1, 2", "3.0", "{'a': 1}", "null"])


def count_types(text):
    return dict(Counter(type(value).__name__ for value in json.loads(text).values()))


count_types('{"a": 1, "b": 1.5, "c": "1", "d": true, "e": [], "f": 2}')


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
