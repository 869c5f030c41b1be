"""A small hand-made data set in REval's form: two functions, and a class with unittest methods. What is true of it is in comments."""

import json
from pathlib import Path

COUNT = """\
def count(limit, step):
    total = 0
    while total < limit:
        total += step
    if total > limit:
        total = -1
    return total
"""
# count(4, 2): 2; 3 4 3 4 3; 5 7. Line 6 never runs.

HALF = """\
def half(values):
    kept = [v / 3 for v in values]
    for k in kept:
        first = k
        break
    else:
        first = None
    return (first,
            len(kept))
"""
# half([1, 2]): 2 3 4 5 8; first = 0.333...

WORDS = """\
class Words:
    def __init__(self):
        self.seen = {}

    def add(self, word):
        if word in self.seen:
            self.seen[word] += 1
        else:
            self.seen[word] = 1
        return self.seen[word]
"""

WORDS_TEST = """\
class WordsTest(unittest.TestCase):
    def setUp(self):
        self.words = Words()
"""

BODY = """\
self.words.add('a')
self.words.add('a')
self.assertEqual(self.words.add('b'), 1)
"""
# in Words: 3; 6 9 10; 6 7 10; 6 9 10

DATA = [
    {"task_id": "T/0", "entry_point": "count", "code": COUNT, "inputs": ["(4, 2)", "(3, 2)"], "outputs": ["4", "-1"], "test": None},
    {"task_id": "T/1", "entry_point": "half", "code": HALF, "inputs": ["([1, 2],)"], "outputs": ["(0.3333333333333333, 2)"], "test": None},
    {"task_id": "T/2", "entry_point": "Words", "code": WORDS, "inputs": [BODY], "outputs": ["1"], "test": WORDS_TEST},
]  # fmt: skip

TASKS = [
    {"task_id": "T/0", "idx": 0, "tasks": [
        {"input_idx": 0, "task": [{"lineno": 4, "var": "total"}, {"lineno": 6, "var": "total"}, {"lineno": 7, "var": "total"}],
         "output_pred": "assert count(4, 2) == ??"},
        {"input_idx": 1, "task": [{"lineno": 6, "var": "total"}], "output_pred": "assert count(3, 2) == ??"},
    ]},
    {"task_id": "T/1", "idx": 1, "tasks": [
        {"input_idx": 0, "task": [{"lineno": 4, "var": "first"}, {"lineno": 9, "var": "kept[1]"}],
         "output_pred": "assert half([1, 2]) == ??"},
    ]},
    {"task_id": "T/2", "idx": 2, "tasks": [
        {"input_idx": 0, "task": [{"lineno": 10, "var": "self.seen[word]"}, {"lineno": 7, "var": "self.seen"}],
         "output_pred": "self.words.add('a')\nself.words.add('a')\nself.assertEqual(self.words.add('b'), ??)"},
    ]},
]  # fmt: skip

TRUTH = {  # coverage, every path answer, every state answer
    "T/0/0/4/total": ("YES", {"while total < limit:"}, {"2; int", "4; int"}),
    "T/0/0/6/total": ("NO", {"-1"}, {"Nil"}),
    "T/0/0/7/total": ("YES", {"-1"}, {"4; int"}),
    "T/0/1/6/total": ("YES", {"return total"}, {"-1; int"}),
    "T/1/0/4/first": ("YES", {"break"}, {"0.3333333333333333; float", "0.3333334; float"}),
    "T/1/0/9/kept[1]": ("YES", {"-1"}, {"0.6666666666666666; float"}),  # line 9 continues the statement of line 8
    "T/2/0/10/self.seen[word]": ("YES", {"if word in self.seen:", "-1"}, {"1; int", "2; int"}),
    "T/2/0/7/self.seen": ("YES", {"return self.seen[word]"}, {"{'a': 2}; dict"}),
}


def write(folder: Path) -> Path:
    """Writes the two files into a folder."""
    for name, rows in (("DREval_data.jsonl", DATA), ("DREval_tasks.jsonl", TASKS)):
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder
