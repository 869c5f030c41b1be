"""What is true of REval's probes, from runs under watch; nothing is taken from the data but the output to fill in.

Beside it stands what the authors take for true (`tracing/events.py`), by which official verdicts are given.
"""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from execverify.datasets.workers import batched
from execverify.evaluation.benchmark import Item
from execverify.evaluation.cruxeval_rule import run_scripts
from execverify.evaluation.data import Progress, Row, Source
from execverify.evaluation.reval.programs import Asked, Run, SkipCounts, text_to_run
from execverify.programs.program import Program, split_lines, truncate, without_comment
from execverify.programs.values import Value
from execverify.questions.question import NO_NEXT_STATEMENT, NO_STATE
from execverify.sandbox.result import Limits, Outcome
from execverify.tracing.events import NOTHING, LineEvents, record_many
from execverify.tracing.expression_watch import WatchResult, is_watchable, watch_many
from execverify.tracing.rewrite import first_line, header_end

YES, NO = "YES", "NO"
LIMITS = Limits(timeout=120.0, steps=100_000)
"""Time as the authors give it: these runs end in well under a second, on a machine that is not busy."""

_TOGETHER = 50  # outputs that are checked between two reports of progress

_QUESTIONS = {
    "coverage": "Is line {line} executed?",
    "path": "Which line is executed after line {line}?",
    "state": "What are the value and type of `{var}` after line {line}?",
}
"""What a probe asks, as shown to readers."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What is true of one item.

    Attributes:
        task: "coverage", "path", "state" or "output".
        run: the run that it is about.
        group: the probe that coverage, path and state share, and the run that its output shares.
        texts: for coverage and path, every right answer.
        values: for state, the values of the visits; none means Nil.
        official: for coverage and path, every answer that is right by the authors' account.
        official_values: for state, the values by the authors' account; none means Nil.
        is_ambiguous: for path, whether a right text also stands on a line that does not follow.
    """

    task: str
    run: Run
    group: str
    texts: tuple[str, ...] = ()
    values: tuple[Value, ...] = ()
    official: tuple[str, ...] = ()
    official_values: tuple[Value, ...] = ()
    is_ambiguous: bool = False


def probed(asked: Iterator[Asked], count: int, left: SkipCounts, source: Source) -> list[Item]:
    """The items of runs and their probes, in order. With a limit, no more programs run than its items need.

    Args:
        asked: runs, the programs that make them, and the probes of each.
        count: how many runs there are.
        left: counts what cannot be judged.
        source: workers, imports, limit and progress.
    """
    found: list[Item] = []
    done = 0
    while some := _fewest(asked, None if source.limit is None else source.limit - len(found), source.progress, count):
        total = count if source.limit is None else done + len(some)
        seen = _seen(some, source, done, total)
        holds = _holding(some, source, done, total)
        done += len(some)
        for run, program, probes in some:
            why = program if isinstance(program, str) else seen[run.name].why
            if why:
                left.counts[f"the run: {why}"] += 3 * len(probes) + 1
                continue
            found += _items(run, probes, seen[run.name], left)
            found += _output_item(run, holds, left)
    return found[: source.limit]


def _fewest(asked: Iterator[Asked], wanted: int | None, progress: Progress, count: int) -> list[Asked]:
    """The next runs: no more than may be needed for so many items; None: all that are left."""
    found: list[Asked] = []
    while wanted is None or wanted > 0:
        if (one := next(asked, None)) is None:
            break
        found.append(one)
        if wanted is None:
            progress("reading programs", len(found), count)
        elif isinstance(one[1], Program):
            wanted -= 3 * len(one[2]) + 1
    return found


@dataclass(frozen=True)
class _Seen:
    """Our trace of a run, and the ground truth of its probes by the authors' rule; or why there is none."""

    watched: WatchResult
    accounts: Sequence[LineEvents] = ()
    why: str = ""


