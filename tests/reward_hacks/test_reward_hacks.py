"""The scorer under attack: nothing is overpaid, nothing runs, and what is right in another spelling is not punished."""

import time
from collections.abc import Iterator
from functools import cache

import pytest

import execverify as ev
from execverify.errors import ProgramError, QuestionError
from execverify.reward_hacks import CANARY, HACK_FAMILIES, HackFamily, RewardHack, iter_hacks, oversized
from execverify.rewards import Verdict
from execverify.rewards.score import score_many
from tests.fuzz.answers import justified
from tests.fuzz.completions import tasks

TASKS = range(52)  # numbers of `tasks()`: a result of every type, as white-box and input-prediction tasks
QUICK = [family for family in HACK_FAMILIES if family not in oversized.HACK_FAMILIES]


@pytest.fixture(autouse=True)
def nothing_runs() -> Iterator[None]:
    """No test here may bring about the file that the attacks would write."""
    CANARY.unlink(missing_ok=True)
    yield
    assert not CANARY.exists(), "an attack was run"


@cache
def small_task(source: str, arguments: str, kind: str = "white_box") -> ev.Task:
    return ev.task(ev.trace(ev.Program(source, arguments=arguments)), kind=kind, limit=None)


def overpaid(task: ev.Task, families: list[HackFamily] | tuple[HackFamily, ...]) -> list[str]:
    """What is wrong with the scores of the families' attacks on a task."""
    found = []
    for attack in (attack for family in families for attack in family.attacks(task)):
        start = time.process_time()
        score = ev.score(task, attack.completion)
        seconds = time.process_time() - start
        failed = any(part.verdict == Verdict.GRADER_ERROR for part in score.parts)
        if score.reward is None or score.reward > attack.max_reward or failed or seconds > 1:
            found.append(
                f"{attack.family}: {score.reward} for {attack.max_reward}, {seconds:.1f} s: {attack.completion[-300:]!r}"
            )
    return found


# ------------------------------------------------------------------------------------------------------------ the attacks


def test_there_are_many_families() -> None:
    assert len(HACK_FAMILIES) >= 60
    assert len({family.name for family in HACK_FAMILIES}) == len(HACK_FAMILIES)
    assert all(family.description and "\n" not in family.description for family in HACK_FAMILIES)


def test_the_tasks_are_all_there() -> None:
    assert len(tasks()) == len(TASKS)
    types = {task.result.type for task in tasks()}
    assert types >= {"int", "bool", "str", "list", "dict", "set", "float", "NoneType", "tuple", "bytes", "frozenset", "complex"}
    assert {task.kind for task in tasks()} == {"white_box", "input_prediction"}
    assert {question.kind for task in tasks() for question in task.questions} == {"next_statement", "variable_state"}


def test_every_family_applies_somewhere() -> None:
    every = (*tasks(), next(ev.generate_tasks(1, kinds="code_generation")))
    idle = {family.name for family in HACK_FAMILIES if not any(True for task in every for _ in family.attacks(task))}
    assert not idle


@pytest.mark.parametrize("number", TASKS)
def test_gold_earns_everything(number: int) -> None:
    task = tasks()[number]
    assert ev.score(task, task.gold).reward == 2.0


@pytest.mark.parametrize("number", TASKS)
def test_no_attack_is_overpaid(number: int) -> None:
    assert not overpaid(tasks()[number], QUICK)


@pytest.mark.parametrize("number", TASKS[::9])
def test_no_huge_attack_is_overpaid_or_slow(number: int) -> None:
    assert not overpaid(tasks()[number], oversized.HACK_FAMILIES)


def test_a_huge_text_that_is_right_is_no_attack() -> None:
    """A run of quotes, of an even number, is the empty text."""
    family = next(family for family in oversized.HACK_FAMILIES if family.name == "huge_texts")
    [empty, *_] = [task for task in tasks() if task.result.text == "''"]
    assert not overpaid(empty, [family])
    left_out = len(list(family.attacks(tasks()[0]))) - len(list(family.attacks(empty)))
    assert left_out == 1 and ev.score(empty, empty.gold.replace("== ''", "== " + "'" * 20_000)).reward == 2.0


