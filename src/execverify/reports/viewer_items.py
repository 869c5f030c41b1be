"""What the viewer shows of a task and its completions, as plain values.

A page has programs and items. An item is a task: its questions, its samples (completions with what they earn), and the number of its
program's run. Everything is text of programs and models, so nothing here is HTML.
"""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from execverify.errors import ExecVerifyError
from execverify.programs.program import Program, parse_source
from execverify.questions.task import CODE_GENERATION, Task
from execverify.rewards.parts import UNJUDGED, GradedPart, Score, Verdict
from execverify.rewards.steps.chain import GradedChain
from execverify.utils.messages import count_phrase, encodable, noun_for

MAX_TEXT = 20_000
"""How many characters of a prompt or a completion are stored."""

_MAX_ANSWER = 600
_KINDS: dict[type[ast.AST], str] = {
    ast.If: "if", ast.For: "for", ast.While: "while", ast.Try: "try", ast.With: "with", ast.Match: "match", ast.ClassDef: "class",
    ast.Lambda: "lambda", ast.ListComp: "comprehension", ast.SetComp: "comprehension", ast.DictComp: "comprehension",
    ast.GeneratorExp: "comprehension", ast.Yield: "generator", ast.YieldFrom: "generator", ast.Break: "break", ast.Raise: "raise",
    ast.Continue: "continue", ast.Slice: "slice", ast.IfExp: "conditional expression", ast.JoinedStr: "f-string",
    ast.Subscript: "subscript", ast.BoolOp: "and, or",
}  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """One thing that a task asks.

    Attributes:
        kind: "output", "input", a question's kind, or what a benchmark calls it.
        text: the question in words.
        answers: the accepted answers; the first one is preferred.
        line, visit: the step that it is about; 0 where it is about none, a visit of 0 for every visit.
        variable: the variable that it is about.
    """

    kind: str
    text: str
    answers: tuple[str, ...]
    line: int = 0
    visit: int = 0
    variable: str | None = None


@dataclass(frozen=True)
class Part:
    """The grade of one thing that was asked, in one completion.

    Attributes:
        kind: as in `Asked`, or "format".
        verdict: in words, such as "right" and "wrong_answer".
        given: what the completion says; None where it says nothing.
        expected: the accepted answers.
        why: why it is not right.
        official, strict: by each rule; None where it was not judged.
    """

    kind: str
    verdict: str
    given: str | None
    expected: tuple[str, ...]
    why: str = ""
    official: bool | None = None
    strict: bool | None = None


@dataclass(frozen=True)
class Sample:
    """A completion and what it earns.

    Attributes:
        text: the completion.
        reward: what it earned; None where that is not known.
        parts: in the order of the questions; empty where they were not graded.
        chain: the graded lines of its chain of thought, where there are any.
        program: the program that its chain describes, where that is not the task's own.
        count: how many completions were equal.
        notes: other facts, such as the update of a training.
    """

    text: str
    reward: float | None = None
    parts: tuple[Part, ...] = ()
    chain: GradedChain | None = None
    program: Program | None = None
    count: int = 1
    notes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ViewItem:
    """An item of the page.

    Attributes:
        id: its name.
        kind: "white_box", a benchmark's task, "program".
        program: what runs; None where there is no program to run.
        source: code to show where there is no program.
        call: the call, or what leads to the question.
        prompt: the messages.
        asked: what is asked, in order.
        samples: the completions.
        level: the paper's level.
        facts: other facts.
    """

    id: str
    kind: str
    program: Program | None = None
    source: str = ""
    call: str = ""
    prompt: Sequence[Mapping[str, str]] = ()
    asked: tuple[Asked, ...] = ()
    samples: tuple[Sample, ...] = ()
    level: int | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


def item_of(task: Task, samples: Sequence[Sample] = (), facts: Mapping[str, str] | None = None) -> ViewItem:
    """A task as an item of the page."""
    own = {"split": task.split, "constraint": task.constraint, "generator": task.generator}
    if task.difficulty.samples:
        own["difficulty"] = f"{task.difficulty.pass_count} of {count_phrase(task.difficulty.samples, 'sample')} right"
    return ViewItem(
        id=task.id,
        kind=task.kind,
        program=task.program,
        prompt=task.prompt,
        asked=tuple(asked_of(task)),
        samples=tuple(samples),
        level=task.level,
        facts={**{name: str(value) for name, value in own.items() if value}, **(facts or {})},
    )


