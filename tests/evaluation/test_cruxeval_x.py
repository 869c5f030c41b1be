"""CRUXEval-X's form in the languages whose compilers are here; the others are told."""

import json
from pathlib import Path
from typing import Any

import pytest

from execverify.errors import EvaluationError
from execverify.evaluation import benchmark, evaluate, languages
from execverify.evaluation.answers import Answer
from execverify.evaluation.benchmark import Grade
from execverify.evaluation.data import Source
from execverify.evaluation.languages import RunResult, run, why_not, without_network

CPP = {"id": 0, "code": "#include <cassert>\n#include <vector>\nlong f(std::vector<long> a) {\n    return a[0] + a[1];\n}",
       "input_reasoning": "int main() {\n    assert(f(????) == (3));\n}", "output_reasoning":
       "int main() {\n    assert(f((std::vector<long>({(long)1, (long)2}))) == ????);\n}"}  # fmt: skip
JAVA = {"id": 0, "code": "class Problem {\n    static long f(long a) {\n        return a + 1;\n    }",
        "input_reasoning": "    public static void main(String[] args) {\n        assert(f(????) == (3l));\n    }\n}",
        "output_reasoning": "    public static void main(String[] args) {\n        assert(f((2l)) == ????);\n    }\n}"}  # fmt: skip
JS = {"id": 0, "code": "function f(a) {\n    return a.concat([1]);\n}\nconst assert = require('node:assert');",
      "input_reasoning": "assert.deepEqual(f(????),[2, 1]);", "output_reasoning": "assert.deepEqual(f([2]),????);"}  # fmt: skip
PERL = {"id": 0, "code": "sub f { return $_[0] . 'x'; }", "input_reasoning": 'die unless f(????) eq "ax";',
        "output_reasoning": 'die unless f("a") eq ????;'}  # fmt: skip
# As the authors' files have it: the code is the whole program, with the check and both answers.
WHOLE_JS = {"id": 1, "code": "function f(a) {\n    return a + a;\n}\n\nconst assert = require('node:assert');\n\nfunction test() {\n"
            "  let candidate = f;\n  assert.deepEqual(candidate(\"xy\"),\"xyxy\");\n}\n\ntest();",
            "input_reasoning": "const assert = require('node:assert');\n\n\nfunction test() {\n  let candidate = f;\n"
            "  assert.deepEqual(candidate(????),\"xyxy\");\n}\n\ntest();",
            "output_reasoning": "const assert = require('node:assert');\n\n\nfunction test() {\n  let candidate = f;\n"
            "  assert.deepEqual(candidate(\"xy\"),????);\n}\n\ntest();"}  # fmt: skip
WHOLE_CPP = {"id": 1, "code": "#include<assert.h>\nlong f(long a) {\n    return a * 2;\n}\n\nint main() {\n    auto candidate = f;\n"
             "    assert(candidate((21)) == (42));\n}\n",
             "input_reasoning": "}\nint main() {\n    auto candidate = f;\n    assert(candidate(????) == (42));\n}\n",
             "output_reasoning": "}\nint main() {\n    auto candidate = f;\n    assert(candidate((21)) == ????);\n}\n"}  # fmt: skip