def _seen(asked: Sequence[Asked], source: Source, done: int, total: int) -> dict[str, _Seen]:
    """Every run by its name. Those that import alike run in the same confined processes, which have loaded that before."""
    found: dict[str, _Seen] = {}
    workers = source.workers
    for needed, of in _by_imports(asked, source.imports).items():
        limits = LIMITS.allowing(needed)
        watches = [(program, _watches(probes, program)) for _, program, probes in of]
        ours, again = (watch_many(watches, limits=limits, workers=workers, hash_seed=seed) for seed in (0, 1))
        wanted = [(program, len(split_lines(run.code)), _probes(probes)) for run, program, probes in of]
        for (run, _, _), one, other, their in zip(
            of, ours, again, record_many(wanted, limits=limits, workers=workers), strict=True
        ):
            why = _why_not(one, other) or ("" if their is not None else "the authors' tracer does not get to its end")
            found[run.name] = _Seen(one, their or (), why)
            source.progress("running programs", done + len(found), total)
    return found


def _by_imports(asked: Sequence[Asked], imports: tuple[str, ...]) -> dict[tuple[str, ...], list[tuple[Run, Program, list[Row]]]]:
    """Runs by which modules they need to be loaded beforehand: fewer make a process cheaper."""
    found: dict[tuple[str, ...], list[tuple[Run, Program, list[Row]]]] = {}
    for run, program, probes in asked:
        if isinstance(program, Program):
            needed = needed_imports(program.source, imports)
            found.setdefault(needed if run.fixture is None else ("unittest", *needed), []).append((run, program, probes))
    return found


def _probes(probes: Sequence[Row]) -> list[tuple[int, str]]:
    return [(int(probe["lineno"]), str(probe["var"])) for probe in probes]


def _why_not(one: WatchResult, other: WatchResult) -> str:
    """Why a run gives no ground truth; empty where it does. One that raises may have been cut short by its test's own lines."""
    if one.result.error == "ModuleNotFoundError" and (missing := re.search(r"No module named '(\w+)", one.result.detail)):
        return f"it needs {missing[1]}: install it, and allow it by --allow-imports {missing[1]}"
    if one.result.outcome != Outcome.RETURNED:
        detail = re.sub(r" at line \d+", "", one.result.detail)  # so that like failures are counted together
        return f"{one.result.outcome} {truncate(detail, 80)}".rstrip()
    if (one.lines, one.values) != (other.lines, other.values):
        return "it varies with the order of sets, addresses, time or chance"
    return ""


def _holding(asked: Sequence[Asked], source: Source, done: int, total: int) -> dict[str, bool]:
    """By the name of each run, whether the data's own completed assertion holds here."""
    texts = {run.name: text for run, *_ in asked if (text := text_to_run(run, run.gold)) is not None}
    found: dict[str, bool] = {}
    for names in batched(texts, _TOGETHER):
        source.progress("checking the data's outputs", done + len(found), total)
        held = outputs_held([texts[name] for name in names], source.workers, source.imports)
        found.update((name, each is True) for name, each in zip(names, held, strict=True))
    return found


def outputs_held(texts: Sequence[str], workers: int, imports: tuple[str, ...]) -> list[bool | None]:
    """Whether each program, which ends in an assertion, gets to its end; None where we failed to run it. Equal ones run once."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for text in dict.fromkeys(texts):
        needed = needed_imports(text, imports)
        groups.setdefault(("unittest", *needed) if "unittest" in text else needed, []).append(text)
    known: dict[str, bool | None] = {}
    for needed, of in groups.items():
        known.update(zip(of, run_scripts(of, workers=workers, imports=needed), strict=True))
    return [known[text] for text in texts]


def needed_imports(source: str, imports: Sequence[str]) -> tuple[str, ...]:
    """Those of some modules that a source names."""
    return tuple(name for name in imports if re.search(rf"\b{re.escape(name.partition('.')[0])}\b", source))


def _watches(probes: Sequence[Row], program: Program) -> list[tuple[int, str]]:
    statements = _statement_lines(program)
    usable = (probe for probe in probes if is_watchable(str(probe["var"])))
    return [(statements.get(int(probe["lineno"]), int(probe["lineno"])), str(probe["var"])) for probe in usable]


def _statement_lines(program: Program) -> dict[int, int]:
    """For each physical line that belongs to a statement, the line that names it: the innermost one's."""
    found: dict[int, int] = {}
    for node in ast.walk(program.tree):  # parents come before their children
        if isinstance(node, ast.stmt) and not isinstance(node, ast.Try | ast.TryStar):
            header = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            for line in range(first_line(node), (node.lineno if header else header_end(node)) + 1):
                found[line] = first_line(node)
    return found


