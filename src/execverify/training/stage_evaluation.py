"""Evaluations of the model before, between and after the stages, by `execverify evaluate`'s own code."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from execverify.datasets.from_programs import ConversionReport, RowConfig, make_rows
from execverify.datasets.rows_io import write_rows
from execverify.errors import TrainingError
from execverify.evaluation.run import evaluate
from execverify.evaluation.run_dir import RESULTS, read_results, strict_scores
from execverify.models import Sampling
from execverify.models.checkpoint import fingerprint
from execverify.models.transformers_backend import Transformers
from execverify.programs.records import read_programs
from execverify.reports.evaluation import write_run
from execverify.reports.legend import shown
from execverify.training.checkpoints import Logger
from execverify.training.config import Preset
from execverify.training.data import Rows, TaskRows, counts, make_folder, out_of_distribution_rows

CRUXEVAL = {"cruxeval-o": "white_box", "cruxeval-i": "input_prediction"}
"""What is asked of CRUXEval's programs, and the kind of row that asks it."""
HELD_OUT = "held out"


@dataclass(frozen=True)
class StageEvaluation:
    """One evaluation.

    Attributes:
        name: in tables.
        benchmark: of `execverify evaluate --list`.
        data: its file; None where it has none.
        style: of the prompts.
        limit: of the items; None for all.
        samples: completions an item, drawn at temperature 1; 1 means one greedy completion.
    """

    name: str
    benchmark: str
    data: Path | None
    style: str
    limit: int | None = None
    samples: int = 1

    def sampled(self, samples: int) -> "StageEvaluation":
        """The same with several sampled completions an item."""
        return replace(self, name=f"{self.name} sampled", samples=samples)

    def sampling(self, preset: Preset) -> Sampling:
        """How completions are drawn."""
        most, seed = preset.evaluation.max_tokens, preset.seed
        return Sampling(1.0 if self.samples > 1 else 0.0, max_tokens=most, n=self.samples, seed=seed)


def measures_of(
    preset: Preset, rows: Rows, tasks: TaskRows, out: Path, workers: int, say: Logger = print
) -> list[StageEvaluation]:
    """The evaluations of a preset; held-out rows are made where they are not there yet."""
    evaluation, style = preset.evaluation, preset.data.prompt_template
    held = make_folder(out) / "held-out.parquet"
    if not held.exists():
        write_rows(str(held), rows.of_evaluation())
    chains = preset.sft.cot_style == "compact" and "white_box" in preset.data.kinds
    benchmark = "heldout-chains" if chains else "heldout"
    found = [StageEvaluation(HELD_OUT, benchmark, held, style)]
    if evaluation.tasks:
        coding = out / "held-out-tasks.parquet"
        if not coding.exists():
            write_rows(str(coding), tasks.of_evaluation())
        found.append(StageEvaluation("held out tasks", "heldout-code", coding, style))
    for name, folder in out_of_distribution_rows(preset, out, workers, say).items():
        title = {"unseen": "unseen methods", "longer": "longer programs"}[name]
        found.append(StageEvaluation(title, benchmark, folder, style, evaluation.rows))
    if evaluation.cruxeval:
        for name, kind in CRUXEVAL.items():
            path = out / f"{name}.parquet"
            if not path.exists():
                asked = RowConfig((kind,), max_questions=0, prompt_template=style, split="test", workers=workers)
                made = make_rows(read_programs(evaluation.cruxeval), asked, ConversionReport())
                write_rows(str(path), islice(made, evaluation.limit or None))
            found.append(
                StageEvaluation(name, benchmark, path, style)
            )  # asked as the model was trained; `evaluate` asks as the authors do
    return found


def measure(
    model: str,
    measures: Sequence[StageEvaluation],
    preset: Preset,
    out: Path,
    *,
    workers: int = 1,
    say: Logger = print,
) -> dict[str, Mapping[str, Any]]:
    """The results of a model, by the evaluation's name; what is there already is not evaluated again.

    Args:
        model: hub name or folder.
        measures: see `measures_of`.
        preset: for the batch and the most tokens.
        out: folder, with a folder for each measure in it.
        workers: processes that run programs.
        say: gets a line about each evaluation.

    Raises:
        TrainingError: what is there is of another model.
    """
    found: dict[str, Mapping[str, Any]] = {}
    asked: Transformers | None = None
    for one in measures:
        folder = out / one.name.replace(" ", "-")
        if not (folder / RESULTS).exists():
            say(f"{out.name}: {one.name}: evaluating")
            asked = asked or measured_model(model, preset)
            drawn = one.sampling(preset)
            run = evaluate(
                one.benchmark,
                asked,
                data=one.data,
                style=one.style,
                sampling=drawn,
                limit=one.limit,
                out=folder,
                workers=workers,
                progress=counts(say, f"{out.name}: {one.name}"),
            )
            write_run(folder, run)
        found[one.name] = read_results(folder)
        _check_model(found[one.name], model, folder)
        _check_answered(found[one.name], one)
        say(
            f"{out.name}: {one.name}: "
            + ", ".join(f"{shown(task)} {score:.1f}" for task, score, _ in strict_scores(found[one.name]))
        )
    if asked is not None:
        asked.close()
    return found


def measured_model(model: str, preset: Preset) -> Transformers:
    """The model as it is asked: on a GPU in what training computes in, whatever its weights are kept in."""
    import torch

    dtype = preset.model.dtype if torch.cuda.is_available() else "auto"
    return Transformers(model, batch_size=preset.evaluation.batch_size, dtype=dtype)


def _check_answered(results: Mapping[str, Any], one: StageEvaluation) -> None:
    """Raises TrainingError where no item could be asked."""
    if results["strict"].get("pass_at_1") is None:
        why = next((row["error"] for row in results["item_grades"] if row.get("error")), "no item was answered")
        raise TrainingError(f"{one.name} cannot be measured: {why}; set model.context higher, or leave it out")


def _check_model(results: Mapping[str, Any], model: str, folder: Path) -> None:
    """Raises TrainingError where results are of another model."""
    recorded, path = results["model"], Path(model)
    if path.exists():
        other = recorded["settings"].get("weights") != fingerprint(path)
    else:
        other = recorded["name"] not in (model, path.name)
    if other:
        raise TrainingError(
            f"{folder} is the evaluation of another model ({recorded['name']}), not of {model}: remove it to measure again, or give "
            "another --output"
        )


def read_evaluations(folder: Path) -> dict[str, Mapping[str, Any]]:
    """The results that `measure` left in a folder, by the name of the measure's folder."""
    return {path.parent.name: read_results(path) for path in sorted(folder.glob(f"*/{RESULTS}"))}
