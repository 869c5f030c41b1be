"""How a completion is judged: `score`, and what a score is made of.

>>> from execverify.programs import Program
>>> from execverify.questions import task
>>> from execverify.tracing import trace
>>> t = task(trace(Program("def f(n):\\n    n += 1\\n    return n", arguments="3")), limit=0)
>>> score(t, "<answer>assert f(3) == 4</answer>").reward
2.0
>>> score(t, "<answer>assert True</answer>").reward
0.0
"""

import functools
import logging
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from execverify.errors import LiteralError, ProgramError, QuestionError, SandboxError
from execverify.programs.equality import comparable, is_value, literal_key
from execverify.programs.literals import parse_literal
from execverify.programs.program import Program, arguments_text, read_arguments, truncate
from execverify.programs.values import equality_key, to_value
from execverify.questions.kinds.base import QUESTION_KINDS
from execverify.questions.question import BLANKS, Question
from execverify.questions.select import check_kinds
from execverify.questions.task import CODE_GENERATION, TASK_KINDS, Task
from execverify.rewards.code.grade import UnitTestConfig, unit_test_scores
from execverify.rewards.code.unit_tests import UnitTests, UnitTestTask, tests_of
from execverify.rewards.guard import bad_row, guarded, unreadable
from execverify.rewards.parse import Assertion, ParsedAnswer, completion_text, parse_answer, parse_assertion, parse_input_answer
from execverify.rewards.parts import GradedPart, Score, Verdict
from execverify.rewards.steps.grade import grade_chains
from execverify.sandbox.result import Limits, Outcome, Result
from execverify.sandbox.run import call_many
from execverify.utils.validation import expect

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RewardConfig:
    """How parts become a reward (paper, section 3: white-box reinforcement learning).

    The white-box reward is `scale * ((1 - alpha) * o + alpha * w)`, with `o` 1 where the output assertion is right and
    else 0, `w` the share of the counted questions that are right, and 0 in all where the assertion is wrong
    (`require_correct_output`).
    A task that has none of the counted questions is judged by its assertion alone.

    Attributes:
        alpha: weight of the questions, 0 to 1. 0 is the ablation "output only".
        kinds: which kinds of questions count; None: all. The ablations count control flow or data flow only.
        require_correct_output: whether a wrong assertion earns nothing.
        scale: the full reward; input prediction gives all of it or nothing.
        float_tolerance: how far finite floats may be off in outputs and states; 0 compares exactly.
    """

    alpha: float = 0.5
    kinds: tuple[str, ...] | None = None
    require_correct_output: bool = True
    scale: float = 2.0
    float_tolerance: float = 0.0
    uses_chain: ClassVar[bool] = False
    reads_otherwise: ClassVar[bool] = False  # whether answers are read or compared in a way of its own

    def __post_init__(self) -> None:
        if not 0 <= self.alpha <= 1:
            raise ValueError(f"alpha must be between 0 and 1, not {self.alpha}")
        if not (self.scale > 0 and math.isfinite(self.scale)) or not (self.float_tolerance >= 0):
            raise ValueError("scale must be a positive number, and float_tolerance 0 or more")
        if self.kinds is None:
            return
        if isinstance(self.kinds, str) or not self.kinds:
            raise ValueError(
                f"kinds must be a tuple of one kind or more, not {self.kinds!r}; for the output alone, set alpha to 0"
            )
        check_kinds(self.kinds)

    def read_answer(self, task: Task, completion: str) -> ParsedAnswer:
        """The answer in a completion, cut into the assertion and a line for each question."""
        return parse_input_answer(completion) if task.kind == "input_prediction" else parse_answer(completion)

    def is_right_result(self, given: object, result: str, float_tolerance: float = 0.0) -> bool:
        """Whether the value that an assertion states is the result, which is literal text."""
        return is_value(given, result, float_tolerance)

    def reject_call(self, task: Task, line: str) -> str:
        """Why the text of a right output assertion earns nothing all the same; empty where it earns its share."""
        return ""

    def reject_answer(self, question: Question, given: str) -> str:
        """Why the answer to a question is wrong, in one line; empty where it is right."""
        if any(given == answer.strip(BLANKS) for answer in question.answers):
            return ""
        return QUESTION_KINDS.get(question.kind).reject(question, given, self.float_tolerance)

    def white_box(self, parts: Sequence[GradedPart]) -> float:
        """The reward of a white-box answer's parts."""
        output = 1.0 if parts[0].right else 0.0
        if self.require_correct_output and not output:
            return 0.0
        counted = [part for part in parts[1:] if self.kinds is None or part.kind in self.kinds]
        if not counted:
            return self.scale * output
        share = sum(part.right for part in counted) / len(counted)
        return self.scale * ((1 - self.alpha) * output + self.alpha * share)


