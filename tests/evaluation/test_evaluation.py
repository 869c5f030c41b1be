"""Benchmarks, styles, runs and their folders: gold scores 100 everywhere, nothing scores nothing, and what is told is true."""

import itertools
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from execverify.cli.app import execverify as command
from execverify.datasets.splits import Splits
from execverify.errors import EvaluationError, ModelError
from execverify.evaluation import all_benchmarks, benchmark, evaluate
from execverify.evaluation.answers import Answer, input_answer, output_answer
from execverify.evaluation.benchmark import Benchmark, Grade, Item, ItemResult
from execverify.evaluation.benchmarks.heldout import BENCHMARK as OWN
from execverify.evaluation.benchmarks.heldout import FIXED_SET
from execverify.evaluation.compare import compare
from execverify.evaluation.data import Source
from execverify.evaluation.heldout_set import held_out, is_held_out
from execverify.evaluation.program_features import program_features
from execverify.evaluation.reval.official_rule import is_state
from execverify.evaluation.run import Evaluation
from execverify.evaluation.run_dir import read_results
from execverify.models import BACKENDS, Generation, MockModel, Request, Sampling
from execverify.programs.constraints import Constraint, check
from execverify.programs.fingerprint import structure_hash
from execverify.programs.program import Program
from execverify.programs.values import Value
from execverify.questions.prompts import template_names
from execverify.questions.task import task
from execverify.reports.evaluation import results_markdown, write_run
from execverify.reports.evaluation_page import evaluation_page
from execverify.reports.run_summary import failure_reasons, run_summary
from execverify.tracing.trace import trace
from tests.helpers import reval_data
from tests.helpers.faulty_openai_server import misbehaving

pytestmark = pytest.mark.usefixtures("fixed_items")

CRUXEVAL = [
    {"id": "a", "code": "def f(x):\n    return x * 2", "input": "3", "output": "6"},
    {"id": "b", "code": "def f(s, n):\n    for i in range(n):\n        s += str(i)\n    return s", "input": "'', 3", "output": "'012'"},
    {"id": "c", "code": "def f(x):\n    return x == 'a==b'", "input": "'a==b'", "output": "True"},
    {"id": "d", "code": "def f(g):\n    return g(1)", "input": "lambda n: n + 1", "output": "2"},
    {"id": "e", "code": "def f(n):\n    return 1.5 if n < 1 else f(n - 1)", "input": "n=4", "output": "1.5"},
]  # fmt: skip

LCB = [
    {"code": "def solve(n: int) -> List[int]:\n    return [gcd(n, 4), n]", "function_name": "solve", "input": "solve(n = 6)",
     "output": "[2, 6]", "numsteps": 2},
    {"code": "def solve(a):\n    return Counter(a).most_common(1)", "function_name": "solve", "input": "solve([1, 1])",
     "output": "[(1, 2)]", "numsteps": 2},
    {"code": "from math import floor\ndef solve(a):\n    return prod(a) + floor(1.5)", "function_name": "solve", "input": "solve([2, 3])",
     "output": "7", "numsteps": 2},
]  # fmt: skip

NEEDS_DATA = {"cruxeval-o", "cruxeval-i", "livecodebench-execution", "reval"}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("data")
    found = {"reval": reval_data.write(folder)}
    for name, rows in (("cruxeval-o", CRUXEVAL), ("cruxeval-i", CRUXEVAL), ("livecodebench-execution", LCB)):
        found[name] = folder / f"{name}.jsonl"
        found[name].write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return found


NAMES = [name for name, bench in all_benchmarks().items() if not bench.about.needs_data or name in NEEDS_DATA]


# ----------------------------------------------------------------------------------------------- every benchmark alike


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("style", ["execverify", "direct", "cot"])
def test_gold_scores_100_everywhere(name: str, style: str, data: dict[str, Path]) -> None:
    found = evaluate(name, "mock:gold", data=data.get(name), style=style, limit=20, workers=2).results
    for verdict in ("official", "strict"):
        scores = [found[verdict], *found[verdict].get("by_task", {}).values()]
        assert [score["pass_at_1"] for score in scores] == [100.0] * len(scores), (verdict, found["item_grades"])
    assert (found["disagreements"]["count"], found["failures"]) == (0, {"not_generated": 0, "not_judged": 0})


@pytest.mark.parametrize("name", NAMES)
def test_nothing_scores_0_and_constants_score_their_floor(name: str, data: dict[str, Path]) -> None:
    bench = benchmark(name)
    nothing = evaluate(name, "mock:empty", data=data.get(name), limit=20, workers=2).results
    floors = nothing["baselines"]["answers"]
    unsaid = {"coverage": floors["NO"]["official"]["coverage"]} if name == "reval" else {}  # its authors take silence for NO
    scores = nothing["official"].get("by_task", {"all": nothing["official"]})
    assert {task: score["pass_at_1"] for task, score in scores.items()} == {**dict.fromkeys(scores, 0.0), **unsaid}
    assert nothing["strict"]["pass_at_1"] == 0.0
    assert list(floors) == list(bench.constants)
    for text in bench.constants[:2]:
        found = evaluate(name, f"mock:constant:{text}", data=data.get(name), limit=20, workers=2).results
        for verdict in ("official", "strict"):
            by_task = {task: score["pass_at_1"] for task, score in found[verdict].get("by_task", {}).items()}
            own = {task: score["percent"] for task, score in found[verdict].get("own_scores", {}).items()}
            assert {"all": found[verdict]["pass_at_1"], **by_task, **own} == floors[text][verdict], (text, verdict)
    best = nothing["baselines"]["best"]["official"]["all"]
    assert best["pass_at_1"] == max(both["official"]["all"] for both in floors.values())


@pytest.mark.parametrize("name", sorted(all_benchmarks()))
def test_every_benchmark_says_what_it_is(name: str) -> None:
    about = benchmark(name).about
    assert about.name == name
    assert all((about.description, about.size, about.licence, about.source_url, about.official, about.strict))
    assert about.needs_data or benchmark(name).items(Source())


@pytest.mark.parametrize("name", sorted(NEEDS_DATA))
def test_rows_that_are_no_rows(name: str, tmp_path: Path) -> None:
    for text, told in (('{"no": 1}\n', "has no"), ("", "no"), ("{", "is not JSON"), ("[1]", "not a JSON object")):
        path = tmp_path / "DREval_data.jsonl" if name == "reval" else tmp_path / "data.jsonl"
        path.write_text(text, encoding="utf-8")
        (tmp_path / "DREval_tasks.jsonl").write_text(text, encoding="utf-8")
        with pytest.raises(EvaluationError, match=told) as error:
            benchmark(name).items(Source(path))
        assert "\n" not in str(error.value)
    with pytest.raises(EvaluationError, match="no such file"):
        benchmark(name).items(Source(tmp_path / "nowhere" / "data.jsonl"))


