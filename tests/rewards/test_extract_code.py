"""Which code a completion gives, and whether its form earns the bonus."""

import time
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execverify.rewards.code.extract import MAX_CODE, extract_code

F = "def f(n):\n    return n + 1"


def answer(inside: str) -> str:
    return f"<reasoning>Add one.</reasoning>\n<answer>\n{inside}\n</answer>"


FORMS = {
    "python": f"```python\n{F}\n```",
    "py": f"```py\n{F}\n```",
    "python3": f"```python3\n{F}\n```",
    "capital": f"```Python\n{F}\n```",
    "no tag": f"```\n{F}\n```",
    "more after the tag": f'``` python title="f.py"\n{F}\n```',
    "four backticks": f"````python\n{F}\n````",
    "tildes": f"~~~python\n{F}\n~~~",
    "tildes without a tag": f"~~~\n{F}\n~~~~",
    "closed by more": f"```python\n{F}\n`````",
    "blanks behind the fence": f"```python  \n{F}\n```  ",
    "windows": f"```python\n{F}\n```".replace("\n", "\r\n"),
    "indented": "  ```python\n  def f(n):\n      return n + 1\n  ```",
    "in a list": "1. The code:\n\n    ```python\n    def f(n):\n        return n + 1\n    ```",
    "python3.11": f"```python3.11\n{F}\n```",
    "words and a version": f"```Python 3.11\n{F}\n```",
    "an attribute": f"```{{.python}}\n{F}\n```",
    "attributes": f"```{{.python .numberLines}}\n{F}\n```",
    "a file": f"```python:solution.py\n{F}\n```",
    "an option": f"```python,linenos\n{F}\n```",
    "behind words": f"Answer: ```python\n{F}\n```",
    "behind words, without a tag": f"The answer is: ```\n{F}\n```",
    "an item of a list": "1. ```python\n   def f(n):\n       return n + 1\n   ```",
    "words that only speak of a fence": f"I put it into ```python\n\n```python\n{F}\n```",
    "zero-width blanks": f"\u200b```python\u200b\n\ufeff{F}\n```\u200b",
    "no-break blanks": f"\xa0```python\xa0\n{F}\n\xa0```\xa0",
    "prose around": f"Here it is:\n\n```python\n{F}\n```\nIt adds one.",
}


@pytest.mark.parametrize("form", FORMS)
def test_every_way_to_fence_gives_the_same_code(form: str) -> None:
    code = extract_code(answer(FORMS[form]))
    assert code.source is not None
    assert code.source.strip() == F
    assert (code.follows_format, code.why) == (True, "")


@pytest.mark.parametrize(
    "source",
    [
        "import math\nfrom collections import deque\n\n\ndef f(n):\n    return math.prod(deque([n]))",
        "class A:\n    def g(self):\n        return 1\n\n\ndef h():\n    return A()\n\n\ndef f(n):\n    return h().g()",
        "def f(n):\n    return n\n\n\nif __name__ == '__main__':\n    print(f(int(input())))",
        "n = int(input())\nprint(n)",
        'def f(n):\n    """Uses ``` in a line, and a ~~~ too."""\n    return n',
        'def f(n):\n    """Adds.\n\n    ```\n    f(1)\n    ```\n    """\n    return n',
        "def f(n):\n\n    # é 😀\n\n    return '<answer'",
    ],
)
def test_whole_modules_are_taken_as_they_are(source: str) -> None:
    code = extract_code(answer(f"```python\n{source}\n```"))
    assert code.source is not None
    assert code.source.strip("\n") == source
    assert code.follows_format


READ = {
    "an output behind it": f"```python\n{F}\n```\nOutput:\n```\n4\n```",
    "an untagged example before it": f"```\nf(3)\n```\n```py\n{F}\n```",
    "the prompt opened the fence": f"{F}\n```",
    "and prose follows": f"{F}\n```\nThis adds one.",
    "and the tag was opened too": f"{F}\n```\n</answer>",
    "and an output follows": f"{F}\n```\nOutput:\n```\n4\n```",
    "the end of the completion as a token": f"```python\n{F}<|im_end|>",
    "tokens behind the fence": f"```python\n{F}\n```<|eot_id|></s>",
    "channels": f"<|channel|>analysis<|message|>```python\n1\n```<|end|><|channel|>final<|message|>```python\n{F}\n```",
    "thinking": f"<thinking>```python\ndef f(n): return 0\n```</thinking>\n```python\n{F}\n```",
    "THINK": f"[THINK]x[/THINK]```python\n{F}\n```",
}