@dataclass(frozen=True, slots=True)
class ChainReward(RewardConfig):
    """A reward that looks at the chain of thought; the fields are those of the white-box reward.

    A subclass gives `chain_reward`. One that also gives advantages to spans of the text is a `CreditReward`
    (`execverify.rewards.steps.credit`).
    """

    uses_chain: ClassVar[bool] = True

    def progress(self, score: Score) -> float:
        """`(k + o t) / (n + 1)`, 0 to 1.

        `n` is the number of steps of the run, `k` how many of them the chain describes rightly before its first divergence; `t` is 1
        where the whole chain is true, and `o` where the output is right.
        """
        chain = score.chain
        if chain is None:
            return 0.0
        return (chain.covered + (chain.is_true and score.parts[0].right)) / (chain.total + 1)

    def outcome(self, score: Score) -> float:
        """The reward of the answer alone, 0 to `scale`."""
        if score.parts[0].kind == "input":
            return self.scale * score.parts[0].right
        return self.white_box(score.parts)

    def chain_reward(self, score: Score) -> float:
        """The reward of a completion, 0 to `scale`.

        Args:
            score: with its parts and its chain.
        """
        raise NotImplementedError


PAPER_REWARD = RewardConfig()
"""The paper's rule: alpha 0.5, gated, every kind, full reward 2."""

_LIMITS = Limits()


def score(
    task: Task,
    completion: str,
    *,
    rule: RewardConfig = PAPER_REWARD,
    tests: UnitTestConfig | None = None,
    limits: Limits = _LIMITS,
    allow_weak_isolation: bool = False,
    chains: bool = False,
) -> Score:
    """Judges one completion of a task.

    White-box answers are parsed and compared; nothing in them runs. For input prediction the literals that the model
    wrote are given to our copy of the function, in a confined process. For code generation the code runs confined on each
    unit test, and what it gives is compared outside. Arguments as for `score_many`.
    """
    if not isinstance(task, UnitTestTask):
        expect(task, Task, QuestionError, "make one with task(trace), or read one with from_row(row)")
    text = completion if isinstance(completion, str) else completion_text(completion) or completion
    how: dict[str, Any] = {"limits": limits, "allow_weak_isolation": allow_weak_isolation, "chains": chains}
    return score_many([(task, text)], rule=rule, tests=tests, **how)[0]


def score_many(
    pairs: Iterable[tuple[Task | UnitTestTask, str]],
    *,
    rule: RewardConfig = PAPER_REWARD,
    tests: UnitTestConfig | None = None,
    limits: Limits = _LIMITS,
    workers: int = 1,
    allow_weak_isolation: bool = False,
    chains: bool = False,
) -> list[Score]:
    """Judges completions, in order; programs that must run for it share the sandbox and up to `workers` processes.

    Args:
        pairs: tasks, of any kinds, and problems without a solution, each with a completion's text.
        rule: how parts become a reward.
        tests: how unit tests become one; None for the paper's rule with the float tolerance of `rule`.
        limits: what a program may use.
        workers: how many programs run at once.
        allow_weak_isolation: run code that a model wrote even where the kernel lacks what confines hostile code.
        chains: grade the chain of thought in each completion about a run too, whatever the rule.

    Raises:
        InsufficientIsolationError: hostile code cannot be confined here, and a task asks for code.
    """
    pairs = list(pairs)
    scores: dict[int, Score] = {}
    to_run: list[tuple[int, Task, Program]] = []
    codes: list[tuple[int, UnitTests, str]] = []
    for index, (task, completion) in enumerate(pairs):
        if isinstance(task, UnitTestTask):
            codes.append((index, task.tests, completion))
        elif task.kind == CODE_GENERATION:
            codes.append((index, tests_of(task), completion))
        elif task.kind != "input_prediction":
            scores[index] = grade_white_box(task, completion, rule)
        elif isinstance(judged := grade_input(task, completion, rule), Program):
            to_run.append((index, task, judged))
        else:
            scores[index] = judged
    programs = [program for *_, program in to_run]
    for (index, task, program), result in zip(to_run, _results(programs, limits, workers), strict=True):
        scores[index] = _judge_run(task, program, result, rule)
    judged_codes = unit_test_scores(
        [(unit_tests, completion) for _, unit_tests, completion in codes],
        rule=tests or UnitTestConfig(float_tolerance=rule.float_tolerance),
        limits=limits,
        workers=workers,
        allow_weak_isolation=allow_weak_isolation,
    )
    scores.update(zip((index for index, *_ in codes), judged_codes, strict=True))
    if chains or rule.uses_chain:
        _add_chains(pairs, scores, rule, limits, workers)
    return [scores[index] for index in range(len(scores))]


