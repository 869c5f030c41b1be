"""Records made for reinforcement learning, which carry a ground truth in one of the other forms: PRIME's and verl's, DeepCoder's."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from execverify.errors import RowError
from execverify.rewards.code.record_formats.record import Fields, OtherAbility, Record, RecordFormat, has, text_of, texts_of
from execverify.rewards.code.test_formats import UnitTestFormat, UnitTests
from execverify.rewards.compare import EXACT_LINES, TOKENS

ABILITY = "code"
CONTEST_SOURCES = frozenset({"apps", "taco", "codecontests", "code_contests", "codeforces", "prime_code", "primeintellect"})
"""Names by which PRIME, verl and DeepCoder call sets of contest problems, which are judged by tokens."""

OTHER_SOURCES = frozenset({"livecodebench", "lcbv5", "leetcode", "kodcode", "humanevalplus", "mbppplus"})
"""Names of further sets of code problems."""

SOURCES = CONTEST_SOURCES | OTHER_SOURCES


def by_source(tests: UnitTests, source: str) -> UnitTests:
    """Tests judged as their source is: outputs of contests by tokens, unless the record says otherwise."""
    contest = source.lower() in CONTEST_SOURCES
    return (
        replace(tests, compare=TOKENS)
        if contest and tests.format == UnitTestFormat.STDIN and tests.compare == EXACT_LINES
        else tests
    )


def prime_reader(read: Callable[[Any], Record]) -> Callable[[Fields], Record]:
    """What reads PRIME's records; `read` reads their ground truth."""

    def reader(fields: Fields) -> Record:
        ability = fields.get("ability", ABILITY)
        if not isinstance(ability, str) or not ability:
            raise RowError(f"it names no ability: ability is {ability!r}")
        if ability != ABILITY:
            raise OtherAbility(ability)
        model = fields["reward_model"]
        truth = model.get("ground_truth") if isinstance(model, Mapping) else None
        if truth is None or truth == "" or (isinstance(truth, str) and not truth.strip()):
            raise RowError("it has no ground truth: reward_model.ground_truth is empty")
        found, source = read(truth), text_of(fields, "data_source")
        extra = fields.get("extra_info")
        index = extra.get("index", "") if isinstance(extra, Mapping) else ""
        messages = _messages(fields.get("prompt"))
        problem = next((message["content"] for message in reversed(messages) if message["role"] == "user"), "")
        return found.with_fields(
            tests=by_source(found.tests, source), problem=problem, messages=messages, source=source, name=str(index)
        )

    return reader


def _messages(prompt: Any) -> tuple[dict[str, str], ...]:
    if prompt is None:
        return ()
    messages = list(prompt) if isinstance(prompt, list | tuple) else []
    if not messages or not all(isinstance(message, Mapping) and isinstance(message.get("content"), str) for message in messages):
        raise RowError(f"its prompt is no list of chat messages: the prompt is {type(prompt).__name__}")
    return tuple({"role": str(message.get("role")), "content": message["content"]} for message in messages)


def deepcoder_reader(read: Callable[[Any], Record]) -> Callable[[Fields], Record]:
    """What reads DeepCoder's records; `read` reads their tests."""

    def reader(fields: Fields) -> Record:
        found = read(fields["tests"])
        tests = found.tests
        problem, starter = text_of(fields, "problem", "question"), text_of(fields, "starter_code")
        source = text_of(fields, "data_source", "source")
        return Record(
            by_source(tests, source or "taco"),
            problem=f"{problem}\n\nBegin with:\n\n```python\n{starter.rstrip()}\n```" if starter.strip() else problem,
            solutions=texts_of(fields.get("solutions")),
            name=text_of(fields, "id", "problem_id"),
            source=source,
        )

    return reader


def prime(read: Callable[[Any], Record]) -> RecordFormat:
    """PRIME's and verl's format."""
    return RecordFormat("reward_model", "PRIME-RL/Eurus-2-RL-Data, verl", has("reward_model"), prime_reader(read))


def deepcoder(read: Callable[[Any], Record]) -> RecordFormat:
    """DeepCoder's and rllm's format."""
    return RecordFormat("tests", "agentica-org/DeepCoder-Preview-Dataset, rllm", has("problem", "tests"), deepcoder_reader(read))
