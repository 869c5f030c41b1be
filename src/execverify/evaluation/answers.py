"""Taking answers out of completions, by the style in which they were asked for.

    execverify   the last <answer>...</answer>, and nothing else; blanks, fences and backticks around it as in `rewards/parse.py`
    direct, cot  the benchmarks' own: what follows the first [ANSWER], up to [/ANSWER]; the whole text where there is none, and what is
                 before the first [/ANSWER] where that comes first: the prompt had opened it, and the model went on with more of the like
    bare         the whole text: recorded answers that somebody has taken out of completions already

A template file of the user's own is read like `execverify` where it names that tag, and else like `direct`.

Output prediction asks for `assert f(3) == ??` to be completed, so an answer is the right side of an assertion; input
prediction asks for its left side. Where the answer is one assertion, it is read as Python. Where it is not, `official` holds what is
left of it when it is cut at `==`, as the authors of CRUXEval cut (they do so with every answer, and lose the right ones that have `==`
in a text), and `strict` holds None; as it does where the assertion is about another call, or another result than was asked for.
"""

import ast
from dataclasses import dataclass

from execverify.errors import LiteralError, ProgramError
from execverify.programs.equality import same_value
from execverify.programs.literals import parse_expression, parse_literal, parse_untrusted
from execverify.programs.program import parse_source
from execverify.questions.question import ANSWER_CLOSE, ANSWER_OPEN
from execverify.rewards.parse import MAX_ANSWER, is_fence, tidy

EXECVERIFY, PLAIN = "execverify", "bare"
ANSWER_TAGS = ("direct", "cot")

_OPEN, _CLOSE = "[ANSWER]", "[/ANSWER]"
_FENCE = "```"


@dataclass(frozen=True, slots=True)
class Answer:
    """What was taken out of a completion.

    Attributes:
        official: the text that the authors' rule looks at; None where there is no answer.
        strict: the text that is read strictly; None where the answer is not in the form that was asked for.
        why: why either is None.
    """

    official: str | None
    strict: str | None
    why: str = ""


def extract_answer_text(completion: str, style: str) -> tuple[str | None, str]:
    """The answer's text, and why there is none."""
    if style == PLAIN:
        return completion, ""
    if style == EXECVERIFY:
        end = completion.rfind(ANSWER_CLOSE)
        start = completion.rfind(ANSWER_OPEN, 0, end) if end >= 0 else -1
        if start < 0:
            return None, f"there is no {ANSWER_OPEN}...{ANSWER_CLOSE}"
        text = completion[start + len(ANSWER_OPEN) : end]
    else:
        before, opened, after = completion.partition(_OPEN)
        text = after.partition(_OPEN)[0] if opened and _CLOSE not in before else completion
        text = text.partition(_CLOSE)[0]
    if len(text) > MAX_ANSWER:
        return None, f"the answer is longer than {MAX_ANSWER} characters"
    if style == EXECVERIFY:  # read as rewards read it; the authors' own styles are read as they do
        return tidy("\n".join(line for line in text.split("\n") if not is_fence(tidy(line)))), ""
    return _unfenced(text).strip(), ""


def format_answer(text: str, style: str) -> str:
    """A completion that gives an answer in a style."""
    if style == PLAIN:
        return text
    if style == EXECVERIFY:
        return f"<reasoning>\nI follow the call statement by statement.\n</reasoning>\n{ANSWER_OPEN}\n{text}\n{ANSWER_CLOSE}"
    return f"{_OPEN}\n{text}\n{_CLOSE}"


def output_answer(completion: str, style: str, call: str, *, one_line: bool = False) -> Answer:
    """The output that a completion claims for a call.

    Args:
        completion: what the model wrote.
        style: how it was asked.
        call: what it was asked about.
        one_line: whether the authors take the first line alone where [/ANSWER] is missing, as LiveCodeBench's do.
    """
    text, why = extract_answer_text(completion, style)
    if text is None:
        return Answer(None, None, why)
    if style == PLAIN:
        return Answer(text, text)
    sides = _split_equality(text)
    if sides is None:
        official = (text.split("==")[1] if "==" in text else text).strip()
        if one_line and style in ANSWER_TAGS and _CLOSE not in completion:
            official = official.partition("\n")[0]
        return _strip_assertion(text, official)
    left, right = sides
    if not _same_source(left, call):
        return Answer(right, None, "the assertion is about another call")
    return Answer(right, right)


def input_answer(completion: str, style: str, output: str) -> Answer:
    """The call that a completion claims to give the result, which is `output`."""
    text, why = extract_answer_text(completion, style)
    if text is None:
        return Answer(None, None, why)
    if style == PLAIN:
        return Answer(text, text)
    sides = _split_equality(text)
    if sides is None:
        official = text.split("==")[0]
        return _strip_assertion(text, official.split("assert")[1] if "assert" in official else official)
    left, right = sides
    if not _same_source(right, output) and not _same_value(right, output):
        return Answer(left, None, "the assertion is about another result")
    return Answer(left, left)


def _strip_assertion(text: str, official: str) -> Answer:
    """The answer in a text that is no assertion: what was cut out of it, and the text itself where it is an expression."""
    bare = text if "assert" not in text and _is_expression(text) else None
    return Answer(official.strip(), bare, "" if bare is not None else "it is not one assertion with ==")


def _unfenced(text: str) -> str:
    lines = text.split("\n")
    return "\n".join(line for line in lines if not line.strip().startswith(_FENCE)) if _FENCE in text else text


def _split_equality(text: str) -> tuple[str, str] | None:
    """Left and right of the one assertion that a text is, as they are written."""
    try:
        tree = parse_untrusted(text, "exec")
    except LiteralError:
        return None
    body = tree.body if isinstance(tree, ast.Module) else []
    if len(body) != 1 or not isinstance(body[0], ast.Assert) or body[0].msg is not None:
        return None
    test = body[0].test
    if not isinstance(test, ast.Compare) or len(test.ops) != 1 or not isinstance(test.ops[0], ast.Eq):
        return None
    left, right = (ast.get_source_segment(text, side) for side in (test.left, test.comparators[0]))
    return (left, right) if left is not None and right is not None else None


def _is_expression(text: str) -> bool:
    try:
        parse_expression(text)
    except LiteralError:
        return False
    return True


def _same_source(one: str, other: str) -> bool:
    """Whether two texts are the same Python but for blanks and brackets around them."""
    if one.strip() == other.strip():
        return True
    try:
        return ast.dump(parse_source(one)) == ast.dump(parse_source(other))
    except (ProgramError, RecursionError):
        return False


def _same_value(one: str, other: str) -> bool:
    """Whether two texts are literals of the same type and content."""
    try:
        return same_value(parse_literal(one), parse_literal(other))
    except LiteralError:
        return False
