"""Two processes that train together, as `torchrun` starts them: one prepares, measures and writes. (They need TRL.)"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from execverify.errors import TrainingError
from execverify.training.checkpoints import LOG, MODEL, finished
from execverify.training.distributed import wait_for_main
from tests.helpers.tiny_training import arguments

pytest.importorskip("trl", reason="training needs the extra [train]")


def _launch(out: Path, *changes: str) -> subprocess.CompletedProcess[str]:
    # `accelerate launch --cpu` would start one process, whatever it is asked for.
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"}
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    run = ["-m", "execverify", "train", "all", "--preset", "tiny", "--output", str(out), *arguments(*changes)]
    return subprocess.run([*launcher, *run], capture_output=True, text=True, env=environment, timeout=900, check=False)


@pytest.mark.slow
def test_two_processes_train_all(tmp_path: Path) -> None:
    out = tmp_path / "out"
    changes = (
        "sft.per_device_batch_size=4",
        "rl_whitebox.per_device_batch_size=4",
        "rl_unit_tests.per_device_batch_size=4",
        "sft.max_steps=3",
        "rl_whitebox.max_steps=2",
    )
    done = _launch(out, *changes)
    assert done.returncode == 0, done.stderr[-3000:]
    for stage, steps in (("sft", 3), ("rl_whitebox", 2), ("rl_unit_tests", 2)):
        told = finished(out / stage)
        assert told is not None and told["steps"] == steps
        lines = [json.loads(line) for line in (out / stage / LOG).read_text(encoding="utf-8").splitlines()]
        assert [line["step"] for line in lines] == list(range(1, steps + 1))  # written by one of them
        assert (out / stage / MODEL / "model.safetensors").exists() and not list((out / stage).glob("checkpoint-*"))
        assert len(list(out.glob(f".{stage}-begins-*"))) == 1  # there were two
    assert done.stderr.count("sft: training") == 1 and (out / "report.md").exists()
    again = _launch(out, *changes)
    assert again.returncode == 0 and "trains on" not in again.stderr


def test_an_experiment_is_one_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from execverify.training.ablation.run import Ablation
    from tests.helpers.tiny_training import preset

    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(TrainingError, match="an ablation is one process"):
        Ablation(preset(), [0], [], tmp_path / "out").run()


def test_others_wait_for_the_first_of_this_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sign of an earlier start, with another launcher, says nothing."""
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "0")
    (tmp_path / ".sft-begins-1").touch()
    wait_for_main(tmp_path, "sft")
    sign = tmp_path / f".sft-begins-{os.getppid()}"
    assert sign.exists() and not (tmp_path / ".sft-begins-1").exists()
    sign.unlink()
    (tmp_path / ".sft-begins-1").touch()
    monkeypatch.setenv("RANK", "1")
    naps: list[float] = []

    def nap(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 3:
            sign.touch()

    monkeypatch.setattr(time, "sleep", nap)
    wait_for_main(tmp_path, "sft")
    assert len(naps) == 3