@pytest.mark.parametrize("name", ["cruxeval-o", "cruxeval-i", "livecodebench-execution"])
def test_data_come_from_the_hub_by_their_public_name(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    asked = []

    def load_dataset(repository: str, *, split: str) -> list[dict[str, Any]]:
        asked.append((repository, split))
        return LCB if name == "livecodebench-execution" else CRUXEVAL

    def unreachable(repository: str, *, split: str) -> list[dict[str, Any]]:
        raise ConnectionError("no route\nto the hub")

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    assert len(benchmark(name).items(Source())) in (3, 5)
    assert asked == [benchmark(name).about.hub]
    monkeypatch.setattr(datasets, "load_dataset", unreachable)
    with pytest.raises(EvaluationError, match=r"no route to the hub.*give --data FILE; the data come from"):
        benchmark(name).items(Source())
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(EvaluationError, match=r"give --data FILE.*or pip install 'execverify\[evaluate\]'"):
        benchmark(name).items(Source())


# --------------------------------------------------------------------------------------------------------- extraction


@pytest.mark.parametrize(
    ("completion", "style", "official", "strict"),
    [
        ("<answer>\nassert f(3) == [6]\n</answer>", "execverify", "[6]", "[6]"),
        ("<answer>assert f(1) == 2</answer> no: <answer>assert f( 3 ) == 'a==b'</answer>", "execverify", "'a==b'", "'a==b'"),
        ("<answer>```python\nassert f(3) == 6\n```</answer>", "execverify", "6", "6"),
        ("<answer>6</answer>", "execverify", "6", "6"),
        ("<answer>assert f(4) == 6</answer>", "execverify", "6", None),
        ("<answer>assert f(3) == 6 or True</answer>", "execverify", "6 or True", None),
        ("<answer>assert f(3) == 6, 'x'</answer>", "execverify", "6, 'x'", None),
        ("assert f(3) == 6", "execverify", None, None),
        ("<answer>assert f(3) == 6", "execverify", None, None),
        ("[ANSWER]\nassert f(3) == 6\n[/ANSWER] and more == 7", "direct", "6", "6"),
        ("assert f(3) == 6\n[/ANSWER]", "direct", "6", "6"),
        ("assert f(3) == 6\n[/ANSWER]\n[PYTHON]\n...\n[ANSWER]\nassert f(9) == 81\n[/ANSWER]", "direct", "6", "6"),  # not stopped
        ("so [ANSWER]assert f(3) == 6[/ANSWER]\n[ANSWER]assert f(3) == 7[/ANSWER]", "cot", "6", "6"),
        ("assert f(3) == 6\nas 3 is doubled", "direct", "6\nas 3 is doubled", None),  # CRUXEval's authors do not cut there
        ("6", "cot", "6", "6"),
        ("so [ANSWER] assert f(3) == 'a==b' [/ANSWER]", "cot", "'a==b'", "'a==b'"),
        ("so [ANSWER] it is == 6 == 7 [/ANSWER]", "cot", "6", None),  # the authors cut at ==
        ("[ANSWER]assert f(3) is 6[/ANSWER]", "cot", "assert f(3) is 6", None),
        (" 6 ", "bare", " 6 ", " 6 "),
        ("assert f(3) == 6", "bare", "assert f(3) == 6", "assert f(3) == 6"),
    ],
)
def test_outputs_are_taken_out(completion: str, style: str, official: str | None, strict: str | None) -> None:
    answer = output_answer(completion, style, "f(3)")
    assert (answer.official, answer.strict) == (official, strict)
    assert (answer.why == "") == (strict is not None)


@pytest.mark.parametrize(
    ("completion", "style", "official", "strict"),
    [
        ("<answer>assert f('==', 1) == 6</answer>", "execverify", "f('==', 1)", "f('==', 1)"),
        ("[ANSWER]assert f(3) == 6[/ANSWER]", "direct", "f(3)", "f(3)"),
        ("[ANSWER]assert f('==') == 6[/ANSWER]", "cot", "f('==')", "f('==')"),
        ("[ANSWER]assert f(3) == 0x6[/ANSWER]", "cot", "f(3)", "f(3)"),
        ("[ANSWER]assert f(3) == 12[/ANSWER]", "direct", "f(3)", None),  # an assertion about another result
        ("[ANSWER]assert f(3) == 6.0[/ANSWER]", "direct", "f(3)", None),
        ("[ANSWER]assert f(3) == ??[/ANSWER]", "direct", "f(3)", None),
        ("[ANSWER]assert f(3) is fine == 6[/ANSWER]", "direct", "f(3) is fine", None),
        ("f(3)", "cot", "f(3)", "f(3)"),
        ("<answer>pass</answer>", "execverify", "pass", None),
    ],
)
def test_inputs_are_taken_out(completion: str, style: str, official: str | None, strict: str | None) -> None:
    answer = input_answer(completion, style, "6")
    assert (answer.official, answer.strict) == (official, strict)


# --------------------------------------------------------------------------------------------------- the two verdicts


def judged(name: str, data: Path, id: str, *answers: str) -> list[tuple[bool | None, bool | None, bool]]:
    bench = benchmark(name)
    item = next(item for item in bench.items(Source(data)) if item.id == id)
    marks = bench.judge([(item, Answer(text, text)) for text in answers], 2)
    return [(mark.official, mark.strict, mark.included) for (mark,) in marks]


def test_outputs_by_letter_and_strictly(data: dict[str, Path]) -> None:
    given = ("6", "6.0", "6 or True", "f( 3)", "f(3)", "7", "3 + 3", "")
    assert judged("cruxeval-o", data["cruxeval-o"], "a", *given) == [
        (True, True, True),
        (True, False, True),
        (True, False, True),
        (True, False, True),
        (False, False, False),  # it repeats the call: left out
        (False, False, True),
        (True, False, True),
        (False, False, True),
    ]
    assert judged("cruxeval-o", data["cruxeval-o"], "c", "1", "True") == [(True, False, True), (True, True, True)]


def test_inputs_by_letter_and_strictly(data: dict[str, Path]) -> None:
    given = ("f(3)", "f(x=3)", "f(3.0)", "f(4)", "f()", "f(2 + 1)", "f(3) or True", "g(3)", "3", "f(3), 1", "f('abc')")
    assert judged("cruxeval-i", data["cruxeval-i"], "a", *given) == [
        (True, True, True),
        (True, True, True),
        (True, False, True),  # it gives 6.0
        (False, False, True),
        (False, False, True),
        (True, False, True),
        (True, False, True),
        (False, False, False),  # no `f(` in it
        (False, False, False),
        (True, False, True),
        (False, False, True),
    ]
    assert judged("cruxeval-i", data["cruxeval-i"], "d", "f(lambda n:n + 1)", "f(lambda n: 2)") == [
        (True, True, True),  # the data's own
        (True, False, True),
    ]


def test_samples_that_are_left_out_are_as_if_they_had_not_been_drawn(data: dict[str, Path]) -> None:
    def ask(conversations: Sequence[Any]) -> list[list[str]]:
        return [["f(3)", "f(3)", "6", "7"] for _ in conversations]

    found = evaluate("cruxeval-o", ask, data=data["cruxeval-o"], style="bare", sampling=Sampling(n=4), limit=1).results
    assert found["official"]["pass_at_1"] == 50.0, "one of the two that count"
    assert found["strict"]["pass_at_1"] == 25.0
    assert found["item_grades"][0]["official"] == ["xx10"]


def test_lcb_exec_has_the_usual_names(data: dict[str, Path]) -> None:
    assert judged("livecodebench-execution", data["livecodebench-execution"], "0", "[2, 6]", "(2, 6)", "solve(n = 6)") == [
        (True, True, True), (False, False, True), (False, False, False),
    ]  # fmt: skip


# --------------------------------------------------------------------------------------------------------------- reval


def test_lcb_exec_takes_one_line_where_the_end_is_not_marked(data: dict[str, Path]) -> None:
    bench = benchmark("livecodebench-execution")
    item = bench.items(Source(data["livecodebench-execution"]))[0]
    answers = [
        bench.extract(item, f"assert solve(n = 6) == [2, 6]{more}", "direct") for more in ("\nas it is", "\nas it is[/ANSWER]")
    ]
    assert [(mark.official, mark.strict) for (mark,) in bench.judge([(item, each) for each in answers], 1)] == [
        (True, False), (False, False),
    ]  # fmt: skip


def test_reval_s_truth_is_what_happens(tmp_path: Path) -> None:
    items = {item.id: item for item in benchmark("reval").items(Source(reval_data.write(tmp_path)))}
    assert len(items) == 3 * len(reval_data.TRUTH) + 5
    bench = benchmark("reval")
    for probe, (coverage, paths, states) in reval_data.TRUTH.items():
        for asked, answers in (("coverage", {coverage}), ("path", paths), ("state", states)):
            item = items[f"{probe}/{asked}"]
            for text in answers:
                ((mark,),) = bench.judge([(item, Answer(text, text))], 1)
                assert mark.official, (item.id, text, mark.why)
            for text in {"YES", "NO", "-1", "Nil", "0; int", "else:"} - answers:
                ((mark,),) = bench.judge([(item, Answer(text, text))], 1)
                unsaid = asked == "coverage" and coverage == "NO" and text != "YES"  # all that is not YES is NO to the authors
                assert mark.official is unsaid and not mark.strict and mark.why, (item.id, text)


def test_reval_s_items_read_well(tmp_path: Path) -> None:
    for item in benchmark("reval").items(Source(reval_data.write(tmp_path))):
        assert "`" not in item.call and item.slices["tested"] in ("function", "class")
        assert not {"kind", "level", "steps", "completion"} & item.slices.keys(), "pages show these already"


def test_reval_s_floats_have_a_tolerance_by_letter_alone(tmp_path: Path) -> None:
    items = {item.id: item for item in benchmark("reval").items(Source(reval_data.write(tmp_path)))}
    given = ["0.3333333333333333; float", "0.3333334; float", "0.3334; float", "0.3333333333333333; str", "0.3333333333333333"]
    marks = benchmark("reval").judge([(items["T/1/0/4/first/state"], Answer(text, text)) for text in given], 1)
    found = [(mark.official, mark.strict) for (mark,) in marks]
    assert found == [(True, True), (True, False), (False, False), (False, False), (False, False)]


@pytest.mark.parametrize(
    ("probe", "task", "text", "official", "strict"),
    [
        ("T/0/0/4/total", "coverage", "Yes, it is executed.", True, False),
        ("T/0/0/4/total", "coverage", "It is: YES", False, False),
        ("T/0/0/6/total", "coverage", "It is not executed.", True, False),
        ("T/0/0/4/total", "path", "while total < limit:\nbecause the loop goes on", True, False),
        ("T/0/0/4/total", "path", "-1", False, False),
        ("T/0/0/6/total", "state", "nil", True, False),
        ("T/0/0/6/total", "state", "[Nil]", True, False),
        ("T/0/0/4/total", "state", "Nil; NoneType", False, False),
        ("T/0/0/4/total", "state", "4; <class 'int'>", True, False),
        ("T/0/0/4/total", "state", "4; Integer", True, False),
        ("T/0/0/4/total", "state", "4.0; int", False, False),
        ("T/0/0/4/total", "state", "4; float", False, False),
        ("T/0/0/4/total", "state", "True; int", False, False),
        ("T/2/0/7/self.seen", "state", "{'a': 2}; dict[str, int]", True, False),
        ("T/2/0/7/self.seen", "state", "{\u2018a\u2019: 2}; dict", True, False),
        ("T/1/0/4/first", "state", "0.3333340; float", True, False),
        ("T/1/0/4/first", "state", "0.3333350; float", False, False),
    ],
)
def test_reval_s_authors_read_answers_their_way(
    probe: str, task: str, text: str, official: bool, strict: bool, tmp_path: Path
) -> None:
    items = {item.id: item for item in benchmark("reval").items(Source(reval_data.write(tmp_path)))}
    ((mark,),) = benchmark("reval").judge([(items[f"{probe}/{task}"], Answer(text, text))], 1)
    assert (mark.official, mark.strict) == (official, strict), mark.why


def test_reval_s_floats_within_other_values_have_no_tolerance() -> None:
    values = (Value("list", "[0.5]"), Value("float", "1000000.0"))
    assert is_state(([0.5], "list"), values) and not is_state(([0.5000001], "list"), values)
    assert is_state((1000000.0000001, "float"), values) and not is_state((1000000.1, "float"), values)


def test_reval_s_outputs_are_run(tmp_path: Path) -> None:
    items = {item.id: item for item in benchmark("reval").items(Source(reval_data.write(tmp_path)))}
    given = {
        "T/0/0/output": [
            ("assert count(4, 2) == 4", True, True),
            ("assert count(4, 2) == 2 + 2", True, False),
            ("assert count(4, 2) == 4.0", True, False),
            ("assert count(4, 2) == 5", False, False),
            ("assert True", False, False),
            ("assert True == (count(4, 2) == 4)", False, False),  # by its beginning, to the letter
            ("assert count(4, 2) == 4 or 1", True, False),
            ("4", False, False),
            ("x = 4", False, False),
        ],
        "T/2/0/output": [
            ("self.words.add('a')\nself.words.add('a')\nassertEqual(self.words.add('b'), 1)", True, True),
            ("self.words.add('a')\nself.words.add('a')\nassertEqual(self.words.add('b'), 2)", False, False),
            ("self.words.add('a')\nself.words.add('a')\nassertEqual(self.words.add('b'), True)", True, False),
            ("assertEqual(self.words.add('b'), 1)", True, False),  # the lines before it are put there
            ("assertEqual(self.words.add('a'), 3)", True, False),
            ("self.assertEqual(self.words.add('b'), 1)", False, False),  # `self.self.`, to the letter
            ("assertTrue(True)", False, False),
            ("assertEqual(1, 1)", True, False),
        ],
        "T/2/1/output": [
            ("assertEqual(self.words.add('z'), 2)\nassertIn('z', self.words.seen)", True, True),
            ("assertEqual(self.words.add('z'), 2)\nassertIn('z', {'z': 2})", True, True),
            ("assertEqual(self.words.add('z'), 1)\nassertIn('z', {'z': 2})", False, False),  # another class's setUp
            ("assertEqual(self.words.add('z'), 2)\nassertIn('z', {})", False, False),
            ("assertIn('z', self.words.seen)", False, False),  # fewer assertions than asked for
        ],
    }
    for id, cases in given.items():
        marks = benchmark("reval").judge([(items[id], Answer(text, text)) for text, *_ in cases], 2)
        assert [(mark.official, mark.strict) for (mark,) in marks] == [(official, strict) for _, official, strict in cases]


@pytest.mark.parametrize(
    ("wrong", "consistency"),
    [
        (set(), 100.0),
        ({"output"}, 50.0),
        ({"path", "output"}, 25.0),
        ({"state", "path", "output"}, 12.5),
        ({"coverage", "state", "path", "output"}, 0.0),
        ({"path"}, 0.0),
        ({"state", "output"}, 0.0),
        ({"state"}, 0.0),  # right after wrong: not consistent
    ],
)
def test_reval_s_consistency(wrong: set[str], consistency: float, tmp_path: Path) -> None:
    bench = benchmark("reval")

    class Partly(type(bench)):  # type: ignore[misc]
        def gold(self, item: Item) -> str:
            right = str(super().gold(item))
            return {"YES": "NO", "NO": "YES"}.get(right, "maybe") if item.reference.task in wrong else right

    found = evaluate(Partly(), "mock:gold", data=reval_data.write(tmp_path)).results
    assert found["extra_metrics"]["consistency"] == {"official": consistency, "strict": consistency}
    assert found["extra_metrics"]["left_out"] == {}
    own = found["strict"]["own_scores"]["consistency"]
    assert (own["percent"], own["count"]) == (consistency, len(reval_data.TRUTH)) and "programs" in own["interval_method"]
    assert found["extra_metric_units"] == {"left_out": "question"}


def test_reval_s_consistency_has_an_interval_over_programs(tmp_path: Path) -> None:
    bench = benchmark("reval")

    class Forgetful(type(bench)):  # type: ignore[misc]
        """Knows no output of the class, and nothing of one probe of `count`."""

        def gold(self, item: Item) -> str:
            right = str(super().gold(item))
            forgets = item.id.startswith("T/0/0/6/") or (item.id.startswith("T/2") and item.reference.task == "output")
            return {"YES": "NO", "NO": "YES"}.get(right, "maybe") if forgets else right

    found = evaluate(Forgetful(), "mock:gold", data=reval_data.write(tmp_path)).results
    own = found["strict"]["own_scores"]["consistency"]
    programs = [[1.0, 0.0, 1.0, 1.0], [1.0, 1.0], [0.5] * 5]  # of T/0, T/1, T/2
    assert own["percent"] == round(100 * 7.5 / 11, 4)
    means = sorted(
        sum(map(sum, drawn)) / sum(map(len, drawn)) for drawn in itertools.product(programs, repeat=3)
    )  # every draw of three programs
    assert own["interval"] == [round(100 * means[0], 2), round(100 * means[-1], 2)] == [50.0, 100.0]
    assert own["interval_method"] == "bootstrap over programs (2000 resamples)"


class Counting:
    """Counts the programs that run for the truth, and keeps the reports of progress."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from execverify.evaluation.reval import ground_truth

        self.ran: list[str] = []
        self.told: list[tuple[str, int, int]] = []

        def counting(name: str) -> Any:
            function = getattr(ground_truth, name)

            def counted(items: Sequence[Any], *more: Any, **how: Any) -> Any:
                self.ran += [name] * len(items)
                return function(items, *more, **how)

            return counted

        for name in ("watch_many", "record_many", "outputs_held"):
            monkeypatch.setattr(ground_truth, name, counting(name))

    def progress(self, what: str, done: int, total: int) -> None:
        self.told.append((what, done, total))


def test_a_limit_runs_only_the_programs_of_its_items(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = reval_data.write(tmp_path)
    whole = benchmark("reval").items(Source(data))
    for limit, runs in ((1, 1), (10, 1), (11, 2), (14, 2), (15, 3), (21, 3), (22, 4), (38, 5), (1_000, 5)):
        counting = Counting(monkeypatch)
        some = benchmark("reval").items(Source(data, limit=limit, progress=counting.progress))
        monkeypatch.undo()
        assert [(item.id, item.expected) for item in some] == [(item.id, item.expected) for item in whole[:limit]]
        assert Counter(counting.ran) == {"watch_many": 2 * runs, "record_many": runs, "outputs_held": runs}, limit
        assert [told for told in counting.told if told[0] == "running programs"][-1][1:] == (runs, runs)


@pytest.mark.parametrize(
    "name", ["cruxeval-o", "cruxeval-i", "livecodebench-execution", "library-io", "heldout", "heldout-chains", "reval"]
)
def test_no_more_items_are_made_than_the_limit_asks_for(name: str, data: dict[str, Path]) -> None:
    whole, some = (benchmark(name).items(Source(data.get(name), workers=2, limit=limit)) for limit in (None, 2))
    assert len(some) == 2 and [(item.id, item.expected) for item in some] == [(item.id, item.expected) for item in whole[:2]]


@pytest.mark.parametrize(
    ("limit", "level", "kept"),
    [(10, "WARNING", "10 items about 1 program"), (15, "WARNING", "15 items about 2 programs"), (1, "", "1 item")],
)
def test_a_limit_that_keeps_few_programs_says_so(
    limit: int, level: str, kept: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Items of REval share programs: 10 of one, then 11 of a class with two tests."""
    data = reval_data.write(tmp_path)
    with caplog.at_level("INFO", "execverify"):
        results = evaluate("reval", "mock:gold", data=data, limit=limit).results
    said = [(one.levelname, one.getMessage()) for one in caplog.records if " keeps " in one.getMessage()]
    few = "intervals are over programs and mean little for so few: raise the limit"
    assert said == ([(level, f"reval: limit {limit} keeps {kept}; {few}")] if level else [])
    assert run_summary(results).startswith(f"{kept}, the first {limit}, ")


def test_a_limit_that_keeps_many_programs_is_no_warning(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("execverify.evaluation.run._FEW_PROGRAMS", 2)
    with caplog.at_level("INFO", "execverify"):
        evaluate("reval", "mock:gold", data=reval_data.write(tmp_path), limit=15)
        evaluate("heldout", "mock:gold", limit=3)  # an item a program: nothing to say
    said = [(one.levelname, one.getMessage()) for one in caplog.records if " keeps " in one.getMessage()]
    assert said == [("INFO", "reval: limit 15 keeps 15 items about 2 programs")]


def test_a_limit_goes_on_where_runs_are_left_out(tmp_path: Path) -> None:
    code = "import no_such_module\n" + reval_data.COUNT
    data = reval_data.write(tmp_path, [{**reval_data.DATA[0], "code": code}, *reval_data.DATA[1:]])
    whole = [item.id for item in benchmark("reval").items(Source(data))]
    assert not any(id.startswith("T/0") for id in whole)
    for limit in (1, 7, 8, 20, 100):
        found = evaluate("reval", "mock:gold", data=data, limit=limit).results
        assert [row["id"] for row in found["item_grades"]] == whole[:limit]
        (why,) = (why for why in found["extra_metrics"]["left_out"] if "no_such_module" in why)
        assert found["extra_metrics"]["left_out"][why] == 14, "4 probes of three questions, and 2 outputs"


def test_every_run_reports_its_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counting = Counting(monkeypatch)
    evaluate("reval", "mock:gold", data=reval_data.write(tmp_path), progress=counting.progress)
    phases = list(dict.fromkeys(what for what, *_ in counting.told))
    assert phases[:4] == ["reading programs", "running programs", "checking the data's outputs", "asking"]
    assert [told[1:] for told in counting.told if told[0] == "running programs"] == [(done, 5) for done in range(1, 6)]
    assert next(told[1:] for told in counting.told if told[0] == "asking") == (0, 38)


def test_failures_are_told_with_their_reasons(tmp_path: Path, data: dict[str, Path]) -> None:
    recorded = tmp_path / "g.jsonl"
    errors = [
        "HTTP 500: worker 17 died",
        "HTTP 500: worker 3 died",
        "the prompt\nhas 900 tokens",
        "HTTP 500: worker 4 died",
        None,
    ]
    lines = [
        {"id": row["id"], "completions": [] if error else ["<answer>0</answer>"], **({"error": error} if error else {})}
        for row, error in zip(CRUXEVAL, errors, strict=True)
    ]
    recorded.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    found = evaluate("cruxeval-o", f"replay:{recorded}", data=data["cruxeval-o"], style="execverify").results
    assert found["failure_reasons"] == [
        {"reason": "HTTP 500: worker 17 died", "count": 3},
        {"reason": "the prompt has 900 tokens", "count": 1},
    ]
    done = cli("evaluate", "cruxeval-o", "--data", data["cruxeval-o"], "--model", f"replay:{recorded}")
    told = " ".join(done.stderr.split())
    assert done.exit_code == 3 and "4 items not generated" in told
    assert 'first reason: "HTTP 500: worker 17 died"; 2 kinds: "HTTP 500: worker 17 died" (3 times)' in told
    assert told.endswith('"the prompt has 900 tokens" (1 time)')
    lines[2] = {"id": lines[2]["id"], "completions": [], "error": "HTTP 500: worker 99 died, " + "x" * 500}
    one_kind = [*lines[:2], {**lines[2], "error": "HTTP 500: worker 99 died"}, *lines[3:]]
    recorded.write_text("".join(json.dumps(line) + "\n" for line in one_kind), encoding="utf-8")
    told = " ".join(cli("evaluate", "cruxeval-o", "--data", data["cruxeval-o"], "--model", f"replay:{recorded}").stderr.split())
    assert told.endswith('first reason: "HTTP 500: worker 17 died"')
    skipped = "not sent: too many requests in a row had failed"
    lines[0]["error"] = skipped
    recorded.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    found = evaluate("cruxeval-o", f"replay:{recorded}", data=data["cruxeval-o"], style="execverify").results
    assert [len(kind["reason"]) for kind in found["failure_reasons"]] == [len("HTTP 500: worker 3 died"), 200, len(skipped)]
    assert 'most frequent of 3 kinds: "HTTP 500: worker 3 died" (2 times), "' in failure_reasons(found)


INNER = "def inner(n):\n    m = n * 2\n    return m\n\n\ndef outer(n):\n    a = inner(n)\n    return a\n"


def changed(**changes: Any) -> list[dict[str, Any]]:
    """The data with another row of the class."""
    return [*reval_data.DATA[:2], {**reval_data.DATA[2], **changes}]


def test_reval_s_official_truth_is_the_authors_and_strict_ours(tmp_path: Path) -> None:
    row = {"task_id": "T/0", "entry_point": "outer", "code": INNER, "inputs": ["(2,)"], "outputs": ["4"], "test": None}
    probes = [{"lineno": 3, "var": "m"}, {"lineno": 2, "var": "m"}]
    tasks = [{"task_id": "T/0", "idx": 0, "tasks": [{"input_idx": 0, "task": probes, "output_pred": "assert outer(2) == ??"}]}]
    data = reval_data.write(tmp_path, [row], tasks)
    items = {item.id: item for item in benchmark("reval").items(Source(data))}
    # Their tracer reads the state after line 3 where it next sees a line: in the frame that was gone back to.
    for text, official, strict in (("4; int", False, True), ("Nil", True, False)):
        ((mark,),) = benchmark("reval").judge([(items["T/0/0/3/m/state"], Answer(text, text))], 1)
        assert (mark.official, mark.strict) == (official, strict)
    found = evaluate("reval", "mock:gold", data=data).results
    assert found["strict"]["pass_at_1"] == 100.0
    assert found["extra_metrics"]["official_score_of_right_answers"] == {"coverage": 100.0, "path": 100.0, "state": 50.0}
    assert found["official"]["by_task"]["state"]["pass_at_1"] == 50.0


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"inputs": [reval_data.ADD.replace(", 1)", ", 7)"), reval_data.SEEN]}, "raised AssertionError"),
        ({"inputs": [reval_data.ADD.replace("self.words.add('b')", "nobody"), reval_data.SEEN]}, "raised NameError"),
        ({"test": reval_data.WORDS_TEST.replace("Words()", "Word()", 1)}, "raised NameError"),
        ({"test": reval_data.WORDS_TEST.replace("WordsTestAdd", "WordTestAdd"), "inputs": [reval_data.SEEN, reval_data.ADD]},
         "the test has no class for this input"),
        ({"inputs": ["if self.words:\nassertTrue(1)\n", reval_data.SEEN]}, "not Python"),
        ({"code": "import no_such_module\n" + reval_data.WORDS}, "it needs no_such_module: install it"),
        ({"code": reval_data.WORDS.replace("{}", "dict.fromkeys({'p', 'q', 'r', 's', 't'}, 0)")}, "it varies"),
    ],
)  # fmt: skip
def test_a_run_of_reval_s_that_tells_no_truth_is_left_out(change: dict[str, Any], why: str, tmp_path: Path) -> None:
    data = reval_data.write(tmp_path, changed(**change))
    found = evaluate("reval", "mock:gold", data=data).results
    left = found["extra_metrics"]["left_out"]
    assert any(reason.startswith("the run: ") and why in reason for reason in left), left
    assert not any(row["id"].startswith("T/2/0/" if "class" not in why else "T/2/1/") for row in found["item_grades"])
    assert found["strict"]["pass_at_1"] == 100.0