def _add_chains(
    pairs: Sequence[tuple[Task | UnitTestTask, str]], scores: dict[int, Score], rule: RewardConfig, limits: Limits, workers: int
) -> None:
    """Adds the graded chain to the score of each completion about a run, and gives the reward of a rule that looks at chains."""
    of_runs = [
        (index, task, text) for index, (task, text) in enumerate(pairs) if isinstance(task, Task) and task.kind in TASK_KINDS
    ]
    try:
        found = grade_chains([(task, text) for _, task, text in of_runs], limits=limits, workers=workers)
    except SandboxError as error:
        _log.warning("chains cannot be graded: %s", error)
        found = [None] * len(of_runs)
    for (index, *_), chain in zip(of_runs, found, strict=True):
        judged = replace(scores[index], chain=chain)
        scores[index] = rescored(judged, rule) if rule.uses_chain else judged


def rescored(score: Score, rule: RewardConfig) -> Score:
    """The score of an answer about a run under another rule, from the same parts and the same chain.

    The float tolerance stays that of the rule that the parts were judged by. The reward is None where they were not judged, and where
    the rule looks at the chain and it was not graded.

    Raises:
        ValueError: the rule reads or compares answers in a way of its own, as `authors` does.
    """
    if rule.reads_otherwise:
        raise ValueError(f"{type(rule).__name__} reads answers in a way of its own: score the completions by it")
    if score.reward is None or (rule.uses_chain and score.chain is None):
        return replace(score, reward=None)
    if isinstance(rule, ChainReward):
        return replace(score, reward=rule.chain_reward(score))
    is_input = score.parts[0].kind == "input"
    return replace(score, reward=rule.scale * score.parts[0].right if is_input else rule.white_box(score.parts))


def _results(programs: list[Program], limits: Limits, workers: int) -> list[Result | Exception]:
    """How each program ends, or what running it raised that it never should: then the others run without it."""
    try:
        return [*_run_together(programs, limits, workers)]
    except SandboxError as error:
        return [Result(Outcome.SANDBOX_ERROR, detail=str(error))] * len(programs)
    except Exception as error:
        if len(programs) == 1:
            return [error]
        return [result for program in programs for result in _results([program], limits, workers)]


def _run_together(programs: list[Program], limits: Limits, workers: int) -> list[Result]:
    """How each program ends; those that differ in their arguments alone, as a prompt's rollouts do, run together."""
    places: dict[tuple[str, str], list[int]] = {}
    for place, program in enumerate(programs):
        places.setdefault((program.source, program.entry_point), []).append(place)
    together = [(programs[of[0]], [programs[place].arguments for place in of]) for of in places.values()]
    results = [Result(Outcome.SANDBOX_ERROR)] * len(programs)
    for of, found in zip(places.values(), call_many(together, limits=limits, workers=workers), strict=True):
        for place, result in zip(of, found, strict=True):
            results[place] = result
    return results


# -------------------------------------------------------------------------------------------------------- white box


def grade_white_box(task: Task, completion: str, rule: RewardConfig = PAPER_REWARD) -> Score:
    """Judges the assertion and each question by what was written."""
    if task.kind != "white_box":
        raise QuestionError(f"a task of kind {task.kind!r} is not judged here")
    if (bad := _bad_truth(task)) is not None:
        return bad
    try:
        answer = rule.read_answer(task, completion)
    except Exception as error:
        return Score(0.0, tuple(unreadable(kind, expected, None, error) for kind, expected in _asked(task)))
    parts = [guarded("output", (task.assertion,), answer.assertion, lambda: _output_part(task, answer, rule))]
    for index, question in enumerate(task.questions):
        given = answer.question_lines[index] if index < len(answer.question_lines) else None
        judge = functools.partial(_question_part, question, given, answer, rule)
        parts.append(guarded(question.kind, question.answers, given, judge))
    return Score(rule.white_box(parts), tuple(parts))


def _bad_truth(task: Task) -> Score | None:
    """The score of every completion of a task whose own call and result cannot be compared; None where they can."""
    try:
        literal_key(task.result.text or "")
        _arguments_key(task.program.arguments)
    except Exception as error:
        return bad_row(error, f"task {task.id}" if task.id else "", _asked(task))
    return None


def _asked(task: Task) -> list[tuple[str, tuple[str, ...]]]:
    """Kind and accepted answers of each part of an answer."""
    first = "input" if task.kind == "input_prediction" else "output"
    return [(first, (task.assertion,)), *((question.kind, question.answers) for question in task.questions)]


