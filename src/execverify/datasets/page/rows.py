"""Rows as a reader wants to see them: the code, the call and its result, the trace as a table, and the questions."""

from collections.abc import Iterator, Sequence

from execverify.datasets.page.charts import facts, figure, folded, table
from execverify.datasets.page.markup import Markup, Part, joined, python, tag
from execverify.datasets.page.sections import KINDS
from execverify.errors import ProgramError
from execverify.programs.catalog import get_builtin, is_self_composable
from execverify.programs.constraints import DEPTHS, Constraint
from execverify.programs.program import split_lines
from execverify.programs.values import Value
from execverify.questions.task import CODE_GENERATION, Task
from execverify.tracing.trace import Step, Trace

_OPEN, _FOLDED = 24, 120  # steps that are shown at once, and those that can be unfolded
_LINES, _WIDTH = 150, 200  # of a source
_VALUE, _NAMES = 120, 8

_NUMBERS = {1: "one", 2: "two", 3: "three"}


def row_article(number: int, task: Task, trace: Trace) -> Markup:
    """A row with the trace of its run."""
    title = joined(f"Row {number}", "" if task.level is None else f": level {task.level}", _method(task))
    known = facts(
        [
            ("kind", KINDS.get(task.kind, task.kind)),
            ("split", task.split),
            ("steps", figure(task.difficulty.steps)),
            ("branches", str(task.difficulty.branches)),
            ("depth", str(task.difficulty.depth)),
            ("id", tag("code", _cut(task.id, 60))),
        ]
    )
    words = "" if task.constraint is None else tag("p", constraint_words(task.constraint), class_="constraint")
    left = tag("div", _code(task.program.source), _call(task), _asked(task))
    right = tag("div", _steps(task, trace))
    id = f"row-{number}"
    pair = tag("div", left, right, class_="pair")
    return tag("article", tag("h3", title, id=id), known, words, pair, aria_labelledby=id)


def constraint_words(text: str) -> Markup:
    """A constraint as a sentence."""
    try:
        constraint = Constraint.parse(text)
    except ProgramError:
        return joined("The program had to keep: ", text, ".")
    method = tag("code", constraint.method)
    if constraint.level == 1:
        how = "on what it gave itself" if is_self_composable(get_builtin(constraint.method)) else "at least twice"
        return joined("One function that uses ", method, f" {how}; no other call, no control flow.")
    least, most = DEPTHS[constraint.level]
    if most == 0:
        flow = "no control flow"
    elif least == most:
        flow = f"control flow nested exactly {_NUMBERS[least]} deep"
    else:
        flow = f"control flow nested {_NUMBERS[least]} to {_NUMBERS[most]} deep"
    functions = "Two functions, one of which calls the other, with " if constraint.level == 6 else "One function with "
    return joined(functions, method, f" and at least one other built-in; {flow}.")


def _method(task: Task) -> Markup:
    method = (task.constraint or "").partition(" with ")[2]
    return joined(", ", tag("code", method)) if method else Markup("")


def _code(source: str) -> Markup:
    lines = split_lines(source)
    shown = python("\n".join(_cut(line, _WIDTH) for line in lines[:_LINES]).rstrip("\n"))
    numbered = [joined(tag("span", str(at), class_="at"), line, "\n") for at, line in enumerate(shown, start=1)]
    rest = tag("p", f"... and {len(lines) - _LINES} more lines", class_="dim") if len(lines) > _LINES else ""
    return joined(tag("pre", tag("code", numbered), class_="listing", tabindex="0"), rest)


def _call(task: Task) -> Markup:
    lines = python(_cut(task.program.one_line_call, 600)), python(_cut(task.result.text or "", 600))
    call, result = (joined(line, "\n" if len(of) > 1 else "") for of in lines for line in (joined(*of),))
    return facts(
        [("call", tag("code", call)), ("result", joined(tag("code", result), " ", tag("span", task.result.type, class_="dim")))]
    )


def _steps(task: Task, trace: Trace) -> Markup:
    if trace.result.outcome != "returned":
        return tag("p", f"The run could not be made again here: {trace.result.outcome}.", class_="dim")
    names = {frame.function for frame in trace.frames}
    head = ("step", "line", "visit", *(("in",) if len(names) > 1 else ()), "statement", "what changed")
    rows = list(_rows(trace, many=len(names) > 1))
    parts: list[Part] = [table(f"Trace: {_counted(len(trace.steps))}", head, rows[:_OPEN], numbers=(0, 1, 2), class_="trace")]
    if len(rows) > _OPEN:
        title = f"Steps {_OPEN + 1} to {len(rows)}"
        parts.append(folded(title, table(title, head, rows[_OPEN:], numbers=(0, 1, 2), class_="trace")))
    if len(trace.steps) > _FOLDED:
        parts.append(tag("p", f"... and {_counted(len(trace.steps) - _FOLDED)} more", class_="dim"))
    return joined(*parts)


