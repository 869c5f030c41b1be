"""Reads traces as CWM's own debugger does (demos/cwmdbg.py of facebookresearch/cwm), which is given a trace in place of a model.

Run as: python cwm_debugger.py CHECKOUT < traces.jsonl. Each line holds a prompt and a completion; what the debugger sees of each frame
is printed as a line of JSON. A token is a character, or one of CWM's special tokens.
"""

import json
import re
import sys
import types
from typing import Any

NAMES = ("frame_sep", "action_sep", "return_sep", "call_sep", "line_sep", "exception_sep", "arg_sep", "trace_context_start")
SPECIAL = {f"<|{name}|>": 2_000_000 + number for number, name in enumerate((*NAMES, "begin_of_text", "end_of_text"))}
_PIECES = re.compile("|".join(map(re.escape, SPECIAL)) + "|.", re.DOTALL)


class Tokenizer:
    """CWM's tokenizer as far as the debugger uses it."""

    FRAME_SEP_ID = "<|frame_sep|>"
    bos_id, eos_id = SPECIAL["<|begin_of_text|>"], SPECIAL["<|end_of_text|>"]

    def __init__(self) -> None:
        for name in NAMES:
            setattr(self, f"{name}_id", SPECIAL[f"<|{name}|>"])

    def encode(self, text: str) -> list[int]:
        return [SPECIAL.get(piece) or ord(piece) for piece in _PIECES.findall(text)]

    def decode(self, tokens: list[int], **_: Any) -> str:
        names = {number: name for name, number in SPECIAL.items()}
        return "".join(names.get(token) or chr(token) for token in tokens)


class Server:
    """In place of CWM's server: continues a prompt with the next frame of a trace."""

    def __init__(self, tokens: list[int], separator: int) -> None:
        self.tokens, self.separator = tokens, separator

    def post(self, url: str, json: dict[str, Any]) -> Any:
        prompt = json["prompt"]
        assert self.tokens[: len(prompt)] == prompt, "the debugger writes the frames before otherwise"
        rest = self.tokens[len(prompt) :]
        end = rest.index(self.separator) + 1 if self.separator in rest else len(rest)
        return types.SimpleNamespace(json=lambda: {"choices": [{"tokens": rest[:end]}]})


def main(checkout: str) -> None:
    """Read all traces."""
    stub: Any = types.ModuleType("cwm.text.tokenizers")
    stub.CWMInstructTokenizer, stub.build_tokenizer = Tokenizer, None
    requests: Any = types.ModuleType("requests")
    sys.modules.update({"cwm": types.ModuleType("cwm"), "cwm.text": types.ModuleType("cwm.text")})
    sys.modules.update({"cwm.text.tokenizers": stub, "requests": requests})
    sys.path.insert(0, f"{checkout}/demos")
    from cwmdbg import CWMDebugger  # type: ignore[import-not-found]

    for line in sys.stdin:
        given = json.loads(line)
        tokenizer = Tokenizer()
        context = given["prompt"].removeprefix("<|begin_of_text|><|trace_context_start|>").removesuffix("<|frame_sep|>")
        requests.post = Server(tokenizer.encode(given["prompt"] + given["completion"]), SPECIAL["<|frame_sep|>"]).post
        debugger = CWMDebugger(context, tokenizer, "localhost", 0)
        debugger.reset()
        seen = []
        while not debugger.done:
            frame = debugger.current_frame
            shown = debugger.local_vars if frame.event.name in ("CALL", "LINE") else {}
            seen.append([frame.event.name.lower(), frame.source_line, shown, frame.arg])
            debugger._step()
        print(json.dumps(seen))


if __name__ == "__main__":
    main(sys.argv[1])
