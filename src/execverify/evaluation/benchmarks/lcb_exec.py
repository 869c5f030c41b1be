"""LiveCodeBench's code execution (Jain et al. 2024, arXiv 2403.07974): output prediction on solutions of contest problems."""

from typing import Any

from execverify.evaluation.benchmark import About, Item
from execverify.evaluation.data import Source, load_rows
from execverify.evaluation.outputs import RULE, STRICT, Known, OutputPrediction, output_items

ORIGIN = "livecodebench/execution-v2 on the hub"
HUB = ("livecodebench/execution-v2", "test")
FIELDS = ("code", "function_name", "input", "output")

PRELUDE = """\
import bisect, collections, copy, functools, heapq, itertools, math, operator, random, re, string
from bisect import bisect_left, bisect_right, insort
from collections import Counter, OrderedDict, defaultdict, deque
from copy import deepcopy
from functools import cache, cmp_to_key, lru_cache, reduce
from heapq import heapify, heappop, heappush, heappushpop, heapreplace, nlargest, nsmallest
from itertools import accumulate, chain, combinations, count, groupby, islice, pairwise, permutations, product, repeat, zip_longest
from math import ceil, comb, floor, gcd, inf, isqrt, log2, log10, sqrt
from operator import itemgetter
from string import ascii_letters, ascii_lowercase, ascii_uppercase
from typing import *
"""
"""Names that contest solutions use without an import; put before the code when it runs, and never shown."""


class LcbExec(OutputPrediction):
    """479 calls of solutions of recent contest problems."""

    about = About(
        "lcb-exec",
        "the output of a call of a contest solution",
        "479",
        "as its card on the hub says; none of it is shipped",
        ORIGIN,
        RULE + "; usual imports go before the code",
        STRICT,
        HUB,
    )

    def items(self, source: Source) -> list[Item]:
        """The rows {code, function_name, input, output, ...}; the input is the call, or its arguments."""
        rows = load_rows(source, self.about.name, ORIGIN, HUB, FIELDS)
        known = [self._known(number, row) for number, row in enumerate(rows)]
        return output_items(known, source.workers)

    def _known(self, number: int, row: dict[str, Any]) -> tuple[str, str, str, Known]:
        name, given = row["function_name"], str(row["input"])
        call = given if given.lstrip().startswith(f"{name}(") else f"{name}({given})"
        code = row["code"] if "import " in row["code"].split("def ")[0] else f"{PRELUDE}\n{row['code']}"
        return str(row.get("id", number)), row["code"], name, Known(code, call, str(row["output"]))


BENCHMARK = LcbExec()