@pytest.mark.parametrize("form", READ)
def test_what_models_write_is_read_and_earns_no_bonus(form: str) -> None:
    code = extract_code(READ[form], "f")
    assert code.source is not None and code.source.strip() == F
    assert not code.follows_format


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("Answer\n```\ndef f(n):\n    return", "def f(n):\n    return\n"),  # a name is Python, and no program
        ("Note: this\n```\nx = 1\n```", "x = 1\n"),  # so is an annotation
        ("x = 1\n```\ny = 2\n```", "y = 2\n"),  # what a block holds goes before what stands around it
        ("x = 1\n```js\ny\n```\n```\nz = 3\n```", "z = 3\n"),
        ("```python\nx = '''\nAnswer: ```python\n'''\n```", "x = '''\nAnswer: ```python\n'''\n"),
        ("```python2\nprint 1\n```", None),
        ("```python-repl\n>>> 1\n```", None),
        ("```{.haskell}\nx\n```", None),
        ("a `x` b ```python\ny\n", None),  # a backtick before: an inline code, say
    ],
)
def test_nothing_is_guessed(text: str, source: str | None) -> None:
    assert extract_code(text).source == source


SLOW = {
    "fences": "```\n" * 2_500_000,
    "fences of Python": "```python\n" * 1_000_000,
    "fences on a line": "``` " * 2_500_000,
    "letters": "a" * 10_000_000,
    "backticks": f"<answer>{'```' * 100_000}</answer>",
    "elif": "```python\nif 1:\n x=1\n" + "elif 1:\n x=1\n" * 990 + "```",
    "fields": "```python\nf'" + "{a}" * 33_000 + "'\n```",
    "combining": "```python\na" + "\u0316\u0300" * 49_000 + "\n```",
}


@pytest.mark.parametrize("name", SLOW)
def test_no_text_takes_long(name: str) -> None:
    begun = time.process_time()
    extract_code(SLOW[name], "f")
    assert time.process_time() - begun < 3.0  # 0.4 s at most, on a machine of its own: bench/parsing.py


def test_the_last_block_in_the_answer_counts() -> None:
    assert extract_code(answer("```python\nfirst = 1\n```\nBetter:\n```python\nsecond = 2\n```")).source == "second = 2\n"
    assert (
        extract_code("```python\nx = 1\n```\n" + answer("```python\ny = 2\n```") + "\n```python\nz = 3\n```").source == "y = 2\n"
    )
    assert extract_code(answer("```\na = 1\n```") + answer("```\nb = 2\n```")).source == "b = 2\n"


def test_blocks_of_other_languages_are_passed_over() -> None:
    code = extract_code(answer("```python\nx = 1\n```\nRun it:\n```console\n$ python x.py\n```\n~~~text\n3\n~~~"))
    assert code.source == "x = 1\n"


def test_a_fence_of_the_other_kind_or_a_shorter_one_is_code() -> None:
    source = 'DOC = """\n```python\nx = 1\n```\n"""\n'
    assert extract_code(answer(f"~~~python\n{source}~~~")).source == source
    assert extract_code(answer(f"````python\n{source}````")).source == source


def test_without_answer_tags_code_is_taken_and_earns_no_bonus() -> None:
    for text in (FORMS["python"], f"<think>\n```python\nx = 0\n```\n</think>\n{FORMS['python']}"):
        code = extract_code(text)
        assert code.source == F + "\n"
        assert not code.follows_format
        assert "<answer>" in code.why


def test_reasoning_gives_no_code() -> None:
    unfinished = "<think>\nMaybe\n```python\nx = 0\n```\nor"
    assert extract_code(unfinished).source is None
    assert "reasoning" in extract_code(unfinished).why
    assert extract_code(f"<think>{FORMS['python']}</think>\nI give up.").source is None
    assert extract_code(f"<think>So <answer>{FORMS['python']}</answer>, no.</think>\n```python\ny = 1\n```").source == "y = 1\n"
    assert extract_code(f"<reasoning>{FORMS['python']}</reasoning>").source is None
    # Templates that open the reasoning in the prompt leave only its end in the completion.
    assert extract_code(f"Hm.\n```python\nx = 0\n```\n</think>\n{FORMS['python']}").source == F + "\n"


