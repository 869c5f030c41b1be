"""REval (Chen et al. 2024, arXiv 2403.16437): coverage, path, state and output of runs, and how consistent the answers are.

The data carry no licence, so none are here: `--data` names a folder with `DREval_data.jsonl` and `DREval_tasks.jsonl`.

    data    {task_id, entry_point, code, inputs, outputs, test}    functions: argument tuples; classes: bodies of unittest methods
    tasks   {task_id, idx, tasks: [{input_idx, task: [{lineno, var}], output_pred}]}

What is true is not read from anywhere: each run is made here, under watch (`tracing/watch.py`). Each probe (a line, a variable)
is asked in three prompts, and each run's output in one more.

    coverage   is the line executed? YES or NO
    path       which line is executed next? The text of any true successor; -1 where there is none, or the line is not executed
    state      the variable's `value; type` at any visit; Nil where the line is not executed, or the variable has no value there
    output     the completed assertion

Steps outside of the code under test (the test's own lines) are left out of paths, so the line after a method's last is the next
one that runs in that code. How the authors read answers is in `reval_rule.py`. A probe on a line that continues a statement
counts as that statement's. What cannot be judged (a class whose imports are not installed, values that cannot be written down)
is left out, and `more` says how much.
"""

import ast
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from execverify.errors import EvaluationError, LiteralError, ProgramError
from execverify.evaluation.answers import Answer, inside, wrapped
from execverify.evaluation.benchmark import About, Benchmark, Item, Mark, Record
from execverify.evaluation.data import Row, Source, rows_of
from execverify.evaluation.facts import facts_of
from execverify.evaluation.official import run_texts
from execverify.evaluation.reval_rule import WEIGHTS, filled, is_state, next_line, says_yes, state_of
from execverify.evaluation.styles import render
from execverify.execution.outcome import Limits, Outcome
from execverify.programs.literals import Value, parse_literal, parse_quietly
from execverify.programs.program import Program, arguments_text, parse_source, shorten, split_lines, without_comment
from execverify.questions.question import NO_STATE, NOTHING_NEXT
from execverify.questions.task import Message
from execverify.rewards.compare import same_value
from execverify.tracing.instrument import first_line, header_end
from execverify.tracing.watch import Watched, can_watch, watch_many

ORIGIN = "https://github.com/r-eval/REval (data/DREval_data.jsonl and data/DREval_tasks.jsonl; they carry no licence)"
DATA, TASKS = "DREval_data.jsonl", "DREval_tasks.jsonl"
YES, NO = "YES", "NO"
LIMITS = Limits(timeout=10.0, steps=100_000)
_CHAIN = ("coverage", "state", "path", "output")
_CASE, _RUN = "_RevalCase", "_reval_run"
_HOLE = "??"