def test_reval_runs_with_installed_modules_that_are_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "home" / "pocket").mkdir(parents=True)
    (tmp_path / "home" / "pocket" / "__init__.py").write_text("def new():\n    return {}\n")
    monkeypatch.syspath_prepend(tmp_path / "home")
    code = "import pocket\n" + reval_data.WORDS.replace("{}", "pocket.new()")
    tasks = [
        {**entry, "tasks": [{**one, "task": [{**probe, "lineno": probe["lineno"] + 1} for probe in one["task"]]} for one in entry["tasks"]]}
        if entry["task_id"] == "T/2" else entry for entry in reval_data.TASKS
    ]  # fmt: skip
    data = reval_data.write(tmp_path, changed(code=code), tasks)
    without = evaluate("reval", "mock:gold", data=data).results
    assert without["extra_metrics"]["left_out"] == {
        "the run: it needs pocket: install it, and allow it by --allow-imports pocket": 17
    }
    found = evaluate("reval", "mock:gold", data=data, imports=["pocket"]).results
    assert (found["extra_metrics"]["left_out"], found["imports"]) == ({}, ["pocket"])
    assert (found["items"], found["official"]["pass_at_1"], found["strict"]["pass_at_1"]) == (38, 100.0, 100.0)


# ----------------------------------------------------------------------------------------------------------------- own