def asked_of(task: Task) -> Iterator[Asked]:
    """What a task asks, in the order of a score's parts (code generation has its form first)."""
    program = task.program
    if task.kind == CODE_GENERATION:
        for question in task.questions:
            yield Asked(question.kind, f"{program.entry_point}({question.text})", question.answers)
        return
    result = task.result.text or ""
    if task.kind == "input_prediction":
        yield Asked("input", f"Which arguments make `{program.entry_point}` return `{result}`?", (program.one_line_call,))
        return
    yield Asked("output", f"What does `{program.one_line_call}` return?", (result,))
    for question in task.questions:
        yield Asked(question.kind, question.text, question.answers, question.line, question.visit, question.variable)


def sample_of(text: str, score: Score, program: Program | None = None, **notes: str) -> Sample:
    """A completion with its score."""
    return Sample(text, score.reward, tuple(map(part_of, score.parts)), score.chain, program, notes=notes)


def part_of(part: GradedPart) -> Part:
    """A graded part; the rewards have one rule, so both verdicts are the same."""
    verdict = None if part.verdict in UNJUDGED or part.verdict == Verdict.UNSUPPORTED else part.right
    return Part(part.kind, str(part.verdict), part.given, part.expected, part.why, verdict, verdict)


# -------------------------------------------------------------------------------------------------------- plain values


def item_as_data(item: ViewItem, programs: Mapping[Program, int]) -> dict[str, Any]:
    """An item as plain values; `programs` has the number of each program's run."""
    found: dict[str, Any] = {
        "id": item.id,
        "asked": [_asked_as_data(asked) for asked in item.asked],
        "samples": [_sample_as_data(sample, item, programs) for sample in item.samples],
        "prompt": [[message["role"], _cut(message["content"], MAX_TEXT)] for message in item.prompt],
        "facts": [[name, _cut(value, _MAX_ANSWER)] for name, value in item.facts.items()],
    }
    if item.program is not None:
        found["run"] = programs[item.program]
    else:
        found |= {"source": _cut(item.source, MAX_TEXT), "call": _cut(item.call, _MAX_ANSWER)}
    return found


def item_in_list(item: ViewItem, steps: int | None) -> dict[str, Any]:
    """What the page's list, filters and histograms read of an item.

    Args:
        item: the item.
        steps: of its program's run; None where there is none.
    """
    verdict = verdict_of(item)
    found: dict[str, Any] = {
        "id": item.id,
        "kind": item.kind,
        "verdict": verdict,
        "has": constructs_of(item),
        "n": len(item.samples),
    }
    found["asks"] = list(dict.fromkeys(asked.kind for asked in item.asked))
    rewards = [sample.reward for sample in item.samples if sample.reward is not None]
    parts = [part for sample in item.samples for part in sample.parts]
    optional = {
        "stage": item.facts.get("stage"),
        "level": item.level,
        "steps": steps,
        "reward": sum(rewards) / len(rewards) if rewards else None,
        "official": _share([part.official for part in parts]),
        "strict": _share([part.strict for part in parts]),
    }
    found |= {
        name: round(value, 4) if isinstance(value, float) else value for name, value in optional.items() if value is not None
    }
    if any(part.official != part.strict for part in parts):
        found["differs"] = 1
    if any(sample.chain is not None for sample in item.samples):
        found["chain"] = "right" if all(sample.chain is None or sample.chain.is_true for sample in item.samples) else "wrong"
    return found


def verdict_of(item: ViewItem) -> str:
    """One word for all completions: "right", "wrong", "mixed", "no answer", "not graded", "no completion"."""
    if not item.samples:
        return "no completion"
    found = {_verdict_of(sample) for sample in item.samples}
    if "right" not in found and found <= {"wrong", "no answer"}:
        return "wrong" if "wrong" in found else "no answer"
    return found.pop() if len(found) == 1 else "mixed"


