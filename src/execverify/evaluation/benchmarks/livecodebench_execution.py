"""LiveCodeBench's code execution (Jain et al. 2024, arXiv 2403.07974): output prediction on solutions of contest problems."""

from typing import Any

from execverify.evaluation.answers import Answer, output_answer
from execverify.evaluation.benchmark import BenchmarkInfo, Item
from execverify.evaluation.data import Source, load_rows
from execverify.evaluation.output_prediction import OFFICIAL_RULE, STRICT, OutputPrediction, Reference, output_items

ORIGIN = "livecodebench/execution-v2 on the hub"
HUB = ("livecodebench/execution-v2", "test")
FIELDS = ("code", "function_name", "input", "output")

PRELUDE = """\
import bisect, collections, copy, functools, heapq, itertools, math, operator, random, re, string, sys
from bisect import bisect_left, bisect_right, insort
from collections import Counter, OrderedDict, defaultdict, deque
from copy import deepcopy
from functools import cache, cmp_to_key, lru_cache, partial, reduce
from heapq import heapify, heappop, heappush, heappushpop, heapreplace, merge, nlargest, nsmallest
from itertools import accumulate, chain, combinations, count, cycle, groupby, islice, pairwise, permutations, product, repeat, zip_longest
from math import ceil, comb, floor, gcd, inf, isqrt, log, log2, log10, prod, sqrt
from operator import iand, itemgetter, sub
from os.path import commonprefix
from random import randrange, shuffle
from re import search as re_search
from string import ascii_letters, ascii_lowercase, ascii_uppercase
from typing import *
"""
"""The names that the authors put before every program but for numpy and pandas, and a few more that contest solutions use."""


class LcbExec(OutputPrediction):
    """479 calls of solutions of recent contest problems."""

    about = BenchmarkInfo(
        "livecodebench-execution",
        "the output of a call of a contest solution",
        "479",
        "as its card on the hub says; none of it is shipped",
        ORIGIN,
        OFFICIAL_RULE + "; usual imports go before the code",
        STRICT,
        HUB,
    )

    def items(self, source: Source) -> list[Item]:
        """The rows {code, function_name, input, output, ...}; the input is the call, or its arguments."""
        rows = load_rows(source, self.about.name, ORIGIN, HUB, FIELDS)[: source.limit]
        known = [self._known(number, row, source.imports) for number, row in enumerate(rows)]
        return output_items(known, source.workers)

    def _known(self, number: int, row: dict[str, Any], imports: tuple[str, ...]) -> tuple[str, str, str, Reference]:
        name, given = row["function_name"], str(row["input"])
        call = given if given.lstrip().startswith(f"{name}(") else f"{name}({given})"
        return (
            str(row.get("id", number)),
            row["code"],
            name,
            Reference(f"{PRELUDE}\n{row['code']}", call, str(row["output"]), imports),
        )

    def extract(self, item: Item, completion: str, style: str) -> Answer:
        """The right side of the completed assertion."""
        return output_answer(completion, style, item.call, one_line=True)


BENCHMARK = LcbExec()