def own_programs() -> list[dict[str, Any]]:
    return [json.loads(line) for line in FIXED_SET.read_text(encoding="utf-8").splitlines()]


def test_no_training_row_can_have_a_program_of_own() -> None:
    rows = own_programs()
    assert len(rows) == 300
    programs = [Program(row["source"], row["entry_point"], row["arguments"]) for row in rows]
    assert {Splits().of(str(structure_hash(program))) for program in programs} == {"test"}
    assert len({structure_hash(program) for program in programs}) == 300
    for row, program in zip(rows, programs, strict=True):
        assert check(program, Constraint.parse(row["constraint"])) is None
    assert {level: sum(row["level"] == level for row in rows) for level in range(1, 7)} == dict.fromkeys(range(1, 7), 50)


def test_more_held_out_programs_can_be_made() -> None:
    def first(seed: int) -> list[str]:
        made: Iterator[Any] = held_out(2, seed)
        return [next(made).line() for _ in range(2)]

    assert first(5) == first(5) != first(6)
    for line in first(5):
        row = json.loads(line)
        assert is_held_out(structure_hash(Program(row["source"], row["entry_point"], row["arguments"])))


@pytest.mark.parametrize("template", template_names())
def test_own_asks_as_a_row_was_made(template: str) -> None:
    given = Program("def f(n):\n    m = n + 1\n    return m", arguments="3")
    made = task(trace(given), kind="white_box", limit=2, template=template)
    item = Item(made.id, ("output",), (), given.source, given.one_line_call, {}, {}, made)
    assert OWN.answer_format(template) == "execverify"
    assert OWN.messages(item, template)[-1] == made.prompt[-1]