@dataclass
class Left:
    """What could not be judged, by reason; filled while items are made."""

    counts: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a program under test.

    Attributes:
        name: task and input.
        code: the code under test.
        told: how the run is told in prompts.
        before: code that an output assertion needs before it.
        assertion: the assertion with `??`.
        case: name of the unittest class whose method's body the run is; None for a function's.
        output: the output that the data give for `??`, as text; None where they give none.
        slices: properties of the code.
        left: what of the whole benchmark could not be judged.
    """

    name: str
    code: str
    told: str
    before: str
    assertion: str
    case: str | None
    output: str | None
    slices: Mapping[str, str]
    left: "Left" = field(compare=False)


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


class Reval(Benchmark):
    """Four questions about each run, from the authors' data."""

    about = About(
        "reval",
        "coverage, path, state and output of runs, and their consistency",
        "154 programs, 3,152 probes (9,456 prompts) and 690 outputs",
        "none given (not shipped)",
        ORIGIN,
        "the authors': YES/NO; any true successor's text; the value (floats within 1e-6) at any visit; the completed assertion runs",
        "the same without tolerance: exact words, typed values, an output that is a literal in the given assertion",
    )
    constants = (YES, NO, NOTHING_NEXT, NO_STATE, "True", "0; int", "[]; list")

    def items(self, source: Source) -> list[Item]:
        """Every probe three times and every output, in the order of the data."""
        data, tasks = _files(source.path)
        rows = {row["task_id"]: row for row in _rows(data, ("task_id", "code", "inputs"))}
        asked: list[tuple[Run, Program, list[Row]]] = []
        left = Left()
        for entry in _rows(tasks, ("task_id", "tasks")):
            row = rows.get(entry["task_id"])
            if row is None:
                raise EvaluationError(f"{tasks}: there is no program {entry['task_id']!r} in {data}")
            asked += _runs(row, entry["tasks"], data, left)
        watched = watch_many(
            [(program, _watches(probes, program)) for _, program, probes in asked], limits=LIMITS, workers=source.workers
        )
        items: list[Item] = []
        for (run, _, probes), seen in zip(asked, watched, strict=True):
            items += _items(run, probes, seen, left)
        if not items:
            raise EvaluationError(f"{data}: no probe of it can be judged here ({_told(left.counts)})")
        return items

    def messages(self, item: Item, style: str) -> tuple[Message, ...]:
        """The prompt of the item's task."""
        name = "reval_output" if item.held.task == "output" else item.held.task
        return ({"role": "user", "content": render(style, name, item.fields)},)

    def extract(self, item: Item, completion: str, style: str) -> Answer:
        """What stands in the answer's tags."""
        text, why = inside(completion, style)
        return Answer(text, text, why)

    def gold(self, item: Item) -> str:
        """A right answer; for outputs, the assertion with the output of the data."""
        return item.expected[0]

    def constant(self, item: Item, text: str) -> str:
        """The text; for outputs, the assertion with it."""
        probe: Probe = item.held
        return probe.run.assertion.replace(_HOLE, text) if probe.task == "output" else text

    def complete(self, item: Item, answer: str, style: str) -> str:
        """The answer in the style's form."""
        return wrapped(answer, style)

    def judge(self, answers: Sequence[tuple[Item, Answer]], workers: int) -> list[tuple[Mark, ...]]:
        """One mark each; outputs are run."""
        wanted = (_official_text(item.held, answer.official) for item, answer in answers if item.held.task == "output")
        texts = list(dict.fromkeys(text for text in wanted if text is not None))
        known = dict(zip(texts, run_texts(texts, workers=workers), strict=True))
        return [(_mark(item.held, answer, known),) for item, answer in answers]

    def more(self, records: Sequence[Record]) -> dict[str, Any]:
        """Consistency, and what could not be judged."""
        found = {name: consistency(records, name == "strict") for name in ("official", "strict")}
        probes: list[Probe] = [record.item.held for record in records[:1]]
        return {"consistency": found, "left_out": {why: count for of in probes for why, count in of.run.left.counts.items()}}


def consistency(records: Sequence[Record], strict: bool) -> float | None:
    """The authors' measure in percent, of the first answers to each probe; None where no probe has all four.

    A probe of which one of the four could not be asked or judged is left out.
    """
    verdicts: dict[tuple[str, str], bool] = {}
    groups: dict[str, str] = {}
    for record in records:
        probe: Probe = record.item.held
        for verdict in record.verdicts(0, strict)[:1]:
            verdicts[probe.group, probe.task] = verdict
        if probe.task != "output":
            groups[probe.group] = probe.run.name
    chains = [[verdicts.get((run if task == "output" else group, task)) for task in _CHAIN] for group, run in groups.items()]
    scores = [WEIGHTS.get(tuple(map(bool, chain)), 0.0) for chain in chains if None not in chain]
    return round(100 * sum(scores) / len(scores), 4) if scores else None


# ------------------------------------------------------------------------------------------------------------- reading


def _files(path: Path | None) -> tuple[Path, Path]:
    if path is None:
        raise EvaluationError(f"reval needs its data: give --data FOLDER with {DATA} and {TASKS}; they come from {ORIGIN}")
    folder = path if path.is_dir() else path.parent
    for name in (DATA, TASKS):
        if not (folder / name).is_file():
            raise EvaluationError(f"{folder / name}: no such file; reval's data come from {ORIGIN}")
    return folder / DATA, folder / TASKS


def _rows(path: Path, fields: Sequence[str]) -> Iterator[Row]:
    for number, row in rows_of(path):
        missing = [name for name in fields if name not in row]
        if missing:
            raise EvaluationError(f"{path}:{number} is no row of reval: it has no {', '.join(missing)}")
        yield row


