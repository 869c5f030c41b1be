"""The programs in `tests/data/trace_cases/` and what is known about them, worked out by hand from what a step is.

Each file is a program followed by `#: key value` lines:

    #: call f(3)                     the call that is traced
    #: steps 2 3 4 3                 the lines of all steps, in the order in which they begin
    #: frames 0 0 1 0                the frame of each step, numbered as the frames are entered
    #: result 6                      what the call returns, or `raises ValueError`
    #: state 3/2 total = 1; int      after visit 2 of line 3, in that step's frame: `name = literal; type`
    #: state 3/2 e = opaque          the variable is there; its value has no literal
    #: no-state 5/1                  the step ended in an exception, or never ended
    #: next 3/1 4                    the line that begins next after visit 1 of line 3, or -1
"""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parents[1] / "data" / "trace_cases"


class State(NamedTuple):
    """A variable after a step; `text` and `type` are None where the value is opaque."""

    line: int
    visit: int
    name: str
    text: str | None
    type: str | None

    @property
    def opaque(self) -> bool:
        return self.text is None


class Next(NamedTuple):
    """The line of the step that begins after a visit of `line`, or -1."""

    line: int
    visit: int
    target: int


@dataclass(frozen=True)
class Case:
    """One program, its call, and what a right trace of it says."""

    name: str
    source: str
    call: str
    steps: tuple[int, ...]
    frames: tuple[int, ...] | None
    result: str | None
    raises: str | None
    states: tuple[State, ...]
    no_states: tuple[tuple[int, int], ...]
    nexts: tuple[Next, ...]


def load_cases() -> list[Case]:
    """Every case in the folder, by name."""
    return [parse_case(path.stem, path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.py"))]


def parse_case(name: str, text: str) -> Case:
    """The program is the text before the first `#:` line; everything from there on must be `#:` lines."""
    lines = text.splitlines(keepends=True)
    end = next(number for number, line in enumerate(lines) if line.startswith("#:"))
    once: dict[str, str] = {}
    states: list[State] = []
    no_states: list[tuple[int, int]] = []
    nexts: list[Next] = []
    for line in lines[end:]:
        mark, key, value = line.strip().split(" ", 2)
        if mark != "#:":
            raise ValueError(f"{name}: {line!r} follows the program and does not start with '#:'")
        if key == "state":
            states.append(_state(value))
        elif key == "no-state":
            no_states.append(_visit(value))
        elif key == "next":
            where, target = value.split()
            nexts.append(Next(*_visit(where), int(target)))
        elif key in ("call", "steps", "frames", "result", "raises") and key not in once:
            once[key] = value
        else:
            raise ValueError(f"{name}: {line!r} repeats a key or has an unknown one")
    if ("result" in once) == ("raises" in once):
        raise ValueError(f"{name}: give either 'result' or 'raises'")
    return Case(
        name=name,
        source="".join(lines[:end]),
        call=once["call"],
        steps=_numbers(once["steps"]),
        frames=_numbers(once["frames"]) if "frames" in once else None,
        result=once.get("result"),
        raises=once.get("raises"),
        states=tuple(states),
        no_states=tuple(no_states),
        nexts=tuple(nexts),
    )


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in text.split())


def _visit(text: str) -> tuple[int, int]:
    line, visit = text.split("/")
    return int(line), int(visit)


def _state(text: str) -> State:
    where, _, rest = text.partition(" ")
    name, _, value = rest.partition(" = ")
    if value == "opaque":
        return State(*_visit(where), name, None, None)
    literal, _, kind = value.rpartition("; ")
    return State(*_visit(where), name, literal, kind)
