"""Models without an engine: specs, recorded answers, fakes, and the file that generations are kept in."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from execverify.errors import ModelError
from execverify.models import BACKENDS, Generation, MockModel, Model, Request, Sampling, generate_cached, load, register_backend
from execverify.models.model import SKIPPED_REQUEST
from execverify.models.replay import read_recorded
from tests.helpers.benchmarks import CRUXEVAL, CRUXEVAL_GENERATIONS, benchmark_rows

THREE = ("a", "b", "c")


def asked(*names: str) -> list[Request]:
    return [Request(name, ({"role": "user", "content": f"say {name}"},)) for name in names]


class Counting(MockModel):
    """Says which requests it was given; answers with the id in capitals, or fails where told to."""

    def __init__(self, *failing: str, **settings: Any) -> None:
        super().__init__("counting", self._say, **settings)
        self.failing = set(failing)
        self.given: list[str] = []

    def _say(self, request: Request) -> str:
        self.given.append(request.id)
        if request.id in self.failing:
            raise RuntimeError("out of order")
        return request.id.upper()


def texts(generations: Iterator[Generation]) -> dict[str, tuple[str, ...]]:
    return {g.id: g.completions for g in generations}


# ---------------------------------------------------------------------------------------------------------------- specs


def test_rooms_import_without_any_engine() -> None:
    engines = ("torch", "transformers", "vllm", "openai", "tenacity", "numpy", "pyarrow", "click")
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({engines}, None));"
        "import execverify.models, execverify.models.openai_compatible;"
        "import execverify.models.transformers_backend, execverify.models.vllm_backend"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


@pytest.mark.parametrize(
    ("backend", "missing", "extra"),
    [
        ("transformers", "torch", "models-transformers"),
        ("vllm", "vllm", "models-vllm"),
        ("openai", "openai", "openai"),
        ("openai", "tenacity", "openai"),
    ],
)
def test_a_missing_engine_says_how_to_get_it(backend: str, missing: str, extra: str) -> None:
    code = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "from execverify.errors import ModelError\nfrom execverify.models import load\n"
        f"try: load('http://h/v1', backend={backend!r})\nexcept ModelError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, timeout=120, capture_output=True, text=True)
    assert f"pip install 'execverify[{extra}]'" in done.stdout and done.stdout.count("\n") == 1


@pytest.mark.parametrize(
    ("spec", "options", "told"),
    [
        ("", {}, "no model is named"),
        ("mock:emty", {}, "did you mean mock:empty"),
        ("mock:zzz", {}, "there are constant, echo, empty"),
        ("mock:constant", {}, "mock:constant cannot be made with these options: .*text"),
        ("replay:nowhere.jsonl", {}, "nowhere.jsonl: no such file"),
        ("http://h", {"model": "m", "concurrency": "abc"}, "the option concurrency is 'abc': it takes a whole number"),
        ("http://h", {"model": "m", "concurrency": True}, "the option concurrency is True: it takes a whole number"),
        ("http://h", {"model": "m", "timeout": "x"}, "the option timeout is 'x': it takes a number"),
        ("http://h", {"model": 5}, "the option model is 5: it takes a text"),
        ("http://h", {"model": "m", "body": 5}, "the option body is 5: it takes an object"),
        ("http://h", {"model": "m", "requests_per_minute": "x"}, "it takes a number"),
        ("replay:x", {"n": 1}, "takes no option 'n': it takes none"),
        ("replay:x", {"backend": "vllm"}, "replay:x names the backend replay, and backend is 'vllm': give one of the two"),
        (
            "org/name",
            {"backend": "tgi"},
            "there is no backend 'tgi': give one of mock, openai, replay, transformers, vllm, or module",
        ),
        ("org/name", {"backend": 5}, "there is no backend 5: give one of"),
        ("x", {"backend": "nowhere:Model"}, "the backend nowhere:Model could not be imported from nowhere:Model: No module"),
        ("x", {"backend": "json:Model"}, "has no attribute 'Model'"),
    ],
)
def test_specs_that_cannot_be(spec: str, options: dict[str, Any], told: str) -> None:
    with pytest.raises(ModelError, match=told) as error:
        load(spec, **options)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "settings",
    [
        {"temperature": -1},
        {"temperature": float("nan")},
        {"temperature": float("inf")},
        {"top_p": 0},
        {"top_p": 1.1},
        {"max_tokens": 0},
        {"n": 0},
        {"stop": ("",)},
    ],
)
def test_sampling_is_checked(settings: dict[str, Any]) -> None:
    with pytest.raises(ModelError):
        Sampling(**settings)
    with pytest.raises(ModelError, match="stop is a tuple"):
        Sampling(stop="x")  # type: ignore[arg-type]


# ------------------------------------------------------------------------------------------------------------- backends


class ToyModel(MockModel):
    """A backend of one class outside of the package: it answers with its own name, in some case."""

    def __init__(self, what: str, *, upper: bool = False, marks: "list[str] | None" = None, **more: Any) -> None:
        super().__init__(f"toy {what}", lambda request: (what.upper() if upper else what) + "".join(marks or ()), **more)


def toy_function(what: str, *, factor: float = 1) -> Model:
    return MockModel(f"toy {what}", lambda request: what * int(factor))


TOY = f"{__name__}:ToyModel"


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("toy", "toy_function"):
        monkeypatch.setitem(BACKENDS, name, "")  # removed at the end of the test
    register_backend("toy", TOY)
    register_backend("toy_function", f"{__name__}:toy_function")


@pytest.mark.parametrize(
    ("spec", "options", "answer"),
    [
        ("toy:abc", {}, "abc"),
        ("toy:a:b", {"upper": True, "marks": ["!"]}, "A:B!"),
        ("toy:abc", {"backend": "toy"}, "abc"),
        ("abc", {"backend": "toy", "anything": 5}, "abc"),
        ("http://h", {"backend": "toy"}, "http://h"),
        ("other:abc", {"backend": TOY}, "other:abc"),
        ("toy_function:ab", {"factor": 2}, "abab"),
    ],
)
@pytest.mark.usefixtures("toys")
def test_a_backend_from_another_file(spec: str, options: dict[str, Any], answer: str) -> None:
    assert texts(load(spec, **options).generate(asked("a"), Sampling())) == {"a": (answer,)}


@pytest.mark.usefixtures("toys")
def test_options_of_another_backend_are_checked() -> None:
    with pytest.raises(ModelError, match="the option upper is 'yes': it takes true or false"):
        load("toy:a", upper="yes")
    with pytest.raises(ModelError, match="the option marks is 'x': it takes list"):
        load("toy:a", marks="x")
    with pytest.raises(ModelError, match="takes no option 'upper': it takes factor"):
        load("toy_function:a", upper=True)


@pytest.mark.parametrize(
    ("name", "factory", "told"),
    [
        ("a b", TOY, "a backend cannot be named 'a b'"),
        ("http", TOY, "not http or https"),
        ("toy", "module.Class", "the factory of the backend toy is 'module.Class': write 'module:Class'"),
        ("toy", ":Class", "write 'module:Class'"),
    ],
)
def test_backends_that_cannot_be(name: str, factory: str, told: str) -> None:
    before = dict(BACKENDS)
    with pytest.raises(ModelError, match=told):
        register_backend(name, factory)
    assert before == BACKENDS


# ---------------------------------------------------------------------------------------------------------------- mocks


def test_fakes() -> None:
    assert texts(load("mock:empty").generate(asked("a"), Sampling(n=2))) == {"a": ("", "")}
    assert texts(load("mock:constant", text="Nil").generate(asked("a"), Sampling())) == {"a": ("Nil",)}
    assert texts(load("mock:echo").generate(asked("a"), Sampling())) == {"a": ("say a",)}
    several = MockModel("several", lambda request: ["x", "y"])
    assert texts(several.generate(asked("a"), Sampling(n=3))) == {"a": ("x", "y", "x")}
    assert isinstance(several, Model)


def test_a_script_that_fails_is_an_error_and_not_an_answer() -> None:
    first, second = Counting("a").generate(asked("a", "b"), Sampling())
    assert first == Generation("a", (), "the mock function failed: RuntimeError: out of order") and second.error is None
    (nothing,) = MockModel("nothing", lambda request: []).generate(asked("a"), Sampling())
    assert nothing.error


def test_ids_are_unique() -> None:
    with pytest.raises(ModelError, match="two requests have the id 'a'"):
        list(load("mock:empty").generate(asked("a", "a"), Sampling()))


# ------------------------------------------------------------------------------------------------------------- recorded


def recorded(folder: Path, *lines: Any) -> Model:
    path = folder / "answers.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return load(f"replay:{path}")


def test_recorded_lines(tmp_path: Path) -> None:
    model = recorded(
        tmp_path,
        {"id": "a", "completion": "1"},
        {"id": 7, "completions": ["2", "3"]},
        {"id": "a", "completion": "4"},
        {"id": "c", "error": "the server died"},
    )
    given = {g.id: g for g in model.generate(asked("a", "7"), Sampling(n=2))}
    assert given["a"].completions == ("1", "4") and given["7"].completions == ("2", "3")
    one, lost = model.generate(asked("a", "c"), Sampling())
    assert one.completions == ("1",) and lost.error == "the server died"


def test_recorded_answers_that_are_missing(tmp_path: Path) -> None:
    model = recorded(tmp_path, {"id": "a", "completion": "1"})
    given = {g.id: g for g in model.generate(asked("a", "b"), Sampling())}
    assert given["a"].error is None
    assert given["b"].completions == () and "has no answer for 'b'" in str(given["b"].error)
    (few,) = model.generate(asked("a"), Sampling(n=5))
    assert "has 1 of the 5 completions for 'a'" in str(few.error)
    with pytest.raises(ModelError, match=r"answers none of the 2 requests: it has a \.\.\., not x"):
        list(model.generate(asked("x", "y"), Sampling()))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "has no answers"),
        ("{}", "has no answers"),
        ("[]", "has no answers"),
        ("[3]", r"answers.jsonl:1 has no id"),
        ('{"id": "a"}\n', r":1 has no completion that is a text"),
        ('{"id": "a", "completion": "x"}\n{"id": "b", "completion": 3}\n', r":2 has no completion that is a text"),
        ('{"id": "a", "completion": "x"}\n{"id": "b"', r":2 is not JSON"),
        ('{"sample_0": "x"}', "the entry 'sample_0' is not a list of texts"),
        ('{"id": null, "completion": "x"}', ":1 has no id"),
    ],
)
def test_files_that_hold_no_answers(content: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text(content)
    with pytest.raises(ModelError, match=told):
        load(f"replay:{path}")
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ModelError, match="is not UTF-8 text"):
        load(f"replay:{path}")


def test_recorded_generations_of_cruxeval() -> None:
    model = load(f"replay:{CRUXEVAL_GENERATIONS}")
    names = [row["id"] for row in benchmark_rows(CRUXEVAL)]
    given = list(model.generate(asked(*names), Sampling(n=10)))
    assert [g.id for g in given] == names and all(len(g.completions) == 10 and not g.error for g in given)
    assert model.settings["answers"] == len(names) and model.settings["samples"] == 10


# ---------------------------------------------------------------------------------------------------------------- store


def test_a_second_run_asks_for_nothing(tmp_path: Path) -> None:
    path, model = tmp_path / "g.jsonl", Counting()
    first = list(generate_cached(path, model, asked(*THREE), Sampling()))
    again = list(generate_cached(path, model, asked(*THREE), Sampling()))
    assert first == again and model.given == list(THREE)


def test_an_interrupted_run_goes_on(tmp_path: Path) -> None:
    path, model = tmp_path / "g.jsonl", Counting()
    running = generate_cached(path, model, asked(*THREE), Sampling())
    next(running)
    running.close()  # type: ignore[attr-defined]
    assert texts(generate_cached(path, model, asked(*THREE), Sampling())) == {"a": ("A",), "b": ("B",), "c": ("C",)}
    assert model.given == list(THREE)


def test_what_went_wrong_is_asked_again(tmp_path: Path) -> None:
    path = tmp_path / "g.jsonl"
    assert [bool(g.error) for g in generate_cached(path, Counting("b"), asked(*THREE), Sampling())] == [False, True, False]
    model = Counting()
    assert all(not g.error for g in generate_cached(path, model, asked(*THREE), Sampling()))
    assert model.given == ["b"]
    assert texts(load(f"replay:{path}").generate(asked(*THREE), Sampling()))["b"] == ("B",)


def test_what_failed_by_itself_is_asked_last(tmp_path: Path) -> None:
    path, model = tmp_path / "g.jsonl", Counting()

    def failing(request: Request) -> Generation:
        return Generation(request.id, (), error="it broke" if request.id == "a" else f"{SKIPPED_REQUEST}: the server was gone")

    class Gone(Counting):
        def generate(self, requests: Sequence[Request], sampling: Sampling) -> Iterator[Generation]:
            yield from map(failing, requests)

    assert all(g.error for g in generate_cached(path, Gone(), asked(*THREE), Sampling()))
    assert len(texts(generate_cached(path, model, asked(*THREE), Sampling()))) == 3
    assert model.given == ["b", "c", "a"]


def test_each_line_is_there_when_it_is_handed_on(tmp_path: Path) -> None:
    path = tmp_path / "g.jsonl"
    for count, _ in enumerate(generate_cached(path, Counting(), asked(*THREE), Sampling()), start=1):
        assert path.read_bytes().count(b"\n") == count + 1


@pytest.mark.parametrize("left", range(0, 400, 7))
def test_a_file_cut_anywhere_goes_on(left: int, tmp_path: Path) -> None:
    path = tmp_path / "g.jsonl"
    list(generate_cached(path, Counting(), asked(*THREE), Sampling()))
    whole = path.read_bytes()
    path.write_bytes(whole[:left])
    assert len(texts(generate_cached(path, Counting(), asked(*THREE), Sampling()))) == 3
    assert sorted(path.read_bytes().splitlines()) == sorted(whole.splitlines())


def test_a_killed_run_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "g.jsonl"
    script = tmp_path / "run.py"
    script.write_text(
        "import sys, time\n"
        "from execverify.models import *\n"
        "def slow(request):\n    time.sleep(0.02)\n    return 'x' * 5000\n"
        "requests = [Request(str(i), ({'role': 'user', 'content': str(i)},)) for i in range(2000)]\n"
        "for g in generate_cached(sys.argv[1], MockModel('slow', slow), requests, Sampling()): print(g.id, flush=True)\n"
    )
    process = subprocess.Popen([sys.executable, str(script), str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    seen = [process.stdout.readline().strip() for _ in range(20)]
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    requests = [Request(str(i), ({"role": "user", "content": str(i)},)) for i in range(40)]
    calls: list[str] = []

    def quick(request: Request) -> str:
        calls.append(request.id)
        return "x" * 5000

    assert len(texts(generate_cached(path, MockModel("slow", quick), requests, Sampling()))) == 40
    assert not set(calls) & set(seen)


@pytest.mark.parametrize(
    ("model", "sampling", "told"),
    [
        (MockModel("other", str), Sampling(), r'model is "counting" there, "other" now'),
        (Counting(dtype="bfloat16"), Sampling(), r'dtype is null there, "bfloat16" now'),
        (Counting(), Sampling(temperature=0.2), r"temperature is 0.0 there, 0.2 now"),
        (Counting(), Sampling(stop=("x",)), r'stop is \[\] there, \["x"\] now'),
    ],
)
def test_another_run_is_refused(model: Model, sampling: Sampling, told: str, tmp_path: Path) -> None:
    path = tmp_path / "g.jsonl"
    list(generate_cached(path, Counting(), asked(*THREE), Sampling()))
    before = path.read_bytes()
    with pytest.raises(ModelError, match=told):
        list(generate_cached(path, model, asked(*THREE), sampling))
    assert path.read_bytes() == before


def test_another_prompt_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "g.jsonl"
    list(generate_cached(path, Counting(), asked(*THREE), Sampling()))
    other = Request("b", ({"role": "user", "content": "say something else"},))
    with pytest.raises(ModelError, match="answers 'b' for another prompt"):
        list(generate_cached(path, Counting(), [other], Sampling()))
    (given,) = load(f"replay:{path}").generate([other], Sampling())
    assert "to another prompt" in str(given.error)


def test_speed_may_change_between_runs(tmp_path: Path) -> None:
    path = tmp_path / "g.jsonl"
    list(generate_cached(path, Counting(concurrency=1, url="http://a"), asked("a"), Sampling()))
    assert len(list(generate_cached(path, Counting(concurrency=9, url="http://b"), asked(*THREE), Sampling()))) == 3


def test_fewer_and_more_requests_share_a_file(tmp_path: Path) -> None:
    path, model = tmp_path / "g.jsonl", Counting()
    list(generate_cached(path, model, asked("a", "b"), Sampling()))
    assert texts(generate_cached(path, model, asked("c", "a"), Sampling())) == {"a": ("A",), "c": ("C",)}
    assert model.given == list(THREE)


@pytest.mark.parametrize("content", [b"notes\n", b'{"id": "a", "completion": "x"}\n', b"x", b'{"a": 1}'])
def test_somebody_elses_file_is_left_alone(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "g.jsonl"
    path.write_bytes(content)
    with pytest.raises(ModelError):
        list(generate_cached(path, Counting(), asked(*THREE), Sampling()))
    assert path.read_bytes() == content


def test_two_runs_do_not_write_one_file(tmp_path: Path) -> None:
    path = tmp_path / "g.jsonl"
    first = generate_cached(path, Counting(), asked(*THREE), Sampling())
    next(first)
    with pytest.raises(ModelError, match=r"another run is writing .*give another --output folder"):
        list(generate_cached(path, Counting(), asked(*THREE), Sampling()))
    assert len(list(first)) == 2


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such folder"):
        list(generate_cached(tmp_path / "no" / "g.jsonl", Counting(), asked(*THREE), Sampling()))


def test_texts_come_back_as_they_were(tmp_path: Path) -> None:
    odd = ["\ud800", "\u2028\x85\r\n", "\x00", '"}\n{', "é" * 10_000]
    path = tmp_path / "g.jsonl"
    requests = [Request(text, ({"role": "user", "content": text},)) for text in odd]
    first = texts(generate_cached(path, load("mock:echo"), requests, Sampling()))
    assert first == {text: (text,) for text in odd}
    assert texts(load(f"replay:{path}").generate(requests, Sampling())) == first
    assert texts(generate_cached(path, load("mock:echo"), requests, Sampling())) == first


def test_a_model_that_forgets_a_request_is_found_out(tmp_path: Path) -> None:
    class Forgetful(MockModel):
        def generate(self, requests: Sequence[Request], sampling: Sampling) -> Iterator[Generation]:
            yield from super().generate(requests[1:], sampling)

    given = {
        g.id: g for g in generate_cached(tmp_path / "g.jsonl", Forgetful("forgetful", lambda r: "x"), asked(*THREE), Sampling())
    }
    assert given["a"].error == "forgetful returned nothing for this request" and len(given) == 3


def test_scoring_again_needs_no_model(tmp_path: Path) -> None:
    path = tmp_path / "g.jsonl"
    list(generate_cached(path, Counting(dtype="float32"), asked(*THREE), Sampling(temperature=0.5)))
    model = load(f"replay:{path}")
    assert model.name == "counting"
    assert model.settings["recorded"]["settings"]["dtype"] == "float32"
    assert model.settings["recorded"]["sampling"]["temperature"] == 0.5


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes where it likes")
def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(ModelError, match="could not be written"):
        list(generate_cached(tmp_path / "g.jsonl", Counting(), asked(*THREE), Sampling()))


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("gpt-4o", "https://api.openai.com/v1"),
        ("gpt-4.1-mini", "https://api.openai.com/v1"),
        ("o3-mini", "https://api.openai.com/v1"),
        ("claude-sonnet-4-5", "https://HOST/v1"),
        ("gemini-2.5-pro", "https://HOST/v1"),
    ],
)
def test_a_name_that_only_a_server_has_hints_at_the_command(name: str, url: str) -> None:
    with pytest.raises(ModelError, match=f"--model {url} --model-arg model={re.escape(name)} "):
        load(name)


@pytest.mark.parametrize("name", ["gpt2", "openai/gpt-oss-20b", "distilgpt2", "gpt-neo", "facebook/opt-125m"])
def test_a_name_that_the_hub_may_have_is_not_refused(name: str) -> None:
    from execverify.models.registry import _SERVED

    assert not _SERVED.match(name)


# ---------------------------------------------------------------------------------------------------- files of others


def test_samples_of_evalplus_and_outputs_of_livecodebench_are_read(tmp_path: Path) -> None:
    """The forms are those of EvalPlus's samples and of the files that LiveCodeBench's runner writes."""
    path = tmp_path / "samples.jsonl"
    lines = [
        {"task_id": "HumanEval/0", "solution": "def f(): pass"},
        {"task_id": "HumanEval/0", "solution": "def f(): return 1"},
        {"task_id": "HumanEval/1", "completion": "    return 2"},
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = read_recorded(str(path))
    assert found.extracted and {name: one[0].completions for name, one in found.generations.items()} == {
        "HumanEval/0": ("def f(): pass", "def f(): return 1"),
        "HumanEval/1": ("    return 2",),
    }
    outputs = [
        {"question_id": "1873_A", "output_list": ["```python\nprint(1)\n```"], "code_list": ["print(1)"], "graded_list": [True]},
        {"question_id": 7, "code_list": ["a", "b"]},
        {"id": "exec_1", "question_id": "2727", "pred_list": ["[1]"]},
    ]
    path.write_text(json.dumps(outputs))
    found = read_recorded(str(path))
    assert found.extracted and [one[0].completions for one in found.generations.values()] == [("print(1)",), ("a", "b"), ("[1]",)]
    assert list(found.generations) == ["1873_A", "7", "exec_1"]
    for bad in ({"task_id": "HumanEval/0"}, {"question_id": "1", "code_list": [3]}, {"question_id": "1"}):
        path.write_text(json.dumps([bad]))
        with pytest.raises(ModelError, match="has no"):
            read_recorded(str(path))