def _runs(row: Row, tasks: Sequence[Row], path: Path, left: Left) -> Iterator[tuple[Run, Program, list[Row]]]:
    """The runs of a program, each as a program to watch, with its probes."""
    code, test = row["code"], row.get("test")
    slices = facts_of(code)
    outputs = row.get("outputs") or []
    for entry in tasks:
        index = entry["input_idx"]
        try:
            given = row["inputs"][index]
        except IndexError:
            raise EvaluationError(f"{path}: {row['task_id']} has no input {index}") from None
        output = outputs[index] if index < len(outputs) and isinstance(outputs[index], str) else None
        name = f"{row['task_id']}/{index}"
        assertion = str(entry.get("output_pred") or "")
        if test:
            body = _body(str(given))
            case, before = _case_of(str(test)), f"{code}\n\n\nimport unittest\n{textwrap.dedent(str(test))}\n"
            run = Run(name, code, "this test\n\n" + body, before, assertion, case, output, {"kind": "class", **slices}, left)
            program = Program(before + _method(case, body), _RUN, "")
        else:
            entry_point = row["entry_point"]
            program = _function(code, entry_point, str(given), name)
            told = f"{entry_point}({program.arguments})" if program.entry_point == entry_point else f"{entry_point}(*{given})"
            run = Run(name, code, f"`{told}`", code, assertion, None, output, {"kind": "function", **slices}, left)
        yield run, program, entry["task"]


def _function(code: str, entry_point: str, given: str, name: str) -> Program:
    """A function with its arguments: literals where they are, else a call of the expression as it is written."""
    try:
        value = parse_literal(given)
        return Program(code, entry_point, arguments_text((value if isinstance(value, tuple) else (value,), {})))
    except (LiteralError, ProgramError):
        pass
    try:
        return Program(f"{code}\n\n\ndef {_RUN}():\n    return {entry_point}(*({given}))\n", _RUN, "")
    except ProgramError as error:
        raise EvaluationError(f"reval: {name} is not a usable program: {error}") from None


def _body(text: str) -> str:
    """The statements of a test method, at the left margin."""
    body = textwrap.dedent(text.expandtabs(4)).strip("\n")
    try:
        tree = parse_source(body)
    except ProgramError:
        return body
    if len(tree.body) == 1 and isinstance(tree.body[0], ast.FunctionDef):  # the method itself
        lines = split_lines(body)[tree.body[0].body[0].lineno - 1 :]
        return textwrap.dedent("\n".join(lines))
    return body


def _case_of(test: str) -> str:
    """The unittest class of some tests: the last one."""
    try:
        classes = [node.name for node in parse_source(textwrap.dedent(test)).body if isinstance(node, ast.ClassDef)]
    except ProgramError as error:
        raise EvaluationError(f"reval: a test is not Python: {error}") from None
    return classes[-1] if classes else "unittest.TestCase"


def _method(case: str, body: str) -> str:
    """Code that defines a run of a test method's body, with all that its class sets up."""
    return (
        f"\n\nclass {_CASE}({case}):\n    def runTest(self):\n{textwrap.indent(body or 'pass', ' ' * 8)}\n\n\n"
        f"def {_RUN}():\n    case = {_CASE}('runTest')\n    case.setUp()\n    case.runTest()\n    case.tearDown()\n"
    )


# --------------------------------------------------------------------------------------------------------------- truth


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
    ended = seen.result.outcome in (Outcome.RETURNED, Outcome.RAISED)
    if not ended or (not seen.lines and seen.result.outcome == Outcome.RAISED):
        left.counts[f"the run: {seen.result.outcome} {shorten(seen.result.detail, 60)}".rstrip()] += 3 * len(probes) + 1
        return
    here = [line for line in seen.lines if line <= len(lines)]
    statements = _statement_lines(seen.program)
    values = iter(seen.values)
    base = {"listing": _listing(lines), "code": run.code.strip("\n"), "call": run.told}
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
    if run.assertion:
        yield from _output_item(run, {**base, "assertion": run.assertion}, left)


def _output_item(run: Run, fields: Mapping[str, str], left: Left) -> Iterator[Item]:
    if _HOLE not in run.assertion or run.output is None:
        left.counts["output: the data have no ?? or no output"] += 1
        return
    gold = run.assertion.replace(_HOLE, run.output)
    told = shorten(run.assertion, 100)
    yield Item(f"{run.name}/output", ("output",), (gold,), run.code, told, fields, run.slices, Probe("output", run, run.name))


def _successors(line: int, here: Sequence[int], lines: Sequence[str]) -> tuple[tuple[str, ...], bool]:
    """Texts of the lines that follow a line, and whether one of them also stands on a line that does not."""
    following = {after for at, after in zip(here, [*here[1:], 0], strict=True) if at == line}
    found = sorted(following - {0})
    texts = [lines[after - 1].strip() for after in found]
    ambiguous = any(text.strip() in texts and number not in following for number, text in enumerate(lines, start=1))
    accepted = list(dict.fromkeys([*texts, *(without_comment(text) for text in texts)]))
    if 0 in following or not following:
        accepted.append(NOTHING_NEXT)
    return tuple(accepted), ambiguous