def test_own_tells_kinds_levels_and_rewards() -> None:
    found = evaluate("heldout", "mock:constant:-1", limit=100, workers=2).results
    assert set(found["official"]["by_task"]) == {"output", "input", "next_statement", "variable_state"}
    assert found["official"]["by_task"]["next_statement"]["pass_at_1"] > 3
    assert {row["value"] for row in found["slices"] if row["property"] == "level"} == set("123456")
    assert set(found["extra_metrics"]["reward_by_level"]["white_box"]) == set("123456")
    gold = evaluate("heldout", "mock:gold", limit=30).results
    assert gold["extra_metrics"]["reward"] == {"white_box": 100.0, "input_prediction": 100.0}


# ----------------------------------------------------------------------------------------------- models, runs, folders


class Flaky:
    """Fails at some requests the first time that it is asked."""

    name = "flaky"
    settings: dict[str, Any] = {"engine": "test"}

    def __init__(self) -> None:
        self.asked: list[str] = []

    def generate(self, requests: Sequence[Request], sampling: Sampling) -> Iterator[Generation]:
        first = not self.asked
        for request in requests:
            self.asked.append(request.id)
            if first and request.id in ("b", "d"):
                yield Generation(request.id, (), "the server was gone")
            else:
                yield Generation(request.id, ("<answer>assert f(3) == 6</answer>",) * sampling.n)

    def close(self) -> None:
        pass