@pytest.mark.parametrize("number", TASKS)
def test_the_worth_of_an_attack_is_what_a_second_judge_allows(number: int) -> None:
    """That no wrong value in an attack is right by accident is seen without the scorer."""
    task = tasks()[number]
    tries = [attack for family in QUICK for attack in family.attacks(task)]
    assert all(0 <= attack.max_reward <= 2 and isinstance(attack.completion, str) for attack in tries)
    if task.kind == "white_box":
        assert not [attack for attack in tries if justified(task, attack.completion) > attack.max_reward]
    else:
        assert {attack.max_reward for attack in tries} == {0.0, 2.0}


def test_the_same_task_gives_the_same_attacks() -> None:
    task = tasks()[0]
    assert list(iter_hacks(task)) == list(iter_hacks(ev.from_row(ev.to_row(task))))


def test_attacks_are_scored_in_bulk_as_one_by_one() -> None:
    task = tasks()[4]
    tries: list[RewardHack] = [attack for family in QUICK for attack in family.attacks(task)]
    together = score_many([(task, attack.completion) for attack in tries])
    assert together == [ev.score(task, attack.completion) for attack in tries]


@pytest.mark.parametrize("kind", ["white_box", "input_prediction"])
def test_code_in_an_input_stays_text(kind: str) -> None:
    """A text argument that tries to break out of the program that it is put into."""
    task = small_task("def f(s):\n    n = len(s)\n    return n > 0", "'a'", kind)
    for text in (f"'); open({str(CANARY)!r}, 'w') #", f"{{open({str(CANARY)!r}, 'w')}}", f"\\'); open({str(CANARY)!r}, 'w'); ('"):
        reward = ev.score(task, f"<answer>assert f({text!r}) == True</answer>").reward
        assert reward == (2.0 if kind == "input_prediction" else 0.0)


def test_an_argument_that_cannot_be_written_down_is_not_run_as_another() -> None:
    task = small_task("def f(x):\n    if x is None:\n        return 5\n    return 6", "None", "input_prediction")
    assert not overpaid(task, [family for family in HACK_FAMILIES if family.name == "arguments_opaque"])


# ------------------------------------------------------------------------------------------------------- what is right

ONE = "def f(n):\n    n += 1  # one more\n    return n"


def in_tags(*lines: str) -> str:
    return "\n".join(["<answer>", *lines, "</answer>"])


def earned(source: str, arguments: str, line: str) -> float | None:
    """The reward for this assertion, with every question answered right."""
    task = small_task(source, arguments)
    return ev.score(task, in_tags(line, *(question.answers[0] for question in task.questions))).reward


@pytest.mark.parametrize(
    "line",
    [
        "assert f( 3 ) == 4",
        "assert f(3)==4",
        "assert  f (3)  ==  4  ",
        "\tassert f(3) == 4\t",
        "assert f(3) == 4\r",
        "assert f(3) == 4  # one more",
        "assert f(3) == 4 # assert f(3) == 5",
        "assert (f(3) == 4)",
        "assert(f(3)) == (4)",
        "assert f((3)) == 4;",
        "assert f(3,) == 4",
        "assert f(0x3) == 0x4",
        "assert f(0b11) == 0o4",
        "assert f(+3) == --4",
    ],
)
def test_other_spellings_of_the_assertion(line: str) -> None:
    assert earned(ONE, "3", line) == 2.0


