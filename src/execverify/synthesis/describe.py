"""A function's text in English: each line has a description, and the whole is made of the lines of the finished program."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(eq=False)
class Line:
    """A line of the program, which may still change; `say` is its description, with the function as subject: "adds 1 to `i`".

    The header of a block describes when or how often: "if `i` is 3", "for each number `i` of `items`"; an `else:` has no description.
    """

    text: str
    indent: int
    wording: str = ""


@dataclass
class _Statement:
    line: Line
    body: list["_Statement"] = field(default_factory=list)


def describe(lines: Sequence[Line]) -> str:
    """What the lines of a function's body do, in their order."""
    return _sequence(_tree(lines), top=True)


def describe_sentences(lines: Sequence[Line]) -> list[str]:
    """What the lines of a function's body do, a sentence for each of its blocks and for what stands between them."""
    return _parts(_tree(lines), top=True)


def as_noun(wording: str, kind: str) -> str:
    """What a value is, where a noun is wanted."""
    return f"whether {wording}" if kind == "bool" and not _is_noun(wording) else wording


def as_condition(wording: str) -> str:
    """A condition as a clause: a name alone is none."""
    return f"{wording} is true" if _is_noun(wording) else wording


def negated_condition(wording: str) -> str:
    """The opposite of a condition: in its verb where it has one that can be turned."""
    if _is_noun(wording):
        return f"{wording} is false"
    for opposite in (*_OPPOSITES, *((after, before) for before, after in _OPPOSITES)):
        if wording.count(opposite[0]) == 1 and not re.search(r" (and|or) ", wording):
            return wording.replace(*opposite)
    return f"it is not true that {wording}"


_OPPOSITES = (
    (" is not ", " is "), (" does not occur in ", " occurs in "), (" does not come before ", " comes before "),
    (" does not come after ", " comes after "), (" does not hold ", " holds "), (" begins with ", " does not begin with "),
    (" ends with ", " does not end with "), (" is true", " is false"),
)  # fmt: skip
"""Verbs and their opposites."""


def joined_conditions(word: str, *conditions: str) -> str:
    """Conditions joined by "and" or "or"; one that is joined by the other word stands in brackets."""
    other = " or " if word == "and" else " and "
    return f" {word} ".join(f"({one})" if other in one else one for one in map(as_condition, conditions))


def parenthetical(wording: str) -> str:
    """What a value is, in brackets where it is more than a name or a literal."""
    return wording if _is_plain(wording) else f"({wording})"


def _is_noun(wording: str) -> bool:
    if wording.startswith("what "):
        return not wording.endswith((" is true", " is false"))
    return wording in ("True", "False") or re.fullmatch(r"`\w+`", wording) is not None


def _is_plain(wording: str) -> bool:
    if wording[:1] == "(" and wording[-1:] == ")" and wording.count("(") == 1:
        return True
    return re.fullmatch(r"`[^`]*`|'[^']*'|-?[\w.]+", wording) is not None


def _tree(lines: Sequence[Line]) -> list[_Statement]:
    root: list[_Statement] = []
    open_blocks: list[tuple[int, list[_Statement]]] = [(0, root)]
    for line in lines:
        while open_blocks[-1][0] >= line.indent:
            open_blocks.pop()
        made = _Statement(line)
        open_blocks[-1][1].append(made)
        open_blocks.append((line.indent, made.body))
    return root


def _sequence(statements: Sequence[_Statement], top: bool = False, tested: bool = False) -> str:
    """What statements of one block do; `top` for those of the function, `tested` for those behind an `if`."""
    return "; ".join(_parts(statements, top, tested))


def _parts(statements: Sequence[_Statement], top: bool = False, tested: bool = False) -> list[str]:
    parts: list[str] = []
    run: list[str] = []
    behind = ""  # what leads back from a block to the statements behind it
    at = 0

    def flush() -> None:
        nonlocal behind
        if run:
            parts.append(behind + _listed(run))
            behind = ""
            run.clear()

    while at < len(statements):
        chain = [statements[at]]
        at += 1
        if not chain[0].body:
            if top and at == len(statements) and chain[0].line.wording.startswith(("returns ", "return ")) and (parts or run):
                flush()
                behind = "at the end, " if behind else "and "
            run.append(chain[0].line.wording)
            continue
        while at < len(statements) and statements[at].line.text.startswith(("elif ", "else:")):
            chain.append(statements[at])
            at += 1
        flush()
        parts.append(behind + _chain(chain))
        behind = _back(chain, top, tested)
    flush()
    return parts


def _listed(run: Sequence[str]) -> str:
    description: list[str] = []
    begun: list[str] = []  # "starts `a` at 0 and starts `b` at 1" needs its verb once
    for one in (*run, ""):
        verb, _, rest = one.partition(" ")
        if verb in ("start", "starts"):
            begun.append(rest if begun else one)
            continue
        if begun:
            description.append(f"{', '.join(begun[:-1])} and {begun[-1]}" if len(begun) > 1 else begun[0])
            begun.clear()
        description.append(one)
    return ", then ".join(description[:-1])


def _chain(chain: Sequence[_Statement]) -> str:
    first = chain[0]
    head = first.line.wording
    tested = first.line.text.startswith("if ")
    description = (
        f"{head}: {_sequence(first.body, tested=tested)}"
        if first.body[0].body or len(first.body) > 1
        else f"{head}, {_sequence(first.body, tested=tested)}"
    )
    before = first
    for branch in chain[1:]:
        nested = any(_holds_test(inner) for inner in before.body)
        lead = f"otherwise (where {_failed(before.line.wording.removeprefix('if '))})" if nested else "otherwise"
        if branch.line.text.startswith("elif "):
            description += f"; {lead}, {branch.line.wording}, {_sequence(branch.body, tested=True)}"
        else:
            description += f"; {lead}, {_sequence(branch.body, tested=True)}"
        before = branch
    return description


def _failed(condition: str) -> str:
    """That a condition does not hold; without a double negation where its verb has an opposite."""
    opposite = negated_condition(condition)
    return opposite if not opposite.startswith("it is not true that ") else f"it does not hold that {condition}"


def _holds_test(statement: _Statement) -> bool:
    return statement.line.text.startswith("if ") or any(_holds_test(inner) for inner in statement.body)


def _back(chain: Sequence[_Statement], top: bool, tested: bool) -> str:
    """How to go on behind a block."""
    text = chain[0].line.text
    if not text.startswith("if "):
        if top:
            return "after the loop, "
        found = re.match(r"for ([\w, ]+) in", text)
        name = [part for part in found[1].split(", ") if part != "_"] if found else []
        return f"after the loop over `{name[-1]}`, " if name else "after the inner loop, "
    if len(chain) == 1 and chain[0].body[-1].line.text.startswith(("break", "return")):
        return "where it does not hold, "
    if "whether" in chain[0].line.wording or len(chain[0].line.wording.split()) > 14:
        return "then, in any case, "
    if tested or any(inner.body for branch in chain for inner in branch.body):
        return f"then, whether or not {chain[0].line.wording.removeprefix('if ')}, "
    return "then, in any case, "