def test_our_failures_are_no_wrong_answers_and_a_run_goes_on(data: dict[str, Path], tmp_path: Path) -> None:
    model = Flaky()
    run = tmp_path / "run"
    found = evaluate("cruxeval-o", model, data=data["cruxeval-o"], out=run).results
    assert found["failures"] == {"not_generated": 2, "not_judged": 0}
    assert found["official"]["parts"] == 3
    assert found["official"]["pass_at_1"] == round(100 / 3, 4)
    assert [row.get("error") for row in found["item_grades"]][1] == "the server was gone"
    again = evaluate("cruxeval-o", model, data=data["cruxeval-o"], out=run).results
    assert model.asked == ["a", "b", "c", "d", "e", "b", "d"], "only what was missing is asked again"
    assert (again["failures"]["not_generated"], again["official"]["parts"]) == (0, 5)
    with pytest.raises(ModelError, match="another run"):
        evaluate("cruxeval-o", model, data=data["cruxeval-o"], out=run, sampling=Sampling(temperature=1.0))
    scored = evaluate("cruxeval-o", f"replay:{run / 'generations.jsonl'}", data=data["cruxeval-o"]).results
    assert [row["official"] for row in scored["item_grades"]] == [row["official"] for row in again["item_grades"]]


def test_where_nothing_could_be_judged_there_is_no_score(data: dict[str, Path]) -> None:
    def ask(conversations: Sequence[Any]) -> list[list[str]]:
        return [[] for _ in conversations]

    found = evaluate("cruxeval-o", ask, data=data["cruxeval-o"]).results
    assert (found["official"]["pass_at_1"], found["official"]["interval"]) == (None, None)
    assert found["failures"]["not_generated"] == len(CRUXEVAL)


def test_a_function_is_asked_in_a_training_run(data: dict[str, Path]) -> None:
    seen: list[str] = []

    def ask(conversations: Sequence[Any]) -> list[str]:
        seen.extend(messages[-1]["content"] for messages in conversations)
        return ["<answer>assert f(3) == 6</answer>"] * len(conversations)

    found = evaluate("cruxeval-o", ask, data=data["cruxeval-o"])
    assert found.results["official"]["pass_at_1"] == 20.0
    assert len(seen) == 5 and "assert f(3) == ??" in seen[0] and "<reasoning>" in seen[0]
    assert all("6" not in text.split("assert f")[1].split("Think")[0] for text in seen[:1]), "the prompt does not tell the output"
    before = len(seen)
    again = evaluate("cruxeval-o", ask, data=data["cruxeval-o"]).results
    assert (again, len(seen)) == (found.results, 2 * before)
    with pytest.raises(EvaluationError, match="one for each"):
        evaluate("cruxeval-o", lambda conversations: ["x"], data=data["cruxeval-o"])


def test_ids_that_come_twice_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "twice.jsonl"
    file.write_text("".join(json.dumps({**row, "id": "a"}) + "\n" for row in CRUXEVAL[:2]), encoding="utf-8")
    with pytest.raises(EvaluationError, match=r"twice.jsonl has 1 ids more than once, such as a"):
        evaluate("cruxeval-o", lambda conversations: ["6"] * len(conversations), data=file)


def test_an_item_with_too_few_samples_counts_neither_way(data: dict[str, Path], tmp_path: Path) -> None:
    recorded = tmp_path / "g.jsonl"
    lines = [{"id": row["id"], "completions": [f"<answer>{row['output']}</answer>"] * 5} for row in CRUXEVAL]
    lines[1]["completions"] = ["<answer>'012'</answer>", "<answer>1</answer>"]
    recorded.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    given = Sampling(n=5)
    found = evaluate("cruxeval-o", f"replay:{recorded}", data=data["cruxeval-o"], sampling=given, style="execverify").results
    assert found["failures"]["not_generated"] == 1
    assert (found["official"]["parts"], found["official"]["pass_at_1"], found["official"]["pass_at_5"]) == (4, 100.0, 100.0)
    other = {**found, "item_grades": [{**row, "official": ["00000"], "strict": ["00000"]} for row in found["item_grades"]]}
    assert {row["items"] for row in compare([("one", found), ("other", other)])["comparisons"]} == {4}


def test_a_template_file_is_a_style(data: dict[str, Path], tmp_path: Path) -> None:
    template = tmp_path / "mine.txt"
    template.write_text("$code\n# what is $call?", encoding="utf-8")
    found = evaluate("cruxeval-o", "mock:gold", data=data["cruxeval-o"], style=str(template))
    assert found.prompts[0][0]["content"] == f"{CRUXEVAL[0]['code']}\n# what is f(3)?"
    assert (found.results["official"]["pass_at_1"], found.results["style"]) == (100.0, "mine.txt")
    template.write_text("$code $nothing", encoding="utf-8")
    with pytest.raises(EvaluationError, match=r"'nothing'; it may use \$code, \$call"):
        evaluate("cruxeval-o", "mock:gold", data=data["cruxeval-o"], style=str(template))


