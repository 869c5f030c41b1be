"""What benchmarks of code generation share: the program in a completion, a completion that gives one, constant programs.

A style that asks for code wants one fenced block, read by the one reader of code answers (`rewards/code/extract.py`): the last block of
the answer. `bare` takes the whole completion as the program: recorded programs that somebody has taken out already.
"""

from execverify.evaluation.answers import EXECVERIFY, PLAIN, Answer
from execverify.questions.question import ANSWER_CLOSE, ANSWER_OPEN
from execverify.rewards.code.extract import MAX_CODE, extract_code

CODE = "code"
"""Name of the prompt templates."""


def code_answer(completion: str, style: str, entry_point: str | None = None) -> Answer:
    """The program in a completion."""
    if style == PLAIN:
        if len(completion) > MAX_CODE:
            return Answer(None, None, f"the program is longer than {MAX_CODE} characters")
        return Answer(completion, completion) if completion.strip() else Answer(None, None, "there is no program")
    code = extract_code(completion, entry_point)
    return Answer(code.source, code.source, "" if code.source is not None else code.why)


def code_completion(source: str, style: str, language: str = "python") -> str:
    """A completion that gives a program in a style."""
    if style == PLAIN:
        return source
    longest = max((len(line) - len(line.lstrip("`")) for line in map(str.strip, source.split("\n"))), default=0)
    fence = "`" * max(3, longest + 1)
    ending = "" if source.endswith("\n") else "\n"
    block = f"{fence}{language}\n{source}{ending}{fence}"
    return (
        f"<reasoning>\nI write it step by step.\n</reasoning>\n{ANSWER_OPEN}\n{block}\n{ANSWER_CLOSE}"
        if style == EXECVERIFY
        else block
    )


def constant_function(name: str, text: str) -> str:
    """A function that takes whatever it is given and returns the same always."""
    return f"def {name}(*args, **kwargs):\n    return {text}\n"