def _listing(lines: Sequence[str]) -> str:
    return "\n".join(f"{number:>3} | {line}".rstrip() for number, line in enumerate(lines, start=1))


# ------------------------------------------------------------------------------------------------------------ verdicts


def _mark(probe: Probe, answer: Answer, known: Mapping[str, bool | None]) -> Mark:
    given = (answer.official or "").strip()
    if probe.task == "coverage":
        right, strict = says_yes(given) == (probe.texts[0] == YES), given == probe.texts[0]
        why = "" if strict else answer.why or f"the line is {'' if probe.texts[0] == YES else 'not '}executed"
        return Mark(right, strict, why)
    if answer.official is None:
        return Mark(False, False, answer.why)
    if probe.task == "path":
        lines = {NOTHING_NEXT, *(line.strip() for line in split_lines(probe.run.code))}
        right, strict = next_line(given) in lines.intersection(probe.texts), given in probe.texts
        return Mark(right, strict, "" if right and strict else f"what follows is {' or '.join(map(repr, probe.texts))}")
    if probe.task == "state":
        return _state_mark(probe, given)
    text = _official_text(probe, answer.official)
    official = False if text is None else known[text]
    holds = None if official is None else official and _is_filled(probe.run, given)
    why = "" if holds else "it does not hold" if not official else "it is not the given assertion with a literal for ??"
    return Mark(official, holds, why)


def _state_mark(probe: Probe, given: str) -> Mark:
    try:
        read = state_of(given)
        official = not probe.values if read is None else is_state(read, probe.values)
    except LiteralError:
        official = False
    if given == NO_STATE or not probe.values:
        strict = given == NO_STATE and not probe.values
        why = "the line is executed, and the variable has a value" if probe.values else "it has no value there"
        return Mark(official, strict, "" if strict else why)
    text, semicolon, kind = given.rpartition(";")
    try:
        value = parse_literal(text)
    except LiteralError as error:
        return Mark(official, False, f"the value {error}" if semicolon else "it is not `value; type`")
    strict = any(same_value(value, parse_literal(one.text or "")) for one in probe.values if one.type == kind.strip())
    told = " or ".join(map(str, probe.values[:3])) + (" ..." if len(probe.values) > 3 else "")
    return Mark(official, strict, "" if strict else f"it is {shorten(told, 120)}")


def _official_text(probe: Probe, given: str | None) -> str | None:
    """The program whose run decides on a completed assertion; None where it is wrong without a run."""
    run = probe.run
    text = None if given is None else filled(given, run.assertion)
    if text is None:
        return None
    return f"{run.before}\n{text}" if run.case is None else f"{run.before}{_method(run.case, text)}\n{_RUN}()"


def _is_filled(run: Run, given: str) -> bool:
    """Whether a text is the assertion with a literal in place of `??`, which is not the data's output in another type."""
    try:
        wanted = parse_quietly(textwrap.dedent(run.assertion).replace(_HOLE, "__hole__"), "exec")
        found = parse_quietly(textwrap.dedent(given), "exec")
    except LiteralError:
        return False
    return _fits(wanted, found, run.output or "")


def _fits(wanted: Any, found: Any, output: str) -> bool:
    """Whether two trees are equal but for the hole, where the other has a literal."""
    if isinstance(wanted, ast.Name) and wanted.id == "__hole__":
        try:
            return not _is_of_another_type(parse_literal(ast.unparse(found)), output)
        except (LiteralError, AttributeError, RecursionError):
            return False
    if isinstance(wanted, ast.AST):
        return type(wanted) is type(found) and all(
            _fits(getattr(wanted, n, None), getattr(found, n, None), output) for n in wanted._fields
        )
    if isinstance(wanted, list):
        return (
            isinstance(found, list)
            and len(wanted) == len(found)
            and all(_fits(one, other, output) for one, other in zip(wanted, found, strict=True))
        )
    return type(wanted) is type(found) and bool(wanted == found)


def _is_of_another_type(value: object, output: str) -> bool:
    """Whether a value is `==` an output as the data write it, and not the same: 4.0 or True for 4 or 1."""
    try:
        known = parse_literal(output)
        return bool(value == known) and not same_value(value, known)
    except LiteralError:  # not a literal: nothing to compare with
        return False


def _told(counts: Mapping[str, int]) -> str:
    return "; ".join(f"{count} {why}" for why, count in counts.items()) or "it has none"


BENCHMARK = Reval()