def test_prompts_never_tell_the_answer(data: dict[str, Path]) -> None:
    for name in ("cruxeval-o", "livecodebench-execution", "library-io"):
        bench = benchmark(name)
        for item in bench.items(Source(data.get(name))):
            assert item.expected[0] not in item.fields.values(), item.id


def test_slices_cut_by_what_programs_are_like() -> None:
    source = "def f(n):\n    for i in range(n):\n        while i:\n            if n:\n                i -= 1\n    return [f(0) for _ in ()]"
    assert program_features(source, [], has_result=True) == {
        "result": "list", "loops": "2 or more", "nesting": "3 or more", "recursion": "yes", "comprehension": "yes", "lines": "6 to 8",
    }  # fmt: skip
    elif_chain = (
        "def f(n):\n    if n:\n        return 1\n    elif n == 2:\n        return 2\n    return g(n)\ndef g(n):\n    return n"
    )
    assert (program_features(elif_chain)["nesting"], program_features(elif_chain)["recursion"]) == ("1", "no")
    assert program_features("def f(n):\n    return g(n)\ndef g(n):\n    return f(n)")["recursion"] == "yes"


def run_of(answers: Sequence[str], data: Path, out: Path, model: str) -> Evaluation:
    class Fixed(Flaky):
        name = model

        def generate(self, requests: Sequence[Request], sampling: Sampling) -> Iterator[Generation]:
            for request, text in zip(requests, answers, strict=True):
                yield Generation(request.id, (text,))

    found = evaluate("cruxeval-o", Fixed(), data=data, style="bare")
    write_run(out, found)
    return found


def test_two_runs_are_compared_item_by_item(data: dict[str, Path], tmp_path: Path) -> None:
    path = data["cruxeval-o"]
    run_of(["6", "'012'", "0", "0", "0"], path, tmp_path / "one", "one")
    run_of(["6.0", "0", "True", "2", "1.5"], path, tmp_path / "two", "two")
    runs = [(name, read_results(tmp_path / name)) for name in ("one", "two")]
    official, strict = compare(runs)["comparisons"]
    assert (official["verdict"], official["difference"], official["better"], official["worse"]) == ("official", 40.0, 3, 1)
    assert official["p"] == 0.625  # 2 * (1 + 4) / 16
    assert official["interval"][0] < 40 < official["interval"][1]
    assert (strict["difference"], strict["better"], strict["worse"], strict["p"]) == (20.0, 3, 2, 1.0)
    same = compare([runs[0], ("again", runs[0][1])])["comparisons"][0]
    assert (same["difference"], same["interval"], same["p"], same["programs"]) == (0.0, [0.0, 0.0], 1.0, 5)
    with pytest.raises(EvaluationError, match="its benchmark is heldout"):
        compare([runs[0], ("other", {**runs[1][1], "benchmark": "heldout"})])
    with pytest.raises(EvaluationError, match="its data is"):
        compare([runs[0], ("other", {**runs[1][1], "data": {"file": "x", "sha256": "y"}})])
    with pytest.raises(EvaluationError, match="two runs or more"):
        compare(runs[:1])


# ------------------------------------------------------------------------------------------------------- command line


def cli(*words: object) -> Any:
    return CliRunner().invoke(command, [str(word) for word in words], catch_exceptions=True)


def test_a_run_leaves_its_folder(data: dict[str, Path], tmp_path: Path) -> None:
    run = tmp_path / "run"
    words = (
        "evaluate",
        "cruxeval-o",
        "--data",
        data["cruxeval-o"],
        "--model",
        "mock:constant:6",
        "--output",
        run,
        "--num-samples",
        2,
    )
    done = cli(*words, "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["official"]["pass_at_1"] == 20.0
    assert found["sampling"] == Sampling(n=2).plain()
    assert sorted(path.name for path in run.iterdir()) == [
        "generations.jsonl",
        "items.jsonl",
        "report.html",
        "results.json",
        "table.md",
    ]
    assert read_results(run) == found
    assert "| official | 20.00  |" in (run / "table.md").read_text(encoding="utf-8")
    before = (run / "generations.jsonl").read_bytes()
    assert json.loads(cli(*words, "--json").stdout) == found
    assert (run / "generations.jsonl").read_bytes() == before


def test_what_was_cut_off_is_told(data: dict[str, Path], tmp_path: Path) -> None:
    lines: list[dict[str, Any]] = [
        {"execverify": "generations", "model": "m", "settings": {}, "sampling": Sampling(max_tokens=7).plain()}
    ]
    ends = ["length", "stop", "stop", "stop", "length"]
    items = benchmark("cruxeval-o").items(Source(data["cruxeval-o"]))
    for item, end in zip(items, ends, strict=True):
        lines.append({"id": item.id, "completions": ["[ANSWER] assert f(3) =="], "finish_reasons": [end]})
    file = tmp_path / "answers.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    found = evaluate("cruxeval-o", f"replay:{file}", data=data["cruxeval-o"], style="direct").results
    assert found["truncated"] == 2
    assert "max-tokens=7, 2 of 5 completions cut off;" in results_markdown(found)
    whole = evaluate("cruxeval-o", "mock:gold", data=data["cruxeval-o"]).results
    assert "cut off" not in results_markdown(whole) and "max-tokens=1024;" in results_markdown(whole)


def test_several_greedy_samples_are_all_the_same_and_that_is_told(data: dict[str, Path]) -> None:
    words = ("evaluate", "cruxeval-o", "--data", data["cruxeval-o"], "--num-samples", 2, "--model")
    told = "the 2 completions of an item are all the same"
    assert told in cli(*words, "/nowhere/model").stderr
    assert told not in cli(*words, "/nowhere/model", "--temperature", 0.2).stderr
    assert told not in cli(*words, "mock:gold").stderr


def test_the_list_tells_each_benchmark() -> None:
    told = cli("evaluate", "--list").output
    rows = [json.loads(line) for line in cli("evaluate", "--list", "--json").output.splitlines()]
    assert [row["name"] for row in rows] == sorted(all_benchmarks())
    assert all(row["name"] in told and row["licence"] for row in rows)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["cruxeval", "--model", "mock:gold"], "did you mean cruxeval-i or cruxeval-o or cruxeval-x?"),
        (["cruxeval-p", "--model", "mock:gold"], "did you mean cruxeval-"),
        (["mmlu", "--model", "mock:gold"], "there is no benchmark 'mmlu': it must be one of bigcodebench, cruxeval-i, "),
        (
            ["cruxeval-o", "reval", "--model", "mock:gold", "--data", "x"],
            "NAME=FILE (for reval NAME=FOLDER), where NAME is cruxeval-o",
        ),
        (["heldout"], "name the model: --model M, such as mock:gold"),
        (["--model", "mock:gold"], "name a benchmark; `execverify evaluate --list` shows them"),
        (
            ["heldout", "--model", "mock:right"],
            "evaluation has mock:gold, mock:empty and mock:constant:TEXT besides",
        ),
        (["heldout", "--model", "mock:golden"], "there is no model mock:golden: did you mean mock:gold?"),
        (["heldout", "--model", "./no/such/model"], "./no/such/model: no such file or folder"),
        (["heldout", "--model", "mock:gold", "--model-arg", "engine=vllm"], "mock:gold takes no options, and was given engine"),
        (
            ["heldout", "--model", "http://h", "--model-arg", "model=m", "--model-arg", "timeout=soon"],
            "the option timeout is 'soon': it takes a number",
        ),
        (["heldout", "--model", "replay:/nowhere/x.jsonl"], "no such file"),
        (["heldout", "--model", "mock:gold", "--prompt-template", "driect"], "there is no style 'driect'"),
        (["library-io", "--model", "mock:gold", "--prompt-template", "driect"], "did you mean direct"),
        (["heldout", "--model", "mock:gold", "--data", "/nowhere/rows.jsonl"], "no such file"),
        (["reval", "--model", "mock:gold"], "give --data FOLDER"),
        (["heldout", "--model", "mock:gold", "--limit", "0"], "0 is not in the range"),
        (["heldout", "--model", "mock:gold", "--model-arg", "engine"], "write NAME=VALUE"),
        (["heldout", "--model", "mock:gold", "--output", "/proc/nowhere"], "cannot be made"),
    ],
)
def test_bad_input_is_told_in_one_line(words: list[str], told: str) -> None:
    from execverify.cli.app import run_command_line

    done = cli("evaluate", *words)
    assert done.exit_code != 0
    text = str(done.exception.format_message()) if hasattr(done.exception, "format_message") else f"{done.output}{done.exception}"
    assert told in " ".join(text.split())
    assert callable(run_command_line)


