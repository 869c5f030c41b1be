"""A chat-completions server that plays a model which writes programs: the grammar's, or what a test scripts."""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

from execverify.synthesis import synthesize
from tests.helpers.faulty_openai_server import Behaviour, Handler, Misbehaving

USAGE = {"prompt_tokens": 300, "completion_tokens": 100}


def say(text: str, finish_reason: str = "stop", usage: dict[str, int] | None = None) -> Behaviour:
    """One completion with this text."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish_reason}
    return lambda handler, body: handler.reply(200, {"choices": [choice], "usage": USAGE if usage is None else usage})


def grammar_program(index: int, seed: int = 0) -> str:
    """The answer of a good model to the request of an item: a program of the grammar that keeps the item's constraint."""
    for attempt in range(20):
        made = synthesize(seed, index, attempt)
        if made is not None:
            return f"```python\n{made.program.source}\n{made.program.call}\n```"
    return "I cannot do that."


def write_programs(handler: Handler, body: dict[str, Any]) -> None:
    """Answers with the grammar's program for the number of the sample, which is the seed of the request."""
    say(grammar_program(body["seed"]))(handler, body)


def scripted(texts: dict[int, str | Behaviour], otherwise: Behaviour = write_programs) -> Behaviour:
    """Answers by the number of the sample."""

    def behave(handler: Handler, body: dict[str, Any]) -> None:
        found = texts.get(body.get("seed", 0))
        chosen: Callable[[Handler, dict[str, Any]], None] = say(found) if isinstance(found, str) else found or otherwise
        chosen(handler, body)

    return behave


def content_of(body: dict[str, Any]) -> str:
    """What a request asks, as a text: equal for equal requests."""
    return json.dumps([body["messages"], body.get("seed"), body.get("temperature"), body.get("max_tokens")], sort_keys=True)


def asked(server: Misbehaving) -> Counter[str]:
    """How often each request came."""
    return Counter(content_of(body) for _, body, _ in server.calls)
