"""What judges besides comparing: a problem's own checker of outputs, and probes that find tests which hold whatever comes."""

import functools
from collections.abc import Sequence
from typing import Any

from execverify.sandbox.candidates import CandidateWithAsserts, run_asserts
from execverify.sandbox.name_analysis import candidate_names
from execverify.sandbox.result import Outcome

_CHECKER = """\
import builtins as _builtins, io as _io, json as _json, sys as _sys
_files = dict(zip(("input.txt", "expected.txt", "output.txt"), _json.loads(_sys.stdin.read())))
_open = _builtins.open


def _opened(file, mode="r", *more, **named):
    text = _files.get(str(file))
    if text is None:
        return _open(file, mode, *more, **named)
    return _io.BytesIO(text.encode("utf-8", "surrogatepass")) if "b" in mode else _io.StringIO(text)


_builtins.open = _io.open = _opened
_sys.argv = ["checker.py", *_files]
_sys.stdin = _io.StringIO("")
exec(compile({source!r}, "checker.py", "exec"), {{"__name__": "__main__", "__builtins__": _builtins}})
"""
"""There is no place to write to in the sandbox: the checker's three files are texts that `open` gives."""


def checker_program(source: str) -> str:
    """A program that reads JSON of an input, an expected output and an output, and runs a checker on them as on files."""
    return _CHECKER.format(source=source)


def accepts(word: str) -> bool:
    """Whether a checker's first word says that an output is right: a number, 1 or more, or a word for yes."""
    try:
        return float(word) >= 1.0
    except ValueError:
        return word.lower().strip(".:,") in ("true", "yes", "ok", "accepted", "ac", "correct")


# ------------------------------------------------------------------------------------------------------------ idle tests

_PROBE = """\
def _spoil(values):
    for value in values:
        if isinstance(value, list):
            value.append({answer!r})
        elif isinstance(value, (dict, set)):
            value.clear()


def _answer(*given, **named):
    _spoil(given)
    _spoil(named.values())
    return {answer!r}


class _Anything:
    def __init__(self, *given, **named):
        pass

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return _answer


"""

ANSWERS = ("a text that no test expects: 5f2a9c", None)
"""What probes give for every call, after they have changed what they were given."""


@functools.lru_cache(maxsize=2048)
def _held(
    setup: str, tests: tuple[str, ...], entry_point: str | None, names: tuple[str, ...], context: str, options: tuple[Any, ...]
) -> frozenset[int]:
    asked = {"Solution.f" if entry_point is None else entry_point, *names, *candidate_names((setup, *tests), entry_point)}
    settings = dict(options)
    probes = [
        CandidateWithAsserts(probe(asked, answer), setup, tests, entry_point, context) for answer in ANSWERS
    ]  # each gives its answer to every call
    found = [
        {number for number, result in enumerate(results) if result.outcome == Outcome.RETURNED}
        for results in run_asserts(probes, **settings)
    ]
    return frozenset(set.intersection(*found))


def hold_always(
    setup: str, tests: Sequence[str], entry_point: str | None, names: Sequence[str] = (), context: str = "", **options: Any
) -> frozenset[int]:
    """Which tests hold whatever a candidate gives: `assert (f(1) == 2, 'message')`, `assert f(1) == 2 or True`.

    A test that holds for a text that nobody expects and also for None, each from a candidate that spoils its arguments, asks for
    nothing but that a call returns. Found once for the tests of a problem.

    Args:
        setup, tests, entry_point, names, context: of the problem, as `UnitTests` has them.
        options: of `run_asserted`.

    Returns:
        The places of these tests.
    """
    return _held(
        setup, tuple(tests), entry_point, tuple(names), context, tuple(sorted(options.items(), key=lambda item: item[0]))
    )


def probe(names: set[str], answer: object) -> str:
    """A program that makes all these names, each of which gives one answer to whatever is asked."""
    lines = [_PROBE.format(answer=answer)]
    for name in sorted({name.partition(".")[0] for name in names}):
        dotted = any(other.startswith(f"{name}.") for other in names)
        lines.append(f"class {name}(_Anything):\n    pass\n" if dotted or name[:1].isupper() else f"{name} = _answer\n")
    return "\n".join(lines)