def _verdict_of(sample: Sample) -> str:
    parts = [part for part in sample.parts if part.kind != "format"]
    if not parts:
        return "not graded"
    if all(part.official and part.strict for part in parts):
        return "right"
    if any(part.official is None and part.strict is None and part.verdict != Verdict.UNSUPPORTED for part in parts):
        return "not graded"
    if all(part.verdict == Verdict.MISSING for part in parts):
        return "no answer"
    return "wrong" if not any(part.official for part in parts) else "partly right"


def constructs_of(item: ViewItem) -> list[str]:
    """The constructs of Python in an item's code, and the built-in under test."""
    try:
        nodes = item.program.nodes if item.program is not None else list(ast.walk(parse_source(item.source)))
    except ExecVerifyError:
        return []
    found = {_KINDS[kind] for kind in map(type, nodes) if kind in _KINDS}
    functions = [node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    calls = {node.func.id for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    if len(functions) > 1:
        found.add("several functions")
    if calls & set(functions):
        found.add("calls its own functions")
    method = item.facts.get("constraint", "").partition(" with ")[2]
    return sorted(found) + [f"under test: {method}"] * bool(method)


def _share(verdicts: Sequence[bool | None]) -> float | None:
    known = [verdict for verdict in verdicts if verdict is not None]
    return sum(known) / len(known) if known else None


def _asked_as_data(asked: Asked) -> dict[str, Any]:
    found: dict[str, Any] = {"kind": asked.kind, "text": _cut(asked.text, _MAX_ANSWER)}
    found["answers"] = [_cut(answer, _MAX_ANSWER) for answer in asked.answers[:8]]
    found |= {name: value for name in ("line", "visit", "variable") if (value := getattr(asked, name))}
    return found


def _sample_as_data(sample: Sample, item: ViewItem, programs: Mapping[Program, int]) -> dict[str, Any]:
    found: dict[str, Any] = {"verdict": _verdict_of(sample)}
    # Code generation's form is graded apart, and is no question; a part of a row that cannot be used stands for all of them.
    forms = [part for part in sample.parts if part.kind == "format"]
    graded = [part for part in sample.parts if part.kind != "format"]
    found["parts"] = [_part_as_data(part) for part in graded]
    if forms:
        found["form"] = _part_as_data(forms[0])
    if sample.reward is not None:
        found["reward"] = round(sample.reward, 4)
    if sample.count > 1:
        found["count"] = sample.count
    if sample.notes:
        found["notes"] = [[name, _cut(text, _MAX_ANSWER)] for name, text in sample.notes.items()]
    if sample.program is not None and sample.program != item.program:
        found["run"] = programs[sample.program]
    if sample.chain is not None and sample.chain.steps:
        found["text"] = list(_pieces(sample.text, sample.chain))
        found["covered"], found["total"] = sample.chain.covered, sample.chain.total
    else:
        found["text"] = [[_cut(sample.text, MAX_TEXT)]]
    return found


def _part_as_data(part: Part) -> list[Any]:
    """Kind, verdict, answer, reason, official and strict verdict, accepted answers."""
    given = None if part.given is None else _cut(part.given, _MAX_ANSWER)
    expected = [_cut(text, _MAX_ANSWER) for text in part.expected[:8]]
    return [part.kind, part.verdict, given, _cut(part.why, _MAX_ANSWER), part.official, part.strict, expected]


def _pieces(text: str, chain: GradedChain) -> Iterator[list[Any]]:
    """A completion in pieces: [text] as it is, or [text, verdict, why, step] for a graded line."""
    at = 0
    for step in chain.steps:
        start, end = step.span
        if start > MAX_TEXT:
            break
        if start > at:
            yield [encodable(text[at:start])]
        yield [encodable(text[start:end]), str(step.verdict), _cut(step.why, _MAX_ANSWER), step.place]
        at = end
    if rest := text[at:]:
        yield [_cut(rest, MAX_TEXT)]


def _cut(text: str, most: int) -> str:
    text = encodable(text)
    return (
        text if len(text) <= most else f"{text[:most]} ... ({len(text) - most:,} more {noun_for(len(text) - most, 'character')})"
    )