def _items(run: Run, probes: Sequence[Row], seen: _Seen, left: SkipCounts) -> Iterator[Item]:
    lines = split_lines(run.code)
    here = [line for line in seen.watched.lines if line <= len(lines)]
    statements = _statement_lines(seen.watched.program)
    values = iter(seen.watched.values)
    done: set[str] = set()
    for (line, var), account in zip(_probes(probes), seen.accounts, strict=True):
        at = statements.get(line, line)
        its = next(values) if is_watchable(var) else None
        group = f"{run.name}/{line}/{var}"
        if group in done:
            left.counts["asked twice"] += 3
            continue
        done.add(group)
        text = lines[line - 1].strip() if 1 <= line <= len(lines) else ""
        fields = {**_prompt_fields(run), "line": str(line), "statement": text, "var": var}
        call_text = f"line {line}, {var}; {truncate(run.prompt_text.strip('`'), 80)}"

        def item(
            expected: str, held: Probe, group: str = group, call_text: str = call_text, fields: Mapping[str, str] = fields
        ) -> Item:
            asked = (_QUESTIONS[held.task].format(**fields),)
            return Item(f"{group}/{held.task}", (held.task,), (expected,), run.code, call_text, fields, run.slices, held, asked)

        covered = YES if at in here else NO
        theirs = YES if account.covered else NO
        yield item(covered, Probe("coverage", run, group, (covered,), official=(theirs,)))
        texts, ambiguous = _successors(at, here, lines)
        following = tuple(NO_NEXT_STATEMENT if after == NOTHING else lines[after - 1].strip() for after in account.following)
        gold = next((text for text in texts if text in following), texts[0])
        yield item(gold, Probe("path", run, group, texts, official=following, is_ambiguous=ambiguous))
        if its is None:
            left.counts["state: the expression does more than look"] += 1
            continue
        plain = tuple(dict.fromkeys(value for value in its if value.text is not None))
        if its and not plain:
            left.counts["state: no value of it can be written down"] += 1
        else:
            value = next((value for value in plain if value in account.values), plain[0] if plain else None)
            held = Probe("state", run, group, values=plain, official_values=account.values)
            yield item(NO_STATE if value is None else str(value), held)


def _prompt_fields(run: Run) -> dict[str, str]:
    """What the prompt templates may name of a run."""
    setup = run.fixture.setup if run.fixture is not None else ""
    fixture = "".join(f"# {line}".rstrip() + "\n" for line in ["executed before:", *split_lines(setup)]) if setup else ""
    return {
        "listing": _listing(split_lines(run.code)),
        "code": run.code.strip("\n"),
        "call": f"this test\n\n{fixture}{run.prompt_text}" if run.fixture is not None else run.prompt_text,
        "assertion": fixture + run.assertion,
    }


def _output_item(run: Run, holds: Mapping[str, bool], left: SkipCounts) -> Iterator[Item]:
    if run.gold is None or not holds.get(run.name):
        why = "the data have no value for ??" if run.gold is None else "the data's own answer does not hold here"
        left.counts[f"output: {why}"] += 1
        return
    call_text = truncate(run.assertion, 100)
    held = Probe("output", run, run.name)
    asked = ("Which value completes the assertion?",)
    yield Item(f"{run.name}/output", ("output",), (run.gold,), run.code, call_text, _prompt_fields(run), run.slices, held, asked)


def _successors(line: int, here: Sequence[int], lines: Sequence[str]) -> tuple[tuple[str, ...], bool]:
    """Texts of the lines that follow a line, and whether one of them also stands on a line that does not."""
    following = {after for at, after in pairwise([*here, 0]) if at == line}
    found = sorted(following - {0})
    texts = [lines[after - 1].strip() for after in found]
    ambiguous = any(text.strip() in texts and number not in following for number, text in enumerate(lines, start=1))
    accepted = list(dict.fromkeys([*texts, *(without_comment(text) for text in texts)]))
    if 0 in following or not following:
        accepted.append(NO_NEXT_STATEMENT)
    return tuple(accepted), ambiguous


def _listing(lines: Sequence[str]) -> str:
    return "\n".join(f"{number:>3} | {line}".rstrip() for number, line in enumerate(lines, start=1))
