"""Folders of runs: what may go on there, what is refused before anything is asked, and what readers are told."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from execverify.cli.app import execverify as command
from execverify.errors import EvaluationError, ModelError
from execverify.evaluation.run_dir import check_items, check_output, read_results

pytestmark = pytest.mark.usefixtures("fixed_items")

ITEMS = [{"id": f"sample_{number}", "code": "def f(x):\n    return x * 2", "input": str(number), "output": str(2 * number)} for number in range(6)]  # fmt: skip # noqa: E501


@pytest.fixture
def data(tmp_path: Path) -> Path:
    file = tmp_path / "items.jsonl"
    file.write_text("".join(json.dumps(item) + "\n" for item in ITEMS), encoding="utf-8")
    return file


def cli(*words: object) -> Any:
    return CliRunner().invoke(command, [str(word) for word in words])


def asked(out: Path, data: Path, *names: str, model: str = "mock:gold", limit: int = 4) -> Any:
    """The command for some of the CRUXEval benchmarks."""
    words = [word for name in names for word in ("--data", f"{name}={data}")]
    return cli("evaluate", *names, *words, "--model", model, "--limit", limit, "-o", out)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


BOTH = ("cruxeval-o", "cruxeval-i")
OTHER = "mock:constant:6"
REFUSED = [
    (("cruxeval-o",), BOTH, OTHER, 4, "holds another run (of cruxeval-o): give another --output folder"),
    (("cruxeval-o",), BOTH, "mock:gold", 4, "holds another run (of cruxeval-o): give another --output folder"),
    (BOTH, ("cruxeval-o",), OTHER, 4, "holds other runs (cruxeval-i, cruxeval-o): give another --output folder"),
    (BOTH, ("cruxeval-o",), "mock:gold", 4, "holds other runs (cruxeval-i, cruxeval-o): give another --output folder"),
    (BOTH, BOTH, OTHER, 4, 'holds another run (model is "mock:gold" there, "mock:constant:6" now): give another --output folder'),
    (BOTH, ("cruxeval-o", "heldout"), OTHER, 4, "holds other runs (cruxeval-i): name them, too, or give another --output folder"),
    (BOTH, ("heldout", *BOTH), OTHER, 4, 'holds another run (model is "mock:gold" there,'),
    (("cruxeval-o",), ("cruxeval-i",), "mock:gold", 4, "(benchmark is cruxeval-o there, cruxeval-i now): give another --output"),
    (("cruxeval-o",), ("heldout",), "mock:gold", 4, "(benchmark is cruxeval-o there, heldout now): give another --output folder"),
    (("cruxeval-o",), ("cruxeval-o",), "mock:gold", 2, "holds 4 items, of which this command asks 2: give another --output folder"),
    (BOTH, BOTH, "mock:gold", 2, "cruxeval-o holds 4 items, of which this command asks 2: give another --output folder"),
]  # fmt: skip


@pytest.mark.parametrize(("first", "then", "model", "limit", "told"), REFUSED)
@pytest.mark.parametrize("stopped", [False, True])
def test_a_folder_of_another_run_is_refused(
    first: tuple[str, ...], then: tuple[str, ...], model: str, limit: int, told: str, stopped: bool, data: Path, tmp_path: Path
) -> None:
    """Also one that was stopped: it holds generations alone."""
    out = tmp_path / "out"
    assert asked(out, data, *first).exit_code == 0
    if stopped:
        for path in [path for path in out.rglob("*") if path.is_file() and path.name != "generations.jsonl"]:
            path.unlink()
    before = contents(out)
    words = [word for name in then if name in BOTH for word in ("--data", f"{name}={data}")]
    done = cli("evaluate", *then, *words, "--model", model, "--limit", limit, "-o", out)
    assert isinstance(done.exception, ModelError) and told in str(done.exception), (done.output, done.exception)
    assert "\n" not in str(done.exception) and contents(out) == before, "nothing is written"


def test_what_goes_on_in_its_folder(data: Path, tmp_path: Path) -> None:
    """The same command, a larger limit, further benchmarks."""
    one, both = tmp_path / "one", tmp_path / "both"
    for limit, items in ((2, 2), (2, 2), (4, 4), (9, 6)):
        assert asked(one, data, "cruxeval-o", limit=limit).exit_code == 0
        assert read_results(one)["items"] == items
    for names in (BOTH, BOTH, ("heldout", *BOTH)):
        words = [word for name in BOTH for word in ("--data", f"{name}={data}")]
        assert cli("evaluate", *names, *words, "--model", "mock:gold", "--limit", 4, "-o", both).exit_code == 0
        rows = (both / "summary.md").read_text(encoding="utf-8")
        order = [rows.index(f"| {name}") for name in names]
        assert order == sorted(order), "the table has the order of the command"


def test_results_without_generations(data: Path, tmp_path: Path) -> None:
    """Whoever takes the generations away asks the same model again; another one is refused."""
    out = tmp_path / "out"
    assert asked(out, data, "cruxeval-o").exit_code == 0
    (out / "generations.jsonl").unlink()
    assert "model is mock:gold there, mock:empty now" in str(asked(out, data, "cruxeval-o", model="mock:empty").exception)
    assert "holds 4 items" in str(asked(out, data, "cruxeval-o", limit=1).exception)
    assert asked(out, data, "cruxeval-o").exit_code == 0
    (out / "results.json").write_text("{}", encoding="utf-8")
    assert asked(out, data, "cruxeval-o").exit_code == 0, "generations are judged anew"
    (out / "generations.jsonl").unlink()
    (out / "results.json").write_text("{}", encoding="utf-8")
    assert "results.json is no file of an evaluation" in str(asked(out, data, "cruxeval-o").exception)


def test_a_single_run_beside_runs_of_any_name(tmp_path: Path) -> None:
    (tmp_path / "runs" / "base").mkdir(parents=True)
    (tmp_path / "runs" / "base" / "generations.jsonl").write_text('{"execverify": "generations", "benchmark": "heldout"}\n')
    with pytest.raises(ModelError, match=r"runs holds other runs \(base\): give another --output folder"):
        check_output(tmp_path / "runs", ["heldout", "library-io"])
    check_output(tmp_path / "runs" / "base", ["heldout"])
    check_output(tmp_path / "runs" / "other", ["library-io"])
    check_items(tmp_path / "runs" / "other", "m", ["a"])


def test_readers_are_told_which_evaluations_a_folder_holds(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert asked(out, data, *BOTH).exit_code == 0
    with pytest.raises(EvaluationError, match=r"holds 2 evaluations: name one of them, \S+/cruxeval-i or \S+/cruxeval-o$"):
        read_results(out)
    for name in ("out/summary.md", "out/summary.html", "out/cruxeval-i/results.json"):
        (tmp_path / name).unlink()
    with pytest.raises(EvaluationError, match=r"out holds 2 evaluations: .*/cruxeval-o \(not finished: \S+/cruxeval-i\)$"):
        read_results(out)
    told = str(cli("compare", out, out / "cruxeval-o").exception)
    assert "name one of them, " in told and "no such file" not in told
    (out / "cruxeval-o" / "results.json").unlink()
    with pytest.raises(EvaluationError, match="holds 2 evaluations: give their command again to go on"):
        read_results(out)
    with pytest.raises(EvaluationError, match="cruxeval-i holds an evaluation that is not finished: give its command again"):
        read_results(out / "cruxeval-i")
    with pytest.raises(EvaluationError, match="no such file"):
        read_results(tmp_path / "nothing")


def test_a_comparison_of_other_items_warns_beside_its_tables(data: Path, tmp_path: Path) -> None:
    for name, limit in (("six", 6), ("two", 2)):
        assert asked(tmp_path / name, data, "cruxeval-o", limit=limit).exit_code == 0
    done = cli("compare", tmp_path / "six", tmp_path / "two", "-o", tmp_path / "page.html")
    assert done.exit_code == 0 and "six has 6 graded items and" in " ".join(done.stderr.split()), done.stderr
    assert "the comparison is on the 2 of both" in (tmp_path / "page.html").read_text(encoding="utf-8")
    assert json.loads(cli("compare", tmp_path / "six", tmp_path / "two", "--json").stdout)["warnings"]
    assert "graded items" not in cli("compare", tmp_path / "six", tmp_path / "six").stderr