def test_the_end_of_reasoning_within_the_answers_code_is_code() -> None:
    source = 'def f(n):\n    return "</think>"\n'
    assert extract_code(answer(f"```python\n{source}```")).source == source


def test_a_block_that_is_not_closed_is_judged_and_earns_no_bonus() -> None:
    """A cut completion: the code is there as far as it goes. Closed tags around it change nothing."""
    for text in (f"<answer>\n```python\n{F}", answer(f"```python\n{F}")):
        code = extract_code(text)
        assert code.source is not None and code.source.strip() == F
        assert not code.follows_format
        assert "not closed" in code.why


@pytest.mark.parametrize(
    ("inside", "why"),
    [
        ("", "no block"),
        (F, "no block"),
        ("`def f(n): return n`", "no block"),
        ("```python def f(n): return n```", "no block"),
        ("```javascript\nlet x\n```", "no block"),
    ],
)
def test_no_block_is_no_answer(inside: str, why: str) -> None:
    code = extract_code(answer(inside))
    assert code.source is None and not code.follows_format
    assert why in code.why


@pytest.mark.parametrize(
    ("block", "why"),
    [
        ("```python\n```", "empty"),
        ("```python\n\n   \n```", "empty"),
        ("```python\n# nothing\n```", "empty"),
        ("```python\npass\n```", "empty"),
        ("```python\n'''words'''\n...\n```", "empty"),
        ("```python\ndef f(n:\n```", "not Python"),
        ("```python\nI would add one.\n```", "not Python"),
        ("```python\nx = '\0'\n```", "not Python"),
    ],
)
def test_the_bonus_cannot_be_earned_for_nothing(block: str, why: str) -> None:
    code = extract_code(answer(block))
    assert not code.follows_format
    assert why in code.why


def test_the_bonus_wants_what_the_tests_call() -> None:
    block = answer("```python\ndef g(n):\n    return n\n```")
    assert extract_code(block).follows_format
    assert not extract_code(block, entry_point="f").follows_format
    assert "'f'" in extract_code(block, entry_point="f").why
    for source in (
        "from math import isqrt as f",
        "f = len",
        "class f:\n    pass",
        "try:\n    import f\nexcept ImportError:\n    f = 1",
    ):
        assert extract_code(answer(f"```python\n{source}\n```"), entry_point="f").follows_format, source
    method = answer("```python\nclass Solution:\n    def f(self, n):\n        return n\n```")
    assert extract_code(method, entry_point="Solution.f").follows_format
    assert extract_code(method, entry_point="f").entry_point == "Solution.f"
    assert extract_code(method, entry_point="f").follows_format
    assert not extract_code(method, entry_point="g").follows_format
    both = answer("```python\nclass Solution:\n    def f(self, n):\n        return n\n\n\nf = Solution().f\n```")
    assert extract_code(both, entry_point="f").entry_point == "f"


def test_two_blocks_earn_no_bonus() -> None:
    code = extract_code(answer("```python\nx = 1\n```\n```python\ny = 2\n```"))
    assert code.source == "y = 2\n"
    assert not code.follows_format and "2 blocks" in code.why


def test_what_is_too_long_is_not_read() -> None:
    long = answer("```python\n" + "x = 1\n" * (MAX_CODE // 6 + 1) + "```")
    assert extract_code(long).source is None
    assert "longer than" in extract_code(long).why


def test_what_is_no_text_is_no_answer() -> None:
    assert extract_code(None).source is None  # type: ignore[arg-type]


_LINES = st.sampled_from(["x = 1", "    y", "", "`", "``", "~~", "# ```python", "print('~~~')", "a```", "<answer", "\\", "é😀"])


@given(
    st.lists(_LINES, min_size=1),
    st.sampled_from(["```", "````", "~~~"]),
    st.sampled_from(["", "python", "py"]),
    st.integers(0, 3),
)
def test_any_lines_that_are_no_fence_come_back_as_they_were(lines: list[str], fence: str, tag: str, indent: int) -> None:
    blanks = " " * indent
    block = "\n".join([f"{blanks}{fence}{tag}", *(blanks + line for line in lines), blanks + fence])
    assert extract_code(answer(block)).source == "".join(line + "\n" for line in lines)


@given(st.text(alphabet="`~ \r\n\tpython<answer></think>x=1", max_size=200))
def test_no_text_breaks_the_reader(text: str) -> None:
    code = extract_code(dedent(text))
    assert (code.why == "") == code.follows_format
    assert not code.follows_format or code.source