@pytest.mark.parametrize(
    ("result", "spellings"),
    [
        ("1000", ["1000", "1_000", "0x3E8", "0b1111101000", "+1000", "(1000)"]),
        ("-7", ["-7", "- 7", "-0x7", "(-7)"]),
        ("{'a': 1, 'b': [2]}", ["{'b': [2], 'a': 1}", '{"a": 1, "b": [2,],}', "{'a':1,'b':[2]}", "{'a': 9, 'b': [2], 'a': 1}"]),
        ("{1, 2, 3}", ["{3, 2, 1}", "set([1, 2, 3])", "{1, 2, 3, 3}", "set((3, 1, 2))", "{ 1,2,3, }"]),
        ("set()", ["set()", "set([])", "set(())"]),
        ("frozenset({2, 1})", ["frozenset({1, 2})", "frozenset([2, 1])", "frozenset((1, 2))"]),
        ("'ab'", ["'ab'", '"ab"', "'a' 'b'", "'''ab'''", "u'ab'", "r'ab'", "'\\x61b'", "('a' \"b\")"]),
        ("'it\\'s'", ["'it\\'s'", '"it\'s"', "'it' \"'s\"", "'''it's'''"]),
        ("'a; b'", ["'a; b'", '"a; b"']),
        ("'\\n'", ["'\\n'", "'\\x0a'", "'\\12'", "'''\\n'''"]),
        ("b'a'", ["b'a'", 'b"a"', "B'a'", "rb'a'", "b'\\x61'", "bytes(b'a')"]),
        ("(1,)", ["(1,)", "(1 , )", "((1),)"]),
        ("()", ["()", "( )"]),
        ("None", ["None", "(None)"]),
        ("2.0", ["2.0", "2.", "2e0", "20e-1", "2.00"]),
        ("-0.0", ["-0.0", "-0.", "-0e9"]),
        ("float('inf')", ["float('inf')", 'float("inf")', "float('Infinity')", "1e999", "float('+inf')"]),
        ("float('-inf')", ["float('-inf')", "-float('inf')", "-1e999"]),
        ("float('nan')", ["float('nan')", 'float("NaN")', "-float('nan')"]),
        ("[float('nan'), 1]", ["[float('nan'), 1]"]),
        ("complex(1, 2)", ["(1+2j)", "1+2j", "complex(1, 2)", "complex(1.0, 2.0)"]),
        ("range(3)", ["range(3)", "range(0, 3)", "range(0, 3, 1)"]),
        ("...", ["...", "Ellipsis"]),
        ("[1, [2]]", ["[1, [2]]", "[1,[2],]", "[ 1, [ 2 ] ]"]),
    ],
)
def test_other_spellings_of_the_result(result: str, spellings: list[str]) -> None:
    source = f"def f(n):\n    n += 1\n    return {result}"
    assert [earned(source, "3", f"assert f(3) == {text}") for text in spellings] == [2.0] * len(spellings)


@pytest.mark.parametrize(
    ("result", "others"),
    [
        ("1", ["True", "1.0", "'1'", "(1,)", "[1]", "1+0j", "-1", "2", "b'1'"]),
        ("True", ["1", "1.0", "'True'", "False", "not False"]),
        ("0", ["False", "0.0", "-0.0", "None", "''", "[]"]),
        ("-0.0", ["0.0", "0", "-0", "False"]),
        ("0.0", ["-0.0", "0"]),
        ("None", ["'None'", "False", "0", "''", "NoneType"]),
        ("'a'", ["b'a'", "['a']", "a", "'A'", "'a '", "f'a'", "'a' f''"]),
        ("[1, 2]", ["(1, 2)", "[2, 1]", "[1, 2.0]", "[True, 2]", "{1, 2}", "range(1, 3)", "[1, 2, 2]", "[*[1, 2]]"]),
        ("{1: 'a'}", ["{True: 'a'}", "{1.0: 'a'}", "{1: 'b'}", "{1: 'a', 2: 'b'}", "[(1, 'a')]", "dict([(1, 'a')])"]),
        ("{1, 2}", ["frozenset({1, 2})", "{True, 2}", "[1, 2]", "{1, 2, 3}", "{1: 2}"]),
        ("float('nan')", ["nan", "float('inf')", "None", "0.0", "'nan'", "float('nan') or 0"]),
        ("float('inf')", ["float('-inf')", "inf", "math.inf", "9" * 400, "1e308"]),
    ],
)
def test_other_values_are_wrong(result: str, others: list[str]) -> None:
    source = f"def f(n):\n    n += 1\n    return {result}"
    assert [earned(source, "3", f"assert f(3) == {text}") for text in others] == [0.0] * len(others)


