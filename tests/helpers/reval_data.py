"""A small data set in REval's form as the authors' files have it: two functions, and a class with several unittest classes.

Test bodies are left-stripped and call bare assertions; `outputs` of a class are empty; input i belongs to the i-th class whose name
begins with the entry point and `Test`, to its first test method, and to its own `setUp`: with another's, everything below is wrong.
What is true of it is in comments.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

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
    return first, len(kept)
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
import unittest

class OtherTest(unittest.TestCase):
    def test_nothing(self):
        self.fail()

class WordsTestAdd(unittest.TestCase):
    def setUp(self):
        self.words = Words()

    def test_add(self):
        self.words.add('a')
        self.words.add('a')
        self.assertEqual(self.words.add('b'), 1)

    def test_add_2(self):
        self.fail()

class WordsTestSeen(unittest.TestCase):
    def setUp(self):
        self.words = Words()
        self.words.add('z')

    def test_seen(self):
        self.assertEqual(self.words.add('z'), 2)
        self.assertIn('z', self.words.seen)
"""

ADD = "self.words.add('a')\nself.words.add('a')\nassertEqual(self.words.add('b'), 1)\n"
# in Words: 6 9 10; 6 7 10; 6 9 10. `__init__` ran before.

SEEN = "assertEqual(self.words.add('z'), 2)\nassertIn('z', self.words.seen)\n"
# in Words: 6 7 10

DATA: list[dict[str, Any]] = [
    {"task_id": "T/0", "entry_point": "count", "code": COUNT, "inputs": ["(4, 2)", "(3, 2)"], "outputs": ["4", "-1"], "test": None},
    {"task_id": "T/1", "entry_point": "half", "code": HALF, "inputs": ["([1, 2],)"], "outputs": ["(0.3333333333333333, 2)"], "test": None},
    {"task_id": "T/2", "entry_point": "Words", "code": WORDS, "inputs": [ADD, SEEN], "outputs": [], "test": WORDS_TEST},
]  # fmt: skip

TASKS: list[dict[str, Any]] = [
    {"task_id": "T/0", "idx": 0, "tasks": [
        {"input_idx": 0, "task": [{"lineno": 4, "var": "total"}, {"lineno": 6, "var": "total"}, {"lineno": 7, "var": "total"}],
         "output_pred": "assert count(4, 2) == ??"},
        {"input_idx": 1, "task": [{"lineno": 6, "var": "total"}], "output_pred": "assert count(3, 2) == ??"},
    ]},
    {"task_id": "T/1", "idx": 1, "tasks": [
        {"input_idx": 0, "task": [{"lineno": 4, "var": "first"}, {"lineno": 8, "var": "kept[1]"}],
         "output_pred": "assert half([1, 2]) == ??"},
    ]},
    {"task_id": "T/2", "idx": 2, "tasks": [
        {"input_idx": 0, "task": [{"lineno": 10, "var": "self.seen[word]"}, {"lineno": 7, "var": "self.seen"},
                                  {"lineno": 3, "var": "self.seen"}],
         "output_pred": "self.words.add('a')\nself.words.add('a')\nassertEqual(self.words.add('b'), ??)"},
        {"input_idx": 1, "task": [{"lineno": 9, "var": "word"}, {"lineno": 7, "var": "self.seen"}],
         "output_pred": "assertEqual(self.words.add('z'), ??)\nassertIn('z', ??)"},
    ]},
]  # fmt: skip

TRUTH = {  # coverage, every path answer, every state answer
    "T/0/0/4/total": ("YES", {"while total < limit:"}, {"2; int", "4; int"}),
    "T/0/0/6/total": ("NO", {"-1"}, {"Nil"}),
    "T/0/0/7/total": ("YES", {"-1"}, {"4; int"}),
    "T/0/1/6/total": ("YES", {"return total"}, {"-1; int"}),
    "T/1/0/4/first": ("YES", {"break"}, {"0.3333333333333333; float", "0.3333334; float"}),
    "T/1/0/8/kept[1]": ("YES", {"-1"}, {"0.6666666666666666; float"}),
    "T/2/0/10/self.seen[word]": ("YES", {"if word in self.seen:", "-1"}, {"1; int", "2; int"}),
    "T/2/0/7/self.seen": ("YES", {"return self.seen[word]"}, {"{'a': 2}; dict"}),
    "T/2/0/3/self.seen": ("NO", {"-1"}, {"Nil"}),
    "T/2/1/9/word": ("NO", {"-1"}, {"Nil"}),
    "T/2/1/7/self.seen": ("YES", {"return self.seen[word]"}, {"{'z': 2}; dict"}),
}


def write(folder: Path, data: Sequence[Mapping[str, Any]] = DATA, tasks: Sequence[Mapping[str, Any]] = TASKS) -> Path:
    """Writes the two files into a folder."""
    for name, rows in (("DREval_data.jsonl", data), ("DREval_tasks.jsonl", tasks)):
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder
