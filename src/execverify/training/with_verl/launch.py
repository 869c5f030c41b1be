"""Reinforcement learning by verl, on one machine or on many by Ray: a run's folder, and the command that starts it.

    folder = prepare(preset, "rl_whitebox", "rows", "Qwen/Qwen2.5-Coder-7B-Instruct", Path("run"))
    launch(folder)                       # or on the cluster: bash run/run.sh

    FOLDER/data/train.parquet, validation.parquet    the rows
    FOLDER/run.sh                                    the command, with every setting; more of them may be given to it
    FOLDER/settings.json                             the preset, the counts of rows, and the same settings as JSON
    FOLDER/checkpoints, rollouts, log.jsonl          written by verl

verl itself is needed by `launch` alone. It lives in an environment of its own: its transformers is older than TRL's.
"""

import importlib.util
import os
import shlex
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from execverify import __version__
from execverify.errors import ModelError, TrainingError
from execverify.questions.rows import Row
from execverify.questions.task import Message
from execverify.training.config import Preset
from execverify.training.length_filter import chat_text, check_template
from execverify.training.run_dir import read_json, write_json
from execverify.training.with_verl.config import CHECKPOINTS, LOG, Settings, check_for_verl, overrides, verl_settings
from execverify.training.with_verl.rows import Exported, Length, export
from execverify.utils.atomic import atomic_text
from execverify.utils.hub import hub_access
from execverify.utils.messages import count_phrase

RUN, SETTINGS, DATA = "run.sh", "settings.json", "data"
INSTALL = "pip install 'execverify[verl]'"
_MODULE = "verl.trainer.main_ppo"


def prepare(preset: Preset, stage: str, rows: str | Path | Iterable[Row], model: str, out: Path) -> Path:
    """Writes the folder of one stage's run, from which `launch` starts it.

    The rows of the splits "train" and "validation" are taken, of the kinds that the stage rewards, at most `rows` of the stage
    and `evaluation.rows` of the preset; too long and malformed ones are left out and counted in `settings.json`. A folder
    whose run has begun is left as it is, so that it goes on where it was stopped, with the same rows in the same order.

    Args:
        preset: all settings.
        stage: "rl_whitebox" or "rl_unit_tests".
        rows: the folder of a dataset, a file of rows, or rows themselves.
        model: hub name or folder that training starts from: usually the model after SFT.
        out: the run's folder. On a cluster every machine must see it, and a model's folder, under the same name.

    Returns:
        The folder.

    Raises:
        TrainingError: a setting that verl does not have, too few rows, a tokenizer without chat template, or a folder of
            another run that has begun.
        RowError: rows that cannot be read.
        ModelError: no such model.
    """
    check_for_verl(preset, stage)
    recorded = {"engine": "verl", "stage": stage, "model": model, "preset": preset.as_json()}
    if _begun(out, recorded):
        return out
    rl = preset.stage(stage)
    exported = export(
        rows,
        out / DATA,
        kinds=rl.kinds,
        limit=rl.rows,
        validation_limit=preset.evaluation.rows,
        length=prompt_length(model),
        longest=rl.max_prompt_length,
    )
    settings = verl_settings(preset, stage, exported, _full_name(model), out)
    write_run(out, stage, settings, exported, recorded)
    return out


def _begun(out: Path, recorded: dict[str, Any]) -> bool:
    """Whether this very run has begun in the folder.

    Raises:
        TrainingError: another one has.
    """
    if not (out / CHECKPOINTS).exists():
        return False
    found = read_json(out / SETTINGS) or {}
    if any(found.get(name) != value for name, value in recorded.items()) or not (out / RUN).exists():
        raise TrainingError(f"{out} holds the checkpoints of a run with other settings: give another folder, or remove this one")
    return True


def _full_name(model: str) -> str:
    """A folder by its full path, for verl's processes have other working folders; a hub name as it is."""
    return str(Path(model).absolute()) if Path(model).is_dir() else model


def prompt_length(model: str) -> Length | None:
    """Tokens of a prompt by a model's tokenizer; None where no tokenizer can be had here, and verl has to measure.

    Raises:
        ModelError: a folder that is not there.
        TrainingError: a tokenizer without chat template.
    """
    if model.startswith((".", "/", "~")) and not Path(model).is_dir():
        raise ModelError(f"{model}: no such folder; give a model's folder or its name on the hub")
    try:
        from transformers import AutoTokenizer

        with hub_access(model):
            tokenizer: Any = AutoTokenizer.from_pretrained(model)
    except (ImportError, OSError, ValueError):
        return None
    check_template(tokenizer, model)

    def length(messages: Sequence[Message]) -> int:
        return len(tokenizer(chat_text({"prompt": messages}, tokenizer), add_special_tokens=False)["input_ids"])

    return length


