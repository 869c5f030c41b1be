"""What is true of REval's probes, from runs under watch; nothing is taken from the data but the output to fill in."""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from execverify.evaluation.benchmark import Item
from execverify.evaluation.data import Row
from execverify.evaluation.official import run_texts
from execverify.evaluation.reval.runs import Asked, Left, Run, text_to_run
from execverify.execution.outcome import Limits, Outcome
from execverify.programs.program import Program, shorten, split_lines, without_comment
from execverify.programs.values import Value
from execverify.questions.question import NO_STATE, NOTHING_NEXT
from execverify.tracing.instrument import first_line, header_end
from execverify.tracing.watch import Watched, can_watch, watch_many

YES, NO = "YES", "NO"
LIMITS = Limits(timeout=10.0, steps=100_000)


@dataclass(frozen=True, slots=True)
class Probe:
    """What is true of one item.

    Attributes:
        task: "coverage", "path", "state" or "output".
        run: the run that it is about.
        group: the probe that coverage, path and state share, and the run that its output shares.
        texts: for coverage and path, every right answer.
        values: for state, the values of the visits; none means Nil.
        ambiguous: for path, whether a right text also stands on a line that does not follow.
    """

    task: str
    run: Run
    group: str
    texts: tuple[str, ...] = ()
    values: tuple[Value, ...] = ()
    ambiguous: bool = False


def probed(asked: Sequence[Asked], left: Left, workers: int, imports: tuple[str, ...] = ()) -> Iterator[Item]:
    """The items of runs and their probes, in order.

    Args:
        asked: runs, the programs that make them, and the probes of each.
        left: told what cannot be judged.
        workers: how many processes run programs at once.
        imports: installed modules that programs may import.
    """
    watches = [(program, _watches(probes, program)) for _, program, probes in asked if isinstance(program, Program)]
    seen, again = (iter(watch_many(watches, limits=LIMITS.allowing(imports), workers=workers, hash_seed=seed)) for seed in (0, 1))
    holds = _holding(asked, workers, imports)
    for run, program, probes in asked:
        if not isinstance(program, Program):
            left.counts[f"the run: {program}"] += 3 * len(probes) + 1
            continue
        one, other = next(seen), next(again)
        if why := _why_not(one, other):
            left.counts[f"the run: {why}"] += 3 * len(probes) + 1
            continue
        yield from _items(run, probes, one, left)
        yield from _output_item(run, holds, left)


def _why_not(one: Watched, other: Watched) -> str:
    """Why a run tells no truth; empty where it does. One that raises may have been cut short by its test's own lines."""
    if one.result.outcome != Outcome.RETURNED:
        return f"{one.result.outcome} {shorten(one.result.detail, 60)}".rstrip()
    if (one.lines, one.values) != (other.lines, other.values):
        return "it varies with the order of sets, addresses, time or chance"
    return ""


def _holding(asked: Sequence[Asked], workers: int, imports: tuple[str, ...]) -> dict[str, bool]:
    """By the name of each run, whether the data's own completed assertion holds here."""
    texts = {run.name: text for run, *_ in asked if (text := text_to_run(run, run.gold)) is not None}
    distinct = list(dict.fromkeys(texts.values()))
    known = dict(zip(distinct, run_texts(distinct, workers=workers, imports=imports), strict=True))
    return {name: known[text] is True for name, text in texts.items()}


def _watches(probes: Sequence[Row], program: Program) -> list[tuple[int, str]]:
    statements = _statement_lines(program)
    usable = (probe for probe in probes if can_watch(str(probe["var"])))
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


def _items(run: Run, probes: Sequence[Row], seen: Watched, left: Left) -> Iterator[Item]:
    lines = split_lines(run.code)
    here = [line for line in seen.lines if line <= len(lines)]
    statements = _statement_lines(seen.program)
    values = iter(seen.values)
    base = _told(run)
    done: set[str] = set()
    for probe in probes:
        line, var = int(probe["lineno"]), str(probe["var"])
        at = statements.get(line, line)
        group = f"{run.name}/{line}/{var}"
        if group in done:
            left.counts["asked twice"] += 3
            next(values if can_watch(var) else iter((None,)))
            continue
        done.add(group)
        text = lines[line - 1].strip() if 1 <= line <= len(lines) else ""
        fields = {**base, "line": str(line), "statement": text, "var": var}
        told = f"line {line}, {var}; {shorten(run.told, 80)}"

        def item(
            task: str, expected: str, held: Probe, group: str = group, told: str = told, fields: Mapping[str, str] = fields
        ) -> Item:
            return Item(f"{group}/{task}", (task,), (expected,), run.code, told, fields, run.slices, held)

        covered = YES if at in here else NO
        yield item("coverage", covered, Probe("coverage", run, group, (covered,)))
        texts, ambiguous = _successors(at, here, lines)
        yield item("path", texts[0], Probe("path", run, group, texts, ambiguous=ambiguous))
        if not can_watch(var):
            left.counts["state: the expression does more than look"] += 1
            continue
        its = next(values)
        plain = tuple(dict.fromkeys(value for value in its if value.text is not None))
        if its and not plain:
            left.counts["state: no value of it can be written down"] += 1
        else:
            yield item("state", str(plain[0]) if plain else NO_STATE, Probe("state", run, group, values=plain))


def _told(run: Run) -> dict[str, str]:
    """What the prompt templates may name of a run."""
    setup = run.fixture.setup if run.fixture is not None else ""
    fixture = "".join(f"# {line}".rstrip() + "\n" for line in ["executed before:", *split_lines(setup)]) if setup else ""
    return {
        "listing": _listing(split_lines(run.code)),
        "code": run.code.strip("\n"),
        "call": f"this test\n\n{fixture}{run.told}" if run.fixture is not None else run.told,
        "assertion": fixture + run.assertion,
    }


def _output_item(run: Run, holds: Mapping[str, bool], left: Left) -> Iterator[Item]:
    if run.gold is None or not holds.get(run.name):
        why = "the data have no value for ??" if run.gold is None else "the data's own answer does not hold here"
        left.counts[f"output: {why}"] += 1
        return
    told = shorten(run.assertion, 100)
    held = Probe("output", run, run.name)
    yield Item(f"{run.name}/output", ("output",), (run.gold,), run.code, told, _told(run), run.slices, held)


def _successors(line: int, here: Sequence[int], lines: Sequence[str]) -> tuple[tuple[str, ...], bool]:
    """Texts of the lines that follow a line, and whether one of them also stands on a line that does not."""
    following = {after for at, after in pairwise([*here, 0]) if at == line}
    found = sorted(following - {0})
    texts = [lines[after - 1].strip() for after in found]
    ambiguous = any(text.strip() in texts and number not in following for number, text in enumerate(lines, start=1))
    accepted = list(dict.fromkeys([*texts, *(without_comment(text) for text in texts)]))
    if 0 in following or not following:
        accepted.append(NOTHING_NEXT)
    return tuple(accepted), ambiguous


def _listing(lines: Sequence[str]) -> str:
    return "\n".join(f"{number:>3} | {line}".rstrip() for number, line in enumerate(lines, start=1))
