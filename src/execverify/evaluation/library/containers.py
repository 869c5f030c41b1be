"""Programs of library-io that lean on collections and itertools: functions, each with calls. They are read as text, never imported.

Written for this package. A call's result is made by running it, so a Python version in which a library does otherwise has another
result, and never a wrong one.
"""

import itertools
from collections import ChainMap, Counter, OrderedDict, defaultdict, deque, namedtuple

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
