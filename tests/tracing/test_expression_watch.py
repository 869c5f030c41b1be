"""Expressions watched while a program runs: their value each time that their line has finished, and nothing else happens."""

from execverify.programs.program import Program
from execverify.sandbox.result import Limits, Outcome
from execverify.tracing.expression_watch import WatchResult, is_watchable, watch_many
from execverify.tracing.trace import trace

BOX = """\
class Box:
    def __init__(self, items):
        self.items = items
        self.looks = 0

    @property
    def last(self):
        self.looks += 1
        return self.items[-1]

def f(n):
    box = Box([])
    for i in range(n):
        box.items.append(i)
    return box.looks
"""


def watched(source: str, arguments: str, *watches: tuple[int, str], limits: Limits | None = None) -> WatchResult:
    program = Program(source, "f", arguments)
    return next(watch_many([(program, watches)], limits=limits or Limits()))


def texts(seen: WatchResult) -> list[list[str | None]]:
    return [[value.text for value in values] for values in seen.values]


def test_what_stands_in_an_object_is_seen_at_every_visit() -> None:
    seen = watched(BOX, "3", (14, "box.items"), (14, "box.items[i]"), (12, "box.items"), (3, "self.items"))
    assert texts(seen) == [["[0]", "[0, 1]", "[0, 1, 2]"], ["0", "1", "2"], ["[]"], ["[]"]]


def test_a_for_header_is_seen_when_its_name_is_bound_and_when_it_ends() -> None:
    assert texts(watched(BOX, "2", (13, "i"), (13, "n - i"))) == [["0", "1", "1"], ["2", "1", "1"]]


def test_what_has_no_value_there_is_left_out() -> None:
    seen = watched(BOX, "2", (12, "i"), (14, "box.items[1]"), (14, "box.nothing"), (99, "n"), (14, "box"))
    assert texts(seen) == [[], ["1"], [], [], [None, None]]


def test_looking_leaves_no_steps() -> None:
    program = Program(BOX, "f", "2")
    plain = [step.line for step in trace(program).steps]
    seen = watched(BOX, "2", (14, "box.last"))
    assert texts(seen) == [["0", "1"]]
    assert list(seen.lines) == plain, "a property that a watch runs is no part of the account"


def test_a_run_that_raises_keeps_what_was_seen_and_one_that_hangs_nothing() -> None:
    source = "def f(n):\n    total = 10\n    while True:\n        total = total // n\n        n -= 1\n"
    seen = watched(source, "2", (4, "total"))
    assert (seen.result.outcome, texts(seen)) == (Outcome.RAISED, [["5", "5"]])
    endless = watched("def f(n):\n    while n:\n        n += 1\n", "1", (3, "n"), limits=Limits(steps=50))
    assert (endless.result.outcome, endless.lines, texts(endless)) == (Outcome.TOO_MANY_STEPS, (), [[]])


def test_what_can_be_watched_does_nothing_but_look() -> None:
    assert all(map(is_watchable, ["x", "self.words[word]", "xs[-1]", "xs[1:n]", "a.b.c[0][k + 1]", "grid[i, j]"]))
    assert not any(
        map(is_watchable, ["f(x)", "(y := 3)", "[x for x in xs]", "x if y else z", "lambda: x", "", "x; y", "await x"])
    )