def write_run(out: Path, stage: str, settings: Settings, exported: Exported, recorded: dict[str, Any]) -> None:
    """Writes a run's command and its settings; each file is there whole or not at all.

    Args:
        out: the run's folder.
        stage: "rl_whitebox" or "rl_unit_tests".
        settings: as `verl_settings` gives them.
        exported: the rows.
        recorded: further entries of `settings.json`.

    Raises:
        TrainingError: the files cannot be written.
    """
    counts = {
        "rows": dict(exported.rows),
        "kinds": dict(exported.kinds),
        "left_out": dict(exported.left_out),
        "examples": exported.examples,
    }
    plain = {**recorded, **counts, "settings": settings, "execverify": __version__}
    write_json(out / SETTINGS, plain)
    _write(out / RUN, command_file(stage, settings, exported, out.absolute() / LOG))


def command_file(stage: str, settings: Settings, exported: Exported, log: Path) -> str:
    """The text of `run.sh`; `log` is where verl writes its figures."""
    rows = ", ".join(count_phrase(count, f"{split} row") for split, count in exported.rows.items())
    left = ", ".join(f"{count} {reason}" for reason, count in exported.left_out.items()) or "none"
    lines = [
        "#!/usr/bin/env bash",
        f"# GRPO by verl, {stage}; written by execverify {__version__}. {rows}; left out: {left}.",
        f"# Needs: {INSTALL}    (an environment of its own, on each machine)",
        "# One machine:      bash run.sh",
        "# Several machines: `ray start --head` on the first, `ray start --address=FIRST:6379` on the others, and on the first",
        "#                   bash run.sh trainer.nnodes=N",
        "# What is given to run.sh is handed on, and counts before what is written here. A run that was stopped goes on from its",
        "# last checkpoint when the same command is given again.",
        "set -euo pipefail",
        "settings=(",
    ]
    section = ""
    for name, argument in zip(settings, overrides(settings), strict=True):
        if (begins := _section(name)) != section:
            section = begins
            lines.append(f"  # {section}")
        lines.append(f"  {shlex.quote(argument)}")
    lines += [
        ")",
        f"log={shlex.quote(str(log))}  # verl begins it anew at each start: the one before is kept as log.1.jsonl, and so on",
        'if [ -s "$log" ]; then',
        "  n=1",
        '  while [ -e "${log%.jsonl}.$n.jsonl" ]; do n=$((n + 1)); done',
        '  mv "$log" "${log%.jsonl}.$n.jsonl"',
        "fi",
        f'exec "${{PYTHON:-python3}}" -m {_MODULE} "${{settings[@]}}" "$@"',
        "",
    ]
    return "\n".join(lines)


def _section(name: str) -> str:
    parts = name.lstrip("+").split(".")
    return ".".join(parts[:2]) if parts[0] == "actor_rollout_ref" else parts[0]


def _write(path: Path, text: str) -> None:
    try:
        atomic_text(path, text)
    except OSError as error:
        raise TrainingError(f"{path} could not be written: {error.strerror or error}") from None


def launch(folder: Path) -> int:
    """Runs what `prepare` wrote, with this interpreter, until it ends; returns its exit status.

    Raises:
        TrainingError: there is nothing to run, or verl is not installed here.
    """
    if not (folder / RUN).exists():
        raise TrainingError(f"{folder / RUN}: no such file; prepare the run first")
    if importlib.util.find_spec("verl") is None:
        raise TrainingError(
            f"verl is not installed here: in an environment of its own, `{INSTALL}`, then `bash {folder / RUN}` in it"
        )
    environment = {**os.environ, "PYTHON": sys.executable}
    return subprocess.run(["bash", str(folder / RUN)], env=environment, check=False).returncode


def trained_model(folder: Path) -> Path:
    """The model's folder in the last checkpoint of a run, as transformers reads it.

    Raises:
        TrainingError: there is no checkpoint yet, or one without the model as transformers reads it.
    """
    checkpoints = folder / CHECKPOINTS
    try:
        step = int((checkpoints / "latest_checkpointed_iteration.txt").read_text(encoding="ascii"))
    except (OSError, ValueError):
        raise TrainingError(f"{folder} has no checkpoint yet: `bash {folder / RUN}` trains it") from None
    found = checkpoints / f"global_step_{step}" / "actor" / "huggingface"
    if not any(found.glob("*.safetensors")):
        raise TrainingError(
            f"{found} holds no weights: `python -m verl.model_merger merge --backend fsdp` makes them from {found.parent}"
        )
    return found
