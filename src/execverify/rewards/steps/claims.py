"""What a narration can claim. The narrator makes claims, a style words them, a reader finds them in the words again."""

from dataclasses import dataclass, field

Bindings = tuple[tuple[str, str], ...]
"""Names with the literal texts of their values, in order."""


@dataclass(frozen=True, slots=True)
class CallStarts:
    """The call begins: what its parameters are."""

    arguments: Bindings


@dataclass(frozen=True, slots=True)
class StepStarts:
    """A step begins: the visit of a line."""

    line: int
    visit: int


@dataclass(frozen=True, slots=True)
class StepResumes:
    """A step that called a function goes on."""

    line: int
    visit: int


@dataclass(frozen=True, slots=True)
class ValueClaim:
    """A part of the statement has a value. Names and parts in it may stand as their values: `5 - 5`.

    `whole` tells the style that it is all that the statement computes, so that what it sets can be mentioned with it.
    """

    expression: str
    value: str
    whole: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class ComprehensionRound:
    """Inside of a comprehension or a lambda, the next round: what its variables are."""

    names: Bindings


@dataclass(frozen=True, slots=True)
class SideEffect:
    """The statement does something that is rendered by its text alone: `words.sort()`, `break`."""

    text: str


@dataclass(frozen=True, slots=True)
class VariableSet:
    """A variable's value when the step has finished."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class SortKeys:
    """The keys by which `sorted`, `min`, `max` or `sort` compares elements.

    Attributes:
        name: the built-in function that gives them.
        text: a list of them, in the order of the elements.
    """

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class VariableSize:
    """A variable's size when the step has finished, where its value is too long to be rendered."""

    name: str
    size: int


@dataclass(frozen=True, slots=True)
class ConditionValue:
    """Whether the test of an `if` or `while` holds."""

    holds: bool


@dataclass(frozen=True, slots=True)
class LoopExhausted:
    """The `for` finds nothing left."""


@dataclass(frozen=True, slots=True)
class StepRaises:
    """The step ends in an exception.

    Attributes:
        error: its type, or its type and message, as a traceback's last line has them; None where it is not named.
        expression: the part of the statement that raises it, with values put in; None where that is not rendered.
    """

    error: str | None = None
    expression: str | None = None


@dataclass(frozen=True, slots=True)
class FunctionEntered:
    """A function of the program is entered; where it is not rendered, `in_detail` is False and a `Leaves` follows."""

    function: str
    arguments: Bindings
    in_detail: bool = True


@dataclass(frozen=True, slots=True)
class FunctionReturned:
    """The function that is under way returns a value."""

    value: str


@dataclass(frozen=True, slots=True)
class RoundsSkipped:
    """Rounds of a loop that are not rendered: from one visit of its header to another, and what has changed after them."""

    line: int
    first: int
    last: int
    state: Bindings


@dataclass(frozen=True, slots=True)
class NextStatementAnswer:
    """The answer to a next-statement question: which line's step begins next, and its text; None where nothing does."""

    line: int
    visit: int
    next_line: int | None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class StateAnswer:
    """The answer to a state question: what the variable was."""

    line: int
    visit: int
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class OtherAnswer:
    """The answer to a question of any other kind: its name, and the answer as it is written."""

    line: int
    visit: int
    kind: str
    answer: str


@dataclass(frozen=True, slots=True)
class NeverRunsAnswer:
    """The answer to a question about a visit that does not happen: how often the line ran."""

    line: int
    visit: int
    count: int


@dataclass(frozen=True, slots=True)
class WantedResult:
    """Input prediction: the result that is wanted."""

    value: str


@dataclass(frozen=True, slots=True)
class TriedCall:
    """Input prediction: a call that was tried, and does not give the wanted result.

    Attributes:
        arguments: by parameter.
        moments: line, visit, and what is set there, in the order of the run; of the call's own frame.
        result: what the call returns; None where it raises an exception.
    """

    arguments: Bindings
    moments: tuple[tuple[int, int, Bindings], ...]
    result: str | None


@dataclass(frozen=True, slots=True)
class Requirement:
    """Input prediction: what the variables are before a step that the wanted result goes back to."""

    line: int
    visit: int
    names: Bindings


@dataclass(frozen=True, slots=True)
class ResultConfirmed:
    """Input prediction: the run has given the wanted result."""

    value: str


Claim = (
    WantedResult | TriedCall | Requirement | ResultConfirmed | CallStarts | StepStarts | StepResumes | ValueClaim | ComprehensionRound
    | SideEffect | SortKeys | VariableSet | VariableSize | ConditionValue | LoopExhausted | StepRaises | FunctionEntered
    | FunctionReturned | RoundsSkipped | NextStatementAnswer | StateAnswer | OtherAnswer | NeverRunsAnswer
)  # fmt: skip
"""Any of them."""
