"""What plain CPython says of a program and its tests: a script for an interpreter of its own, without a line of execverify.

Reads {"source", "setup", "tests", "calls", "entry_point", "seconds", "near"} as JSON from stdin. Answers with a JSON list: for each test
"holds", or the name of what was raised; for each call (arguments as text) that name, or the result: text that shows types, a
null character, and the result's literal where Python reads it back as the same. "near the limit" stands for what took more than
`near` seconds and ended within `seconds`: under a limit between the two, on a busy machine, nobody can say how it ends.
"""

import ast
import json
import signal
import sys
import time
from typing import Any


class OutOfTime(BaseException):
    """A test ran longer than it may."""


def alarm(*_: object) -> None:
    raise OutOfTime


def shown(value: Any) -> str:
    """Text that tells values of different type or content apart, whatever the order of sets and dicts."""
    kind = type(value).__name__
    if isinstance(value, dict):
        return f"{kind}{{{', '.join(sorted(f'{shown(key)}: {shown(part)}' for key, part in value.items()))}}}"
    if isinstance(value, list | tuple):
        return f"{kind}[{', '.join(map(shown, value))}]"
    if isinstance(value, set | frozenset):
        return f"{kind}{{{', '.join(sorted(map(shown, value)))}}}"
    return f"{kind} {value!r}"


def literal(value: Any) -> str:
    text = repr(value)
    try:
        return text if shown(ast.literal_eval(text)) == shown(value) else ""
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return ""


def outcome(work: Any, seconds: float, near: float) -> str:
    start = time.perf_counter()
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        result = str(work())
    except BaseException as error:
        result = f"raised {type(error).__name__}"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    late = time.perf_counter() - start > near
    return "near the limit" if late and result != "raised OutOfTime" else result


def main() -> None:
    """Runs what stdin says."""
    job = json.load(sys.stdin)
    answer_to, sys.stdout = sys.stdout, sys.stderr
    signal.signal(signal.SIGALRM, alarm)
    scope: dict[str, Any] = {"__name__": "solution"}
    times = job["seconds"], job["near"]

    def load() -> str:
        exec(job["setup"], scope)
        exec(job["source"], scope)
        return "loaded"

    def test(text: str) -> str:
        exec(text, scope)
        return "holds"

    def call(arguments: str) -> str:
        result = eval(f"{job['entry_point']}({arguments})", scope)
        return f"{shown(result)}\0{literal(result)}"

    loaded = outcome(load, *times)
    jobs = [(test, text) for text in job["tests"]] + [(call, text) for text in job["calls"]]
    said = [outcome(lambda work=work, text=text: work(text), *times) if loaded == "loaded" else loaded for work, text in jobs]
    json.dump(said, answer_to)


if __name__ == "__main__":
    main()
