"""The reward of the paper's authors, as their released code computes it, for comparisons with it.

It differs from the white-box reward of this package:

- The lines of an answer are taken as they are: empty lines, fences and backticks count as answers.
- Where the number of answer lines is not the number of questions, a right assertion earns 1 of 2, and no question counts.
- A state is split at each `;`: the first part is the value, the second the type. Text without quotes is a string: `a; str` is
  `'a'; str`. A string that holds `;` cannot be right.
- Values are equal where Python's `==` says so: `1; bool` is `True; bool`.
- The arguments must stand in the assertion as the program has them, character by character.
- Input prediction is answered by a ```python block that holds the function and the assertion.

The authors' code runs what a model wrote. This reward runs none of it, and so pays less in these cases, which are exploits or need
an evaluation: an assertion whose sides are not a call and a literal (`assert f(3) == f(3)`, `assert f(3) == 0 or True`,
`assert 1  # f(3)`, `assert f(3) == 2 + 2`), one with a message, an input answered by `pass` or `assert True`, by a changed function,
or by several
assertions. It pays more in one: the authors' code gives up after half a second.
"""

import re
from dataclasses import dataclass
from typing import ClassVar

from execverify.errors import LiteralError
from execverify.programs.literals import parse_literal
from execverify.questions.question import ANSWER_CLOSE, ANSWER_OPEN, NO_STATE, Question
from execverify.questions.task import Task
from execverify.rewards.parse import MAX_ANSWER, ParsedAnswer, assertion_of_test
from execverify.rewards.score import RewardConfig

_BLOCK = re.compile(r"```python\n(.*?)\n```", re.DOTALL)


@dataclass(frozen=True, slots=True)
class AuthorsReward(RewardConfig):
    """The authors' reward; the fields are those of the white-box reward."""

    reads_otherwise: ClassVar[bool] = True

    def read_answer(self, task: Task, completion: str) -> ParsedAnswer:
        """The lines after the last `<answer>`, as they are; for input prediction the assertion of its first block of Python."""
        if not isinstance(completion, str) or ANSWER_OPEN not in completion or ANSWER_CLOSE not in completion:
            return ParsedAnswer(None, reason=f"there is no {ANSWER_OPEN} with {ANSWER_CLOSE}")
        inside = completion.rpartition(ANSWER_OPEN)[2].partition(ANSWER_CLOSE)[0].strip()
        if not inside or len(inside) > MAX_ANSWER:
            return ParsedAnswer(None, reason=f"the answer is empty, or longer than {MAX_ANSWER} characters")
        if task.kind == "input_prediction":
            return _block(inside)
        assertion, *lines = inside.split("\n")
        if len(lines) != len(task.questions):
            return ParsedAnswer(assertion.strip(), reason=f"there are {len(lines)} lines for {len(task.questions)} questions")
        return ParsedAnswer(assertion.strip(), tuple(lines))

    def is_right_result(self, given: object, result: str, float_tolerance: float = 0.0) -> bool:
        """Whether the values are equal for Python's `==`."""
        return bool(given == parse_literal(result))

    def reject_call(self, task: Task, line: str) -> str:
        """The arguments must stand in the line as the program has them."""
        arguments = task.program.one_line_call[len(task.program.entry_point) + 1 : -1]
        return "" if arguments in line else "it does not write the arguments as the program does"

    def reject_answer(self, question: Question, given: str) -> str:
        """Why the answer to a question is wrong."""
        given = given.strip()
        if question.kind != "variable_state" or NO_STATE in question.answers:
            return "" if any(given == answer.strip() for answer in question.answers) else "it is another answer"
        value, semicolon, rest = given.partition(";")
        if not semicolon:
            return "it is not `value; type`"
        type_name = rest.partition(";")[0].strip()
        known = (answer.rpartition("; ") for answer in question.answers)
        right = any(type_name == kind and _read(value.strip()) == parse_literal(text) for text, _, kind in known)
        return "" if right else "it is another value or type"


def _block(inside: str) -> ParsedAnswer:
    found = _BLOCK.search(inside)
    if found is None:
        return ParsedAnswer(None, reason="there is no block of Python")
    try:
        return ParsedAnswer(assertion_of_test(found[1]))
    except LiteralError as error:
        return ParsedAnswer(None, reason=f"the block {error}")


def _read(text: str) -> object:
    """The value of a literal; of other text, the text."""
    try:
        return parse_literal(text)
    except LiteralError:
        return text