def test_a_comparison_is_printed(data: dict[str, Path], tmp_path: Path) -> None:
    for name, answers in (("one", ["6"] * 5), ("two", ["True"] * 5)):
        run_of(answers, data["cruxeval-o"], tmp_path / name, name)
    told = cli("compare", tmp_path / "one", tmp_path / "two").output
    assert "McNemar" in told and "+0.00" in told
    found = json.loads(cli("compare", tmp_path / "one", tmp_path / "two", "--json").output)
    assert [(each["better"], each["worse"]) for each in found["comparisons"]] == [(1, 1), (1, 1)]
    assert "no such file" in str(cli("compare", tmp_path / "one", tmp_path / "three").exception)
    (tmp_path / "torn.json").write_text(json.dumps({"format": 1, "rows": []}), encoding="utf-8")
    assert "no file of results" in str(cli("compare", tmp_path / "one", tmp_path / "torn.json").exception)


def test_a_new_benchmark_is_one_object(tmp_path: Path) -> None:
    """What a file in benchmarks/ has to have, and no more."""
    own = benchmark("heldout")

    class Twice(Benchmark):
        about = own.about

        def items(self, source: Source) -> list[Item]:
            return [Item(str(n), ("double",), (str(2 * n),), "", f"2 * {n}", {}, reference=n) for n in range(4)]

        def messages(self, item: Item, style: str) -> tuple[dict[str, str], ...]:
            return ({"role": "user", "content": f"What is 2 * {item.reference}?"},)

        def extract(self, item: Item, completion: str, style: str) -> Answer:
            return Answer(completion, completion)

        def gold(self, item: Item) -> str:
            return str(2 * int(item.reference))

        def judge(self, answers: Sequence[tuple[Item, Answer]], workers: int) -> list[tuple[Grade, ...]]:
            rights = [answer.official == self.gold(item) for item, answer in answers]
            return [(Grade(right, right),) for right in rights]

    assert evaluate(Twice(), "mock:gold").results["official"]["pass_at_1"] == 100.0
    assert evaluate(Twice(), "mock:constant:4").results["official"]["pass_at_1"] == 25.0


def test_reasoning_in_words_is_graded_beside_the_output(data: dict[str, Path], tmp_path: Path) -> None:
    """A right output after a wrong claim is counted, and shown on the page; answers without reasoning give no such figures."""
    item, *others = benchmark("cruxeval-o").items(Source(data["cruxeval-o"]))
    parameter = item.program.split("(", 1)[1].split(")", 1)[0]
    value = item.call.split("(", 1)[1].rsplit(")", 1)[0]
    reasoning = f"First {parameter} = {value}. Then {parameter} = 4. Done."
    lines = [{"id": item.id, "completions": [f"{reasoning}\n[ANSWER]\nassert {item.call} == {item.expected[0]}\n[/ANSWER]"]}]
    lines += [{"id": one.id, "completions": [f"[ANSWER]\nassert {one.call} == {one.expected[0]}\n[/ANSWER]"]} for one in others]
    file = tmp_path / "answers.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    found = evaluate("cruxeval-o", f"replay:{file}", data=data["cruxeval-o"], style="cot")
    assert found.results["strict"]["pass_at_1"] == 100.0
    assert found.results["extra_metrics"] == {
        "claims_found": 2, "claims_right": 50.0, "sentences_unread": 33.3333, "right_output_with_wrong_claim": 100.0,
    }  # fmt: skip
    assert "right output with wrong claim" in evaluation_page(found)
    assert "extra_metrics" not in evaluate("cruxeval-o", "mock:gold", data=data["cruxeval-o"], style="cot").results


def test_held_out_chains_in_words_are_graded_as_free_text() -> None:
    chains = benchmark("heldout-chains")
    item = chains.items(Source())[0]
    of = item.reference

    def metrics(text: str) -> dict[str, Any]:
        answer = chains.extract(item, text, "")
        marks = tuple(chains.judge([(item, answer)], 1))
        return chains.extra_metrics([ItemResult(item, (text,), (answer,), marks)])

    found = metrics(f"<reasoning>\nIt returns {of.result.text}.\n</reasoning>\n<answer>\n{of.assertion}\n</answer>")
    assert (found["claims_found"], found["claims_right"], found["right_output_with_wrong_claim"]) == (1, 100.0, 0.0)
    assert "claims_found" not in metrics(chains.gold(item))


def test_several_benchmarks_load_a_model_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights take minutes to load; and two copies of them may not fit."""
    counts: Counter[str] = Counter()

    class Heavy(MockModel):
        def __init__(self, what: str) -> None:
            super().__init__(f"heavy {what}", lambda request: what)
            counts["loaded"] += 1

        def close(self) -> None:
            counts["closed"] += 1

    monkeypatch.setitem(BACKENDS, "heavy", f"{__name__}:_heavy")
    monkeypatch.setitem(globals(), "_heavy", Heavy)
    words = ("--model", "heavy:0", "--limit", "3", "--output", tmp_path / "runs")
    done = cli("evaluate", "heldout", "heldout-chains", "nothing", *words)
    assert done.exit_code == 2 and "there is no benchmark 'nothing'" in done.output, done.output
    assert counts == {"loaded": 1, "closed": 1}
    names = {
        json.loads((tmp_path / "runs" / name / "results.json").read_text())["model"]["name"]
        for name in ("heldout", "heldout-chains")
    }
    assert names == {"heavy 0"}
    nowhere = ("--data", "cruxeval-o=/no", "--data", "cruxeval-i=/no")
    assert cli("evaluate", "cruxeval-o", "cruxeval-i", "--model", "heavy:0", *nowhere).exit_code == 2
    assert counts == {"loaded": 1, "closed": 1}, "no data, and so nothing to load"


def test_several_benchmarks_ask_a_server_in_turn() -> None:
    with misbehaving() as server:
        words = ("--model", server.url, "--model-arg", "model=m", "--limit", "3", "--json")
        done = cli("evaluate", "heldout", "heldout-chains", *words)
        runs = [json.loads(line) for line in done.stdout.splitlines()]
        assert [(run["benchmark"], run["failures"]["not_generated"]) for run in runs] == [("heldout", 0), ("heldout-chains", 0)]