def test_the_order_of_named_arguments_is_free_and_their_values_are_not() -> None:
    source = "def f(a, b=0, *, c=0):\n    a += b\n    return a"
    assert earned(source, "1, c=3, b=2", "assert f(1, b=2, c=3) == 3") == 2.0
    for call in ("f(1, 2, c=3)", "f(a=1, b=2, c=3)", "f(1, b=2)", "f(1, b=2, c=3, d=4)", "f(1, b=2.0, c=3)", "f(1, b=3, c=2)"):
        assert earned(source, "1, c=3, b=2", f"assert {call} == 3") == 0.0


@pytest.mark.parametrize(
    "form",
    [
        "{}",
        "{} and that is that",
        "{}\n<answer>",
        "<answer>\nassert f(3) == 9\n</answer>\nNo:\n{}",
        "\ufeff{}\ud800",
        "<answer>{}",
    ],
)
def test_text_around_the_answer(form: str) -> None:
    task = small_task(ONE, "3")
    assert ev.score(task, form.replace("{}", task.gold)).reward == 2.0


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n", "\n \t\n", "\n  ", "\n```\n"])
def test_lines_between_the_lines(end: str) -> None:
    task = small_task(ONE, "3")
    lines = [task.assertion, *(question.answers[0] for question in task.questions)]
    assert ev.score(task, f"<answer>{end}{end.join(lines)}{end}</answer>").reward == 2.0
    assert ev.score(task, f"<answer>```python\n{end.join(lines)}\n```</answer>").reward == 2.0


@pytest.mark.parametrize("kind", ["white_box", "input_prediction"])
@pytest.mark.parametrize("completion", [None, 5, b"<answer>assert f(3) == 4</answer>", [], {}, ["<answer>"]])
def test_what_is_not_text_is_no_answer(kind: str, completion: object) -> None:
    score = ev.score(small_task(ONE, "3", kind), completion)  # type: ignore[arg-type]
    assert score.reward == 0.0
    assert {part.verdict for part in score.parts} == {Verdict.MISSING}


def test_any_input_that_gives_the_result_is_right() -> None:
    task = small_task("def f(a, b):\n    a += b\n    return a", "1, 2", "input_prediction")
    for call in ("f(1, 2)", "f(2, 1)", "f(b=3, a=0)", "f(-1, 4)", "f( 0x3, 0 )"):
        assert ev.score(task, in_tags(f"assert {call} == 3")).reward == 2.0
    for call in ("f(1, 3)", "f(1)", "f(1, 2, 3)", "f(a=1, a=2)", "f('1', '2')", "f(1.0, 2)", "f(x, y)", "f(*[1, 2])", "g(1, 2)"):
        assert ev.score(task, in_tags(f"assert {call} == 3")).reward == 0.0


HEAD = "def f(s):\n    s = s[:2]\n    return s"


@pytest.mark.parametrize("kind", ["white_box", "input_prediction"])
@pytest.mark.parametrize(
    ("arguments", "assertion"),
    [
        ("'a',", "assert f('a',) == 'a'"),
        ("[1,\n2]", "assert f([1, 2]) == [1, 2]"),
        ("s=[1, # one\n2, 3]", "assert f(s=[1, 2, 3]) == [1, 2]"),
        ("'''a\nb'''", "assert f('a\\nb') == 'a\\n'"),
        ("'a'\r", "assert f('a') == 'a'"),
        ("'<answer'", "assert f('<answer') == '<a'"),
    ],
)
def test_gold_is_on_one_line_and_earns_everything(arguments: str, assertion: str, kind: str) -> None:
    task = small_task(HEAD, arguments, kind)
    assert task.assertion == assertion
    assert ev.score(task, task.gold).reward == 2.0


@pytest.mark.parametrize("kind", ["white_box", "input_prediction"])
@pytest.mark.parametrize(
    ("source", "arguments"),
    [
        (HEAD, "'<answer>'"),
        (HEAD, "'a</answer><answer>'"),
        (HEAD, "'</answer>\\n'"),
        ("def f():\n    return ['<' + 'answer>']", ""),
        ("def f():\n    return {'a': '</answer' + '>'}", ""),
    ],
)
def test_what_cannot_stand_in_an_answer_makes_no_task(source: str, arguments: str, kind: str) -> None:
    with pytest.raises(QuestionError, match="can stand in an answer"):
        small_task(source, arguments, kind)


@pytest.mark.parametrize("arguments", ["'a' # one", "'a'\\"])
def test_arguments_that_swallow_the_bracket_make_no_program(arguments: str) -> None:
    with pytest.raises(ProgramError, match="end in a comment or a backslash: leave it out"):
        small_task(HEAD, arguments)


# -------------------------------------------------------------------------------------------------------------- the lines

STATES = """
def f(n):
    text = 'a; b'
    pair = (n, -0.0)  # two
    words = {'x': {1, 2}, 'y': None}
    return text
"""


def state_right(variable: str, line: str) -> bool:
    """Whether a line answers the question about a variable that has a value."""
    task = small_task(STATES, "1")
    wanted = [i for i, question in enumerate(task.questions) if question.variable == variable and question.visit == 1]
    lines = ["?"] * len(task.questions)
    lines[wanted[0]] = line
    return ev.score(task, in_tags(task.assertion, *lines)).parts[1 + wanted[0]].right


@pytest.mark.parametrize(
    ("variable", "line"),
    [
        ("text", "'a; b'; str"),
        ("text", "'a; b';str"),
        ("text", '"a; b"  ;  str  '),
        ("text", "'a;' ' b'; str"),
        ("text", "('a\\x3b b'); str"),
        ("pair", "(1, -0.0); tuple"),
        ("pair", "(0x1, -0.,); tuple"),
        ("words", "{'x': {1, 2}, 'y': None}; dict"),
        ("words", "{'y': None, 'x': {2, 1}}; dict"),
        ("text", "'a; b'; str;"),
        ("text", "'a; b'; str ."),
        ("text", "`'a; b'; str`"),
        ("text", "\u200b'a; b'; str\xa0"),
    ],
)
def test_spellings_of_a_state(variable: str, line: str) -> None:
    assert state_right(variable, line)


@pytest.mark.parametrize(
    ("variable", "line"),
    [
        ("text", "'a; b'"),
        ("text", "a; b; str"),
        ("text", "'a; b'; Str"),
        ("text", "'a; b'; str;;"),
        ("text", "'a; b'; str.;"),
        ("text", "'a; b', str"),
        ("text", "'a; b'; str or 'c'; str"),
        ("text", "b'a; b'; str"),
        ("text", "b'a; b'; bytes"),
        ("text", "Nil"),
        ("text", "str('a; b'); str"),
        ("pair", "(1, 0.0); tuple"),
        ("pair", "[1, -0.0]; list"),
        ("pair", "[1, -0.0]; tuple"),
        ("pair", "1, -0.0, 2; tuple"),
        ("pair", "(n, -0.0); tuple"),
        ("words", "{'x': {1, 2}, 'y': 'None'}; dict"),
        ("words", "{'x': frozenset({1, 2}), 'y': None}; dict"),
        ("words", "{'x': {1, 2}, 'y': None}; set"),
    ],
)
def test_wrong_states(variable: str, line: str) -> None:
    assert not state_right(variable, line)


def test_a_statement_is_right_with_and_without_its_comment() -> None:
    task = small_task(STATES, "1")
    index, question = next((i, q) for i, q in enumerate(task.questions) if q.answers[0].startswith("pair"))
    for line, right in (
        ("pair = (n, -0.0)  # two", True),
        ("pair = (n, -0.0)", True),
        ("  pair = (n, -0.0) ", True),
        ("pair = (n, -0.0)  # three", False),
        ("pair = (n,-0.0)", False),
        ("4 | pair = (n, -0.0)", False),
        ("pair = (n, -0.0); words", False),
        ("-1", False),
    ):
        lines = ["?"] * index + [line]
        assert ev.score(task, in_tags(task.assertion, *lines)).parts[1 + index].right is right, question


def test_a_line_that_cannot_be_read_costs_itself_alone() -> None:
    task = small_task(STATES, "1")
    rights = [question.answers[0] for question in task.questions]
    for broken in ("(((", "'", "\x00", "\ud800", "9" * 50_000, "a; b; c", "</answer", "complex(" + "9" * 400 + ", 0); complex"):
        parts = ev.score(task, in_tags(task.assertion, broken, *rights[1:])).parts
        assert [part.right for part in parts] == [True, False, *[True] * (len(rights) - 1)]