def _output_part(task: Task, answer: ParsedAnswer, rule: RewardConfig) -> GradedPart:
    expected = (task.assertion,)
    if answer.assertion is None:
        return GradedPart("output", expected, None, Verdict.MISSING, answer.reason)
    try:
        given = parse_assertion(answer.assertion)
        why = _call_mismatch(task, given) or rule.reject_call(task, answer.assertion)
        if not why and not rule.is_right_result(given.result, task.result.text or "", rule.float_tolerance):
            why = f"the result is {truncate(str(task.result))}, not {truncate(str(to_value(given.result)))}"
    except LiteralError as error:
        why = f"the first line {error}"
    return GradedPart("output", expected, answer.assertion, Verdict.WRONG if why else Verdict.RIGHT, why)


Arguments = tuple[tuple[object, ...], dict[str, object]]


def _call_mismatch(task: Task, given: Assertion) -> str:
    if given.name != task.program.entry_point:
        return f"it calls {truncate(given.name)}, not {task.program.entry_point}"
    return "" if _same_arguments(given.arguments, task.program) else "it calls with other arguments"


def _same_arguments(given: Arguments, program: Program) -> bool:
    """Equal by value, position by position and name by name."""
    return equality_key([list(given[0]), given[1]]) == _arguments_key(program.arguments)


@functools.lru_cache(maxsize=65536)
def _arguments_key(arguments: str) -> str:
    positional, named = read_arguments(arguments)
    return comparable(equality_key([list(positional), named]))


def _question_part(question: Question, given: str | None, answer: ParsedAnswer, rule: RewardConfig) -> GradedPart:
    if given is None:
        return GradedPart(
            question.kind, question.answers, None, Verdict.MISSING, answer.reason or "there is no line for this question"
        )
    why = rule.reject_answer(question, given)
    return GradedPart(question.kind, question.answers, given, Verdict.WRONG if why else Verdict.RIGHT, why)


# --------------------------------------------------------------------------------------------------- input prediction


def grade_input(task: Task, completion: str, rule: RewardConfig = PAPER_REWARD) -> Score | Program:
    """Judges what can be judged without running; else the program to run, our source with the model's literals."""
    if (bad := _bad_truth(task)) is not None:
        return bad
    try:
        return _judge_input(task, rule.read_answer(task, completion), rule)
    except Exception as error:
        return Score(0.0, (unreadable("input", (task.assertion,), None, error),))


def _judge_input(task: Task, answer: ParsedAnswer, rule: RewardConfig) -> Score | Program:
    expected = (task.assertion,)
    if answer.assertion is None:
        return Score(0.0, (GradedPart("input", expected, None, Verdict.MISSING, answer.reason),))
    try:
        given = parse_assertion(answer.assertion)
        why = "" if given.name == task.program.entry_point else f"it calls {truncate(given.name)}, not {task.program.entry_point}"
        if not why and not rule.is_right_result(given.result, task.result.text or ""):
            why = f"it asserts another result than {truncate(str(task.result.text))}"
        if not why and _same_arguments(given.arguments, task.program):
            return Score(rule.scale, (GradedPart("input", expected, answer.assertion, Verdict.RIGHT),))
        if not why:
            return replace(task.program, arguments=arguments_text(given.arguments))
    except LiteralError as error:
        why = f"the first line {error}"
    except ProgramError as error:
        why = f"the call does not fit: {error}"
    return Score(0.0, (GradedPart("input", expected, answer.assertion, Verdict.WRONG, why),))


def _judge_run(task: Task, program: Program, result: Result | Exception, rule: RewardConfig) -> Score:
    expected = (task.assertion,)
    try:
        if isinstance(result, Exception):
            raise result
        return _judged_run(task, program, result, rule)
    except Exception as error:
        return Score(0.0, (unreadable("input", expected, program.call, error),))


def _judged_run(task: Task, program: Program, result: Result, rule: RewardConfig) -> Score:
    expected = (task.assertion,)
    if result.outcome == Outcome.SANDBOX_ERROR:
        return Score(None, (GradedPart("input", expected, program.call, Verdict.GRADER_ERROR, result.detail),))
    if result.outcome == Outcome.RETURNED and result.value is not None and result.value.text is not None:
        if rule.is_right_result(parse_literal(result.value.text), task.result.text or ""):
            return Score(rule.scale, (GradedPart("input", expected, program.call, Verdict.RIGHT),))
        why = f"with these arguments it returns {truncate(str(result.value))}"
    else:
        why = f"with these arguments it does not return a plain value: {result.outcome} {result.detail}".rstrip()
    return Score(0.0, (GradedPart("input", expected, program.call, Verdict.WRONG, why),))