def _rows(trace: Trace, many: bool) -> Iterator[tuple[Part, ...]]:
    """The cells of the steps that are shown."""
    entered: set[int] = set()
    for step in trace.steps[:_FOLDED]:
        where = [trace.frames[step.frame].function] if many else []
        statement = joined(*python(_cut(trace.program.lines[step.line - 1].strip(), _WIDTH))[:1])
        news: list[Part] = []
        if step.frame not in entered:
            entered.add(step.frame)
            frame = trace.frames[step.frame]
            given = [_binding(name, value) for name, value in list(frame.state.items())[:_NAMES]]
            news.append(tag("div", f"{frame.function} is called", ": " if given else "", joined(*_listed(given)), class_="enter"))
        news += _news(trace, step)
        yield str(step.index + 1), str(step.line), str(step.visit), *where, tag("code", statement), joined(*news)


def _news(trace: Trace, step: Step) -> list[Part]:
    if step.finished is None:
        return [tag("div", "ends in an exception")]
    changed = sorted(step.changed)
    told = [
        tag("div", _binding(name, step.state[name]) if name in step.state else joined(tag("code", name), " is gone"))
        for name in changed[:_NAMES]
    ]
    if len(changed) > _NAMES:
        told.append(tag("div", f"and {len(changed) - _NAMES} more"))
    value = trace.result.value
    if step.index == len(trace.steps) - 1 and value is not None:
        told.append(tag("div", "returns ", tag("code", _cut(value.text or value.type, _VALUE)), class_="returns"))
    return list(told)


def _binding(name: str, value: Value) -> Markup:
    shown = value.text if value.text is not None else f"<{value.type}: {value.opaque_reason}>"
    return tag("code", tag("b", _cut(name, 60)), " = ", _cut(shown, _VALUE))


def _listed(parts: Sequence[Markup]) -> list[Part]:
    return [part for at, binding in enumerate(parts) for part in (("", binding) if at == 0 else (", ", binding))]


def _asked(task: Task) -> Markup:
    if task.kind == "input_prediction":
        return tag("p", "Asked: which arguments make ", tag("code", task.program.entry_point), " return ",
                   tag("code", _cut(task.result.text or "", 300)), "? Any that do are right; the program's own are ",
                   tag("code", _cut(task.program.arguments, 300)), ".", class_="asked")  # fmt: skip
    if task.kind == CODE_GENERATION:
        return _to_be_written(task)
    rows: list[tuple[Part, ...]] = [("1", "What does the call return?", tag("code", _cut(task.result.text or "", 300)))]
    for number, question in enumerate(task.questions, start=2):
        answers = [tag("code", _cut(answer, 300)) for answer in question.answers]
        rows.append((str(number), _prose(question.text), _or(answers)))
    return table("Questions", ("", "question", "accepted answer"), rows, numbers=(0,), class_="questions")


def _to_be_written(task: Task) -> Markup:
    """The prompt of a row that asks for code, and its unit tests."""
    prompt = "\n".join(message["content"] for message in task.prompt)
    tests = [
        (
            str(at),
            tag("code", _cut(f"{task.program.entry_point}({test.text})", 300)),
            _or([tag("code", _cut(test.answers[0], 300))]),
        )
        for at, test in enumerate(task.questions, start=1)
    ]
    asked = tag("pre", tag("code", _cut(prompt, 4_000)), class_="listing", tabindex="0")
    return joined(asked, table("Unit tests", ("", "call", "result"), tests, numbers=(0,), class_="questions"))


def _prose(text: str) -> Markup:
    """A sentence with what stands between backticks as code."""
    return joined(*(tag("code", part) if at % 2 else part for at, part in enumerate(text.split("`"))))


def _or(answers: Sequence[Markup]) -> Markup:
    return joined(*(part for at, answer in enumerate(answers) for part in ((" or ", answer) if at else (answer,))))


def _counted(steps: int) -> str:
    return f"{figure(steps)} step{'s' * (steps != 1)}"


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
