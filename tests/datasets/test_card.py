"""Dataset cards, and uploads to the hub by its own library, against a small hub on this machine."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from execverify.datasets import read_rows
from execverify.datasets.card import shell_command, with_licence
from execverify.datasets.cot_rows import parquet_columns
from execverify.datasets.push import prepare_upload
from execverify.datasets.rows_io import parquet_schema
from execverify.errors import DatasetError
from tests.helpers.command import jsonl, run
from tests.helpers.fake_hub import TOKEN, FakeHub, fake_hub

pytestmark = pytest.mark.filterwarnings("ignore")  # of the hub's libraries
PROGRAM = {"code": "def f(n):\n    while n > 4:\n        n -= 3\n    return [n]", "input": "9", "output": "[3]", "id": "good"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a dataset, rows of a file, and chains of thought, each with its card."""
    folder = tmp_path_factory.mktemp("cards")
    jsonl(folder / "programs.jsonl", PROGRAM)
    problem = {"task_id": 1, "text": "Add one.", "code": "def add(n):\n    return n + 1", "test_list": ["assert add(1) == 2"]}
    jsonl(folder / "problems.jsonl", {**problem, "test_setup_code": "", "challenge_test_list": []})
    for words in (
        ["build", "-o", "built", "--size", "30", "--seed", "3", "--workers", "1", "--levels", "1-2"],
        ["from-programs", str(folder / "programs.jsonl"), "-o", "rows.jsonl"],
        ["import", "problems.jsonl", "-o", "code.parquet"],
        ["add-cot", "rows.jsonl", "-o", "cot.parquet", "--style", "compact"],
    ):
        done = run("dataset", *words, "--quiet", cwd=folder)
        assert done.returncode == 0, done.stderr
    return folder


def card(path: Path) -> Any:
    from huggingface_hub import DatasetCard

    return DatasetCard.load(path)


def test_each_verb_that_writes_rows_writes_a_card_that_the_hub_reads(made: Path) -> None:
    cards = {"built/README.md": "apache-2.0", "rows.card.md": "unknown", "code.card.md": "unknown", "cot.card.md": "unknown"}
    for name, licence in cards.items():
        found = card(made / name)
        assert found.data.license == licence and found.data.language == ["en"], name
        assert found.data.size_categories == ["n<1K"] and found.data.task_categories == ["text-generation"]
        assert {"code", "execverify"} <= set(found.data.tags) and ("chain-of-thought" in found.data.tags) == (
            name == "cot.card.md"
        )
        assert found.text.startswith(f"\n# {name.split('.')[0].split('/')[0]}\n") and "OWNER/NAME" in found.text
        assert str(made) not in found.content
    assert (
        "execverify dataset build -o built --size 30 --seed 3 --workers 1 --levels 1-2 --quiet"
        in card(made / "built/README.md").text
    )
    assert "execverify dataset from-programs programs.jsonl -o rows.jsonl --quiet" in card(made / "rows.card.md").text


def test_columns_are_those_that_the_library_of_datasets_finds(made: Path) -> None:
    datasets = pytest.importorskip("datasets")
    for name, schema in (("built/README.md", parquet_schema(pa)), ("cot.card.md", parquet_columns(pa))):
        stated = card(made / name).data.to_dict()["dataset_info"]["features"]
        assert stated == datasets.Features.from_arrow_schema(schema)._to_yaml_list(), name


def test_a_folder_loads_by_its_card(made: Path, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    rows = datasets.load_dataset(str(made / "built"), cache_dir=str(tmp_path))
    manifest = json.loads((made / "built/manifest.json").read_text())
    assert {name: len(split) for name, split in rows.items()} == {
        name: count for name, count in manifest["splits"].items() if count
    }
    assert [row["id"] for row in rows["train"]] == [
        row["id"] for row in read_rows(str(made / "built")) if row["split"] == "train"
    ]


def test_rows_open_by_pandas_and_polars(made: Path) -> None:
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    expected = [row["id"] for row in read_rows(str(made / "built"))]
    assert sorted(pandas.read_parquet(made / "built/data")["id"]) == sorted(expected)
    assert sorted(polars.read_parquet(made / "built/data/*.parquet")["id"]) == sorted(expected)


def test_a_build_from_python_names_its_call(tmp_path: Path) -> None:
    from execverify.datasets import DatasetConfig, build

    build(tmp_path / "out", 3, DatasetConfig(seed=5, levels=(1,)))
    assert (
        "execverify.datasets.build(OUT, 3, execverify.datasets.DatasetConfig(seed=5, levels=(1,)))"
        in card(tmp_path / "out/README.md").text
    )


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["dataset", "build", "-o", "/home/somebody/out"], "execverify dataset build -o out"),
        (["--programs=/home/somebody/p.jsonl"], "execverify --programs=p.jsonl"),
        (["--model-arg", "api_key=abc"], "execverify --model-arg api_key=..."),
        (["--model", "https://user:word@host/v1"], "execverify --model https://host/v1"),
        (["--call", "f('a b')"], """execverify --call 'f('"'"'a b'"'"')'"""),
    ],
)
def test_a_published_command_has_no_paths_and_no_secrets(words: list[str], shown: str) -> None:
    assert shell_command(words) == shown