UNKNOWN = {**PERL, "language": "algol"}
ALL = {"cpp": CPP, "java": JAVA, "js": JS, "pl": PERL}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("x")
    for name, row in ALL.items():
        (made / f"{name}.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    return made


def needs(language: str) -> None:
    if why_not(language):
        pytest.skip(why_not(language))


def mark(folder: Path, language: str, kind: str, text: str) -> Grade:
    bench = benchmark("cruxeval-x")
    items = bench.items(Source(folder / f"{language}.jsonl"))
    item = next(item for item in items if item.reference.kind == kind)
    ((found,),) = bench.judge([(item, bench.extract(item, text, "bare"))], 1)
    return found


def test_what_fills_the_holes(folder: Path) -> None:
    bench = benchmark("cruxeval-x")
    found = {item.id: bench.gold(item) for item in bench.items(Source(folder))}
    assert found == {
        "cpp/0/output": "(3)", "cpp/0/input": "(std::vector<long>({(long)1, (long)2}))", "java/0/output": "(3l)", "java/0/input": "(2l)",
        "js/0/output": "[2, 1]", "js/0/input": "[2]", "pl/0/output": '"ax"', "pl/0/input": '"a"',
    }  # fmt: skip


@pytest.mark.parametrize(
    "language", [pytest.param(name, marks=pytest.mark.slow if name in ("cpp", "java") else ()) for name in ALL]
)
@pytest.mark.parametrize("kind", ["output", "input"])
def test_gold_is_right_and_another_value_is_not(folder: Path, language: str, kind: str) -> None:
    needs(language)
    bench = benchmark("cruxeval-x")
    item = next(item for item in bench.items(Source(folder / f"{language}.jsonl")) if item.reference.kind == kind)
    gold = bench.gold(item)
    answers = [(item, bench.extract(item, text, "bare")) for text in (gold, "0", gold + ";;(")]
    told = [(each.official, each.strict) for (each,) in bench.judge(answers, 2)]
    assert told == [(True, True), (False, False), (False, False)]


def test_more_than_a_value_is_not_strictly_right(folder: Path) -> None:
    needs("js")
    told = mark(folder, "js", "output", "f([2])")
    assert (told.official, told.strict) == (True, False)
    told = mark(folder, "js", "output", "[2, 1]); process.exit(0); (0")
    assert (told.official, told.strict) == (True, False)


@pytest.mark.parametrize(
    ("completion", "taken"),
    [("<answer>[2, 1]</answer>", "[2, 1]"), ("<answer>assert.deepEqual(f([2]),[2, 1]);</answer>", "[2, 1]"), ("[2, 1]", None)],
)
def test_what_is_taken_out_of_a_completion(folder: Path, completion: str, taken: str | None) -> None:
    bench = benchmark("cruxeval-x")
    item = bench.items(Source(folder / "js.jsonl"))[0]
    assert bench.extract(item, completion, "execverify").official == taken


@pytest.mark.parametrize(
    ("language", "row", "answers"),
    [("js", WHOLE_JS, ("xyxy", '"xy"')), pytest.param("cpp", WHOLE_CPP, ("42", "21"), marks=pytest.mark.slow)],
)
def test_whole_programs_are_cut_before_their_check(
    language: str, row: dict[str, Any], answers: tuple[str, str], tmp_path: Path
) -> None:
    needs(language)
    file = tmp_path / f"{language}.jsonl"
    file.write_text(json.dumps(row) + "\n", encoding="utf-8")
    found = evaluate("cruxeval-x", "mock:gold", data=file)
    for name in ("official", "strict"):
        assert found.results[name]["pass_at_1"] == 100.0
    for (prompt,), answer in zip(found.prompts, answers, strict=True):
        assert answer not in prompt["content"]  # neither question tells its answer


def test_a_code_that_tells_its_answer_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "js.jsonl"
    file.write_text(
        json.dumps({**JS, "code": f"{JS['code']}" + 2 * "\nassert.deepEqual(f([2]),[2, 1]);"}) + "\n", encoding="utf-8"
    )
    with pytest.raises(EvaluationError, match="tells its answer"):
        benchmark("cruxeval-x").items(Source(file))


def test_an_item_whose_own_answer_does_not_pass_here_is_not_judged(tmp_path: Path) -> None:
    needs("js")
    file = tmp_path / "js.jsonl"
    lacking = {**JS, "id": 1, "code": "const lib = require('no-such-package');\n" + str(JS["code"])}
    file.write_text(f"{json.dumps(JS)}\n{json.dumps(lacking)}\n", encoding="utf-8")
    found = evaluate("cruxeval-x", "mock:empty", data=file, style="direct").results
    assert found["extra_metrics"]["cannot_be_judged_here"] == {"JavaScript: the data's own answer does not pass": 2}
    assert found["failures"]["not_judged"] == 2
    assert [row["official"] for row in found["item_grades"]] == [["0"], ["0"], ["?"], ["?"]]


def test_a_time_out_of_ours_is_no_verdict(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = benchmark("cruxeval-x")
    item = bench.items(Source(folder / "js.jsonl"))[0]
    if why_not("js"):
        pytest.skip(why_not("js"))
    tried: list[str] = []

    def never_ends(language: str, text: str) -> RunResult:
        tried.append(text)
        return RunResult(True) if bench.gold(item) in text else RunResult(None, "it was ended after 60 s")

    monkeypatch.setattr(languages, "run", never_ends)
    monkeypatch.setattr(languages, "_known", {})
    answers = [bench.extract(item, text, "bare") for text in ("[7]", "[7].concat(sleep(9e9))")]
    value, more = (mark for (mark,) in bench.judge([(item, each) for each in answers], 1))
    assert (value.official, value.strict) == (None, None) and "it was ended" in value.why
    assert (more.official, more.strict) == (False, False)  # a wrong answer that sleeps is not left out of the count
    assert len(tried) == 5  # the data's own answer, and each of the others twice


@pytest.mark.parametrize("language", ["js", "pl", pytest.param("cpp", marks=pytest.mark.slow)])
def test_processor_time_is_the_program_s_and_wall_time_the_machine_s(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    needs(language)
    monkeypatch.setattr(languages, "RUN_SECONDS", 1.0)
    busy = {"js": "while (true) {}", "pl": "1 while 1;", "cpp": "int main() { for (volatile int i = 0;; i = 1) {} }"}[language]
    asleep = {"js": "setTimeout(() => 0, 1e6)", "pl": "sleep 1000;", "cpp": "#include <unistd.h>\nint main() { sleep(1000); }"}[
        language
    ]
    spun = run(language, busy)
    assert spun.succeeded is False and "processor time" in spun.message
    monkeypatch.setattr(languages, "_WALL_CLOCK_FACTOR", 3)
    if language != "cpp":  # its compiler would run against the short clock, too
        slept = run(language, asleep)
        assert slept.succeeded is None and "did not get 1 s of a processor" in slept.message


@pytest.mark.slow
def test_a_compiled_header_changes_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    needs("cpp")
    lines = (
        "#include<assert.h>\n#include<bits/stdc++.h>\nint main() { std::vector<long> v({3, 1}); std::sort(v.begin(), v.end()); "
    )
    programs = [("cpp", f"{lines} assert(v[0] == {number}); }}") for number in range(4)] + [("cpp", lines)]
    monkeypatch.setattr(languages, "_known", {})
    plain = [run(*pair).succeeded for pair in programs]
    assert languages._header_made() is None
    assert [ran.succeeded for ran in languages.run_all(programs, 2)] == plain == [False, True, False, False, False]
    assert languages._header_made() is not None


def test_progress_is_told_while_answers_are_judged(tmp_path: Path) -> None:
    needs("pl")
    file = tmp_path / "pl.jsonl"
    file.write_text("".join(json.dumps({**PERL, "id": number}) + "\n" for number in range(10)), encoding="utf-8")
    told: list[tuple[str, int, int]] = []
    evaluate("cruxeval-x", "mock:gold", data=file, progress=lambda *what: told.append(what))
    assert [(done, total) for what, done, total in told if what == "judging"] == [(0, 20), (16, 20), (20, 20)]
    assert [total for what, _, total in told if what == "judging constant answers"] == [60] * 5


VALUES = {
    "js": ['{a: [1, "x"], b: null}', "[[1e-5, -2.5], true]", "new Map([[1, 2]])"],
    "cpp": ['(std::make_tuple("a", 1.5f))', "std::vector<std::string>({})"],
    "pl": ['{"a" => 1, "b" => [2]}'],
}
NO_VALUES = {
    "js": ["process.exit(0)", "`${process.exit(0)}`", "(() => 1)()", "f.call(null, [2])"],
    "cpp": ["(exit(0), 3)", "0 | 1", "0 ^ true", "3 bitor 1", "(f)(2)"],
    "pl": ["ignore()", '$candidate->("a")', 'f "a"', '"@{[ exit 0 ]}"', '"$x[exit 0]"', "exit"],
}


@pytest.mark.parametrize(("language", "kind"), [(language, kind) for language in VALUES for kind in (True, False)])
def test_values_and_what_only_ends_well(folder: Path, language: str, kind: bool) -> None:
    bench = benchmark("cruxeval-x")
    item = bench.items(Source(folder / f"{language}.jsonl"))[0]
    for text in (VALUES if kind else NO_VALUES)[language]:
        assert (bench.extract(item, text, "bare").strict is not None) is kind, text


def test_a_whole_call_is_an_input_too(folder: Path) -> None:
    bench = benchmark("cruxeval-x")
    item = bench.items(Source(folder / "js.jsonl"))[1]
    assert bench.extract(item, "<answer>f([2])</answer>", "execverify").official == "[2]"


def test_a_language_that_is_not_here_is_told(tmp_path: Path) -> None:
    file = tmp_path / "other.jsonl"
    file.write_text("".join(json.dumps({**row, "id": n}) + "\n" for n, row in enumerate([UNKNOWN, {**PERL, "language": "pl"}])))
    found = evaluate("cruxeval-x", "mock:gold", data=file).results
    reasons: dict[str, Any] = found["extra_metrics"]["cannot_be_judged_here"]
    assert [count for why, count in reasons.items() if "algol" in why] == [2]
    assert found["failures"]["not_judged"] >= 2


def test_nothing_scores_0(folder: Path) -> None:
    needs("pl")
    found = evaluate("cruxeval-x", "mock:empty", data=folder / "pl.jsonl", style="direct").results
    assert (found["official"]["pass_at_1"], found["strict"]["pass_at_1"]) == (0.0, 0.0)
    assert benchmark("cruxeval-x").extract(benchmark("cruxeval-x").items(Source(folder))[0], "", "bare") == Answer(
        None, None, "there is no answer"
    )


@pytest.mark.slow
def test_programs_are_confined(tmp_path: Path) -> None:
    needs("pl")
    kept = tmp_path / "kept"
    wrote = run("pl", f'open(my $file, ">", "{kept}") or die "refused"; print $file "x"; close($file);')
    assert wrote.succeeded is kept.exists()
    assert not run("pl", "1 while 1;").succeeded
    if without_network():
        tried = run(
            "pl",
            'use Socket; socket(my $s, PF_INET, SOCK_STREAM, 6); connect($s, sockaddr_in(9, INADDR_LOOPBACK)) or die "no: $!";',
        )
        assert not tried.succeeded and "unreachable" in tried.message
