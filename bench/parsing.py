"""The worst time that reading a text takes, of texts that are written to be slow: `python bench/parsing.py [--json]`.

Everything that a model or its code writes is read in the trainer's process, so it must be read in bounded time. Each reader has
a limit of characters; each shape here fills it. Exits with 1 where one takes longer than `MOST` seconds.
"""

import argparse
import contextlib
import json
import time
from collections.abc import Callable

import execverify as ev
from execverify.errors import LiteralError
from execverify.programs.literals import MAX_SOURCE, parse_without_warnings
from execverify.programs.program import MAX_SOURCE as MAX_CODE
from execverify.programs.usual_imports import usual_imports
from execverify.rewards.code.extract import MAX_CODE_ANSWER, extract_code
from execverify.rewards.code.unit_tests import MAX_RESULT
from execverify.rewards.compare import first_difference, output_lines
from execverify.rewards.parse import MAX_ANSWER

MOST = 2.0
"""Seconds that no text may take, on a machine that does other things too."""

Shape = Callable[[int], str]


def repeated(unit: str, before: str = "", after: str = "") -> Shape:
    """A text of one part, as often as it fits."""
    return lambda length: before + unit * max(0, (length - len(before) - len(after)) // len(unit)) + after


SOURCES: dict[str, Shape] = {
    "f-string with many fields": repeated("{a}", "f'", "'"),
    "f-string with fields in fields": repeated("{a:{b}}", "f'", "'"),
    "f-string in f-string": repeated("{f'{a}'}", 'f"', '"'),
    "f-string with long fields": repeated("{" + "+".join("a" * 150) + "}", "f'", "'"),
    "many f-strings": repeated("f'{a}' "),
    "combining characters": repeated("\u0316\u0300", "a"),
    "characters that become combining ones": repeated("\u0f73\u0f71", "a"),
    "names with 298 combining characters": repeated("a" + "\u0316\u0300" * 149 + "=1\n"),
    "statements of a letter": repeated("x\n"),
    "items of a list": repeated("1,", "[", "]"),
    "items of a broken list": repeated("1,", "[", "1 1]"),
    "deep lists": repeated("[" * 90 + "1" + "]" * 90 + ",", "[", "]"),
    "deep dicts": repeated("{1:" * 90 + "1" + "}" * 90 + ",", "[", "]"),
    "keys": repeated("1:1,", "{", "}"),
    "named arguments": repeated("a=1,", "f(", "a=1)"),
    "elif": repeated("elif 1:\n x\n", "if 1:\n x\n"),
    "exec without brackets": repeated("x\n", after="exec x"),
    "escapes": repeated("'\\d' "),
    "digits": repeated("9"),
    "brackets": repeated("("),
    "signs": repeated("-", after="1"),
}
ANSWERS: dict[str, Shape] = {
    "fences": repeated("```\n"),
    "fences of Python": repeated("```python\n"),
    "fences behind words": repeated("a: ```\n"),
    "fences on one line": repeated("``` "),
    "backticks": repeated("`"),
    "blanks": repeated(" "),
    "empty lines": repeated("\n"),
    "one block of statements": repeated("x\n", "```python\n", "```"),
    "an indented block": repeated("  x\n", "  ```python\n", "  ```"),
    "code before a fence": repeated("x=1\n", after="```\n"),
    "a block of names": repeated("a=b\n", "```python\n", "\n```"),
}


def seconds(work: Callable[[str], object], text: str) -> float:
    """How long a reader takes for a text, the best of two."""
    best = float("inf")
    for _ in range(2):
        begun = time.perf_counter()
        with contextlib.suppress(SyntaxError, ValueError, MemoryError, RecursionError, LiteralError):
            work(text)
        best = min(best, time.perf_counter() - begun)
    return best


def measured() -> list[tuple[str, int, float]]:
    """Each reader with its slowest shape, the characters that it may read, and the seconds."""
    found = []
    for name, work, limit in (
        ("a program", lambda text: parse_without_warnings(text, "exec"), MAX_CODE),
        ("the imports that a program needs", usual_imports, MAX_CODE),
        ("a literal that code gave", lambda text: parse_without_warnings(text, "eval"), MAX_RESULT),
        ("a literal of an answer", lambda text: parse_without_warnings(text, "eval"), MAX_SOURCE),
    ):
        times = {shape: seconds(work, made(limit)) for shape, made in SOURCES.items()}
        found.append(_slowest(name, limit, times))
    times = {shape: seconds(extract_code, made(MAX_CODE_ANSWER)) for shape, made in ANSWERS.items()}
    shorter = {shape: seconds(extract_code, made(MAX_CODE)) for shape, made in ANSWERS.items()}
    found.append(_slowest("code in an answer", MAX_CODE_ANSWER, {shape: max(times[shape], shorter[shape]) for shape in times}))
    task = ev.task(
        ev.trace(ev.Program("def f(n):\n    for i in range(n):\n        n += 1\n    return n", arguments="9")), limit=10
    )
    lines = {shape: made(MAX_ANSWER - 100) for shape, made in {**ANSWERS, **SOURCES}.items()}
    lines |= {f"{shape}, on four lines": "\n".join([made(MAX_SOURCE - 1)] * 4) for shape, made in SOURCES.items()}
    times = {shape: seconds(lambda text: ev.score(task, f"<answer>{text}</answer>"), text) for shape, text in lines.items()}
    found.append(_slowest("a white-box answer", MAX_ANSWER, times))
    printed = {shape: made(1_000_000) for shape, made in ANSWERS.items()} | {
        "numbers": "1.5 " * 250_000,
        "digits": "9" * 1_000_000,
    }
    times = {
        shape: seconds(lambda text: first_difference(output_lines(text), output_lines(text.replace("5", "50")), 1e-6), text)
        for shape, text in printed.items()
    }
    found.append(_slowest("printed output, with a tolerance", 1_000_000, times))
    return found


def _slowest(name: str, limit: int, times: dict[str, float]) -> tuple[str, int, float]:
    shape = max(times, key=lambda shape: times[shape])
    return f"{name} ({shape})", limit, times[shape]


def main() -> int:
    parser = argparse.ArgumentParser(description="The worst time that reading a text takes.")
    parser.add_argument("--json", action="store_true")
    found = measured()
    if parser.parse_args().json:
        print(json.dumps([{"text": name, "characters": limit, "seconds": round(took, 3)} for name, limit, took in found]))
    else:
        for name, limit, took in found:
            print(f"{took:6.2f} s  {limit:9,} characters  {name}")
    return int(max(took for *_, took in found) > MOST)


if __name__ == "__main__":
    raise SystemExit(main())