def test_a_licence_replaces_the_cards(made: Path) -> None:
    text = with_licence((made / "rows.card.md").read_text(), "mit")
    assert '\nlicense: "mit"\n' in text and text.endswith("## Licence\n\n`mit`.\n") and "Name it before" not in text


# ---------------------------------------------------------------------------------------------------- uploads


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with fake_hub() as found:
        yield found


def push(hub: FakeHub, folder: Path, *words: str, token: str = TOKEN) -> subprocess.CompletedProcess[str]:
    settings = {
        "HF_ENDPOINT": hub.url,
        "HF_TOKEN": token,
        "HF_HOME": str(folder / "hf"),
        "HF_HUB_OFFLINE": "0",
        "HF_HUB_DISABLE_XET": "1",
    }
    command = [sys.executable, "-m", "execverify", "dataset", "push", *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, env=os.environ | settings, timeout=120)


def test_a_dataset_is_uploaded_by_the_hubs_own_library(hub: FakeHub, made: Path) -> None:
    hub.repositories["me/tasks"] = {"data/train-00007.parquet": b"of an earlier upload", "notes.txt": b"mine"}
    done = push(hub, made, "built", "me/tasks", "--message", "first", "--private")
    assert done.returncode == 0, done.stderr
    files = hub.repositories["me/tasks"]
    shards = {path.relative_to(made / "built").as_posix(): path.read_bytes() for path in (made / "built/data").glob("*.parquet")}
    assert files.keys() == {"README.md", "manifest.json", "report.html", "notes.txt", *shards}
    assert all(files[name] == data for name, data in shards.items())
    assert b'load_dataset("me/tasks")' in files["README.md"] and hub.messages == ["first"]
    assert f"{hub.url}/datasets/me/tasks" in done.stderr


def test_a_file_of_rows_is_uploaded_with_its_card_and_a_licence(hub: FakeHub, made: Path) -> None:
    done = push(hub, made, "rows.jsonl", "me/rows", "--license", "cc-by-4.0", "--json")
    assert done.returncode == 0, done.stderr
    assert hub.repositories["me/rows"].keys() == {"README.md", "rows.jsonl"}
    assert b'license: "cc-by-4.0"' in hub.repositories["me/rows"]["README.md"] and not hub.private["me/rows"]
    assert json.loads(done.stdout)["files"]["rows.jsonl"] == (made / "rows.jsonl").stat().st_size


def test_a_dry_run_lists_and_sends_nothing(hub: FakeHub, made: Path) -> None:
    done = push(hub, made, "rows.jsonl", "me/rows", "--dry-run")
    assert done.returncode == 0 and "README.md" in done.stdout and "rows.jsonl" in done.stdout
    assert "nothing was sent: 2 files" in done.stderr and "names no licence" in done.stderr and hub.repositories == {}


@pytest.mark.parametrize(
    ("words", "token", "said"),
    [
        (["built", "me/tasks"], "hf_wrong", "run `hf auth login`, or set HF_TOKEN"),
        (["built", "tasks"], TOKEN, "write OWNER/NAME"),
        (["built", "me/tasks", "--license", "My Own"], TOKEN, "is no licence of the hub"),
        (["nothing", "me/tasks"], TOKEN, "nothing: no such file or folder"),
        (["programs.jsonl", "me/tasks"], TOKEN, "not a row"),
    ],
)
def test_what_cannot_be_pushed_is_one_line(hub: FakeHub, made: Path, words: list[str], token: str, said: str) -> None:
    done = push(hub, made, *words, token=token)
    assert done.returncode == 2 and said in done.stderr and len(done.stderr.strip().splitlines()) == 1, done.stderr


def test_a_hub_that_is_not_there_is_one_line(made: Path) -> None:
    nowhere = FakeHub()
    nowhere.url = "http://127.0.0.1:9"
    done = push(nowhere, made, "built", "me/tasks")
    assert done.returncode == 2 and len(done.stderr.strip().splitlines()) == 1, done.stderr


def test_a_dataset_without_a_card_gets_one(made: Path, tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_bytes((made / "rows.jsonl").read_bytes())
    upload = prepare_upload(tmp_path / "rows.jsonl", "me/rows")
    assert "2 rows: 1 white_box, 1 input_prediction." in upload.card and list(upload.files) == ["rows.jsonl"]
    with pytest.raises(DatasetError, match="write OWNER/NAME"):
        prepare_upload(tmp_path / "rows.jsonl", "../rows")
