"""The curriculum: its estimates by hand, a simulated learner, exact resume, and real trainings of a tiny model."""

import json
import math
import random
import re
import shutil
import statistics
from pathlib import Path
from typing import Any

import pytest

from execverify.errors import TrainingError
from execverify.rewards.parts import GradedPart, Score, Verdict
from execverify.training.curriculum import (
    PASS_RATE,
    ROWS_SEEN,
    Curriculum,
    CurriculumConfig,
    passed,
    passed_counts,
    update_groups,
)

ROWS, PROMPTS, COMPLETIONS, ROLLOUTS = 300, 12, 8, 240


# ------------------------------------------------------------------------------------------------------- estimates


def test_estimates_by_hand() -> None:
    curriculum = Curriculum([0, 0, 1], CurriculumConfig(half_life=1.0))
    assert [curriculum.pass_rate(row) for row in range(3)] == [0.5, 0.5, 0.5]
    curriculum.update(0, 6, 6)
    similar = (0.5 * 2 + 6) / (2 + 6)
    assert curriculum.pass_rate(1) == similar  # rows of its group share what it showed
    assert curriculum.pass_rate(0) == (similar * 2 + 6) / (2 + 6) and curriculum.pass_rate(2) == 0.5
    curriculum.draw(0, 1)  # one rollout later, outcomes count half
    faded = (0.5 * 2 + 3) / (2 + 3)
    assert curriculum.pass_rate(1) == faded and curriculum.pass_rate(0) == (faded * 2 + 3) / (2 + 3)
    curriculum.update(0, 0, 4)
    assert curriculum.pass_rate(1) == (0.5 * 2 + 3) / (2 + 3 + 4)


def test_the_prior_comes_from_the_rows() -> None:
    rows: list[dict[str, Any]] = [{"kind": "white_box", "difficulty": {"steps": steps}} for steps in range(1, 17)]
    rows[0]["difficulty"] |= {"pass_count": 10, "samples": 10}
    rows[3]["difficulty"] |= {"pass_count": None, "samples": None}
    rows += [{"kind": "input_prediction"}]
    curriculum = Curriculum.of_rows(rows, CurriculumConfig(), 0)
    assert len(set(curriculum.groups)) == 9  # eighths of one kind, and the other kind
    assert curriculum.groups[0] == curriculum.groups[1] != curriculum.groups[2]
    rates = [curriculum.pass_rate(row) for row in range(17)]
    assert rates[0] > rates[1] > 0.8 and set(rates[2:]) == {0.5}
    assert curriculum.rows_seen == 0
    alike = Curriculum.of_rows([{"kind": "white_box", "difficulty": {"steps": 3}}] * 20, CurriculumConfig(), 0)
    assert set(alike.groups) == {0}


def test_weights_prefer_the_target_and_leave_no_row_out() -> None:
    config = CurriculumConfig(target=0.25, width=0.1, exploration=0.2)
    measured = {0: (250.0, 1000.0), 1: (350.0, 1000.0), 2: (1000.0, 1000.0), 3: (0.0, 1000.0)}
    weights = Curriculum(range(4), config, measured=measured).weights()
    assert sum(weights) == pytest.approx(1) and min(weights) >= 0.2 / 4
    near = [weight - 0.2 / 4 for weight in weights]
    assert near[1] / near[0] == pytest.approx(math.exp(-0.5), rel=0.02) and near[2] < near[3] < near[1]


def test_draws_depend_on_the_seed_and_take_each_row_once() -> None:
    first, again, other = (Curriculum([0] * 50, seed=seed) for seed in (1, 1, 2))
    drawn = [first.draw(number, 10) for number in range(3)]
    assert drawn == [again.draw(number, 10) for number in range(3)] and drawn != [other.draw(number, 10) for number in range(3)]
    assert all(len(set(rows)) == 10 for rows in drawn) and len({tuple(rows) for rows in drawn}) == 3
    assert first.draw(1, 10) == drawn[1] and len(first.draws) == 3  # what was drawn stays
    assert sorted(first.sample(50, "all")) == list(range(50))
    assert first.sample(5, "a") == first.sample(5, "a") != first.sample(5, "b") and len(first.draws) == 3
    extreme = Curriculum([0, 1], CurriculumConfig(target=1.0, width=0.001, exploration=0.0))
    assert sorted(extreme.draw(0, 2)) == [0, 1]  # weights of zero break nothing


def test_what_passes() -> None:
    def score(*parts: tuple[str, Verdict], reward: float | None = 1.0) -> Score:
        return Score(reward, tuple(GradedPart(kind, (), None, verdict) for kind, verdict in parts))

    right, wrong = Verdict.RIGHT, Verdict.WRONG
    assert passed(score(("output", right), ("variable_state", wrong))) == 1
    assert passed(score(("output", wrong), ("variable_state", right))) == 0
    assert passed(score(("format", right), ("unit_test", right), ("unit_test", wrong))) == 0
    assert passed(score(("format", wrong), ("unit_test", right), ("unit_test", Verdict.UNSUPPORTED))) == 1
    assert passed(None) is None and passed(score(("output", right), reward=None)) is None
    assert passed_counts({"output_asked": 1.0, "output_right": 1.0, "variable_state_asked": 3.0}) == 1
    assert passed_counts({"unit_test_asked": 3.0, "unit_test_right": 2.0}) == passed_counts({"score": 1.5}) == 0


def test_figures_are_of_before_the_update() -> None:
    curriculum = Curriculum([0, 1, 2])
    found = update_groups(curriculum, [0, 0, 1, 1], [1.0, 1.0, None, 0.25])
    assert found == {PASS_RATE: 0.5, ROWS_SEEN: 2.0}
    assert curriculum.pass_rate(0) > 0.5 > curriculum.pass_rate(1) and curriculum.pass_rate(2) == 0.5


# ------------------------------------------------------------------------------------------------------ simulation


def simulated(uniform: bool, seed: int, curriculum: Curriculum | None = None, rollouts: int = ROLLOUTS) -> dict[str, list[float]]:
    """A learner whose skill rises over rows whose difficulty nobody knows: what each rollout's draws were."""
    source = random.Random(seed)
    hard = [source.gauss(0, 3) for _ in range(ROWS)]
    curriculum = curriculum or Curriculum([0] * ROWS, CurriculumConfig(exploration=1.0 if uniform else 0.1), seed)
    found: dict[str, list[float]] = {"alike": [], "drawn": [], "all": []}
    for number in range(rollouts):
        skill = -2.0 + 4.0 * number / ROLLOUTS
        rates = [1 / (1 + math.exp(each - skill)) for each in hard]
        chosen = curriculum.draw(number, PROMPTS)
        outcomes = [float(source.random() < rates[row]) for row in chosen for _ in range(COMPLETIONS)]
        update_groups(curriculum, [row for row in chosen for _ in range(COMPLETIONS)], outcomes)
        groups = [outcomes[at : at + COMPLETIONS] for at in range(0, len(outcomes), COMPLETIONS)]
        found["alike"].append(sum(len(set(group)) == 1 for group in groups) / PROMPTS)
        found["drawn"].append(statistics.fmean(rates[row] for row in chosen))
        found["all"].append(statistics.fmean(rates))
    return found


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_draws_follow_a_learner(seed: int) -> None:
    ours, uniform = simulated(False, seed), simulated(True, seed)
    half = ROLLOUTS // 2
    alike, even = (statistics.fmean(found["alike"][30:]) for found in (ours, uniform))
    assert alike < even - 0.15, (alike, even)  # after 30 rollouts of exploration
    for part in (slice(30, half), slice(half, ROLLOUTS)):
        assert abs(statistics.fmean(ours["drawn"][part]) - 0.5) < 0.15
    begin, end = (statistics.fmean(uniform["all"][part]) for part in (slice(0, 30), slice(-30, None)))
    assert begin < 0.36 and end > 0.64  # while the whole set moved past the target


def test_draws_seek_the_chosen_pass_rate() -> None:
    means = []
    for target in (0.2, 0.5, 0.8):
        curriculum = Curriculum([0] * ROWS, CurriculumConfig(target=target), 0)
        means.append(statistics.fmean(simulated(False, 0, curriculum)["drawn"][60:]))
    assert means == sorted(means) and means[0] < 0.4 and means[2] > 0.6, means


def test_a_restored_state_draws_the_same() -> None:
    whole = Curriculum([0, 1, 2] * 20, seed=5, measured={3: (2.0, 10.0)})
    source = random.Random(0)
    outcomes = [[float(source.random() < 0.3) for _ in range(8)] for _ in range(20)]
    state: dict[str, Any] = {}
    for number, own in enumerate(outcomes):
        if number == 10:
            whole.draw(10, 2)  # loaders draw ahead of the updates
            state = json.loads(json.dumps(whole.state()))
        rows = whole.draw(number, 2)
        update_groups(whole, [row for row in rows for _ in range(4)], own)
    again = Curriculum([0, 1, 2] * 20, seed=5, measured={3: (2.0, 10.0)})
    again.restore(state)
    for number, own in enumerate(outcomes[10:], 10):
        update_groups(again, [row for row in again.draw(number, 2) for _ in range(4)], own)
    assert again.draws == whole.draws and again.state() == whole.state() and again.rows_seen == whole.rows_seen
    with pytest.raises(TrainingError, match="other rows"):
        Curriculum([0, 1]).restore(state)
    with pytest.raises(TrainingError, match="other rows"):
        Curriculum([0, 1, 2]).restore(state)


# ------------------------------------------------------------------------------------------------------------- TRL


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("trl", reason="training needs the extra [train]")
    from tests.helpers.small_models import random_model

    return random_model("llama", tmp_path_factory.mktemp("llama"))


class Hashed:
    """A reward that differs by the text: a share of 1."""

    __name__ = "hashed"

    def __init__(self) -> None:
        self.asked: list[list[int]] = []

    def __call__(self, completions: Any, curriculum_row: list[int], **_: Any) -> list[float]:
        self.asked.append(curriculum_row)
        return [len(str(each)) % 3 / 2 for each in completions]


def trained_by_trl(folder: Path, out: Path, resumed: Path | None = None, **settings: Any) -> tuple[list[list[int]], Any, Any]:
    """The rows of each rollout, the curriculum, and the log, of ten optimizer steps: five rollouts, of which an epoch has three."""
    import datasets
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import GRPOConfig

    from execverify.training.with_trl.trainer import ExecVerifyGRPOTrainer

    usual = {
        "output_dir": str(out), "use_cpu": True, "report_to": "none", "save_steps": 2, "disable_tqdm": True, "logging_steps": 1,
        "learning_rate": 1e-3, "max_steps": 10, "num_train_epochs": 2, "num_generations": 2, "per_device_train_batch_size": 2,
        "gradient_accumulation_steps": 1, "steps_per_generation": 2, "max_completion_length": 6, "temperature": 1.0, "seed": 3,
        "bf16": False, "gradient_checkpointing": False,
    }  # fmt: skip
    reward = Hashed()
    rows = [{"prompt": [{"role": "user", "content": f"x = {at}"}], "id": str(at)} for at in range(7)]
    curriculum = Curriculum([0] * 7, CurriculumConfig(half_life=2.0), 3)
    dynamic = settings.pop("dynamic_sampling", 0)
    trainer = ExecVerifyGRPOTrainer(
        model=AutoModelForCausalLM.from_pretrained(folder),
        args=GRPOConfig(**{**usual, **settings}),
        reward_funcs=reward,
        train_dataset=datasets.Dataset.from_list(rows),
        processing_class=AutoTokenizer.from_pretrained(folder),
        dynamic_sampling=dynamic,
        curriculum=curriculum,
    )
    trainer.train(resume_from_checkpoint=str(resumed) if resumed else None)
    return reward.asked, curriculum, trainer.state.log_history


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("rollouts", "settings"),
    [
        ((1, 3, 4), {}),  # resumed within an epoch, at its end, and in the next one
        ((2,), {"steps_per_generation": 1, "per_device_train_batch_size": 4, "max_steps": 5, "save_steps": 1}),
        ((2,), {"dynamic_sampling": 2}),
    ],
)
def test_trl_draws_from_it_and_a_resumed_training_draws_the_same(
    folder: Path, tmp_path: Path, rollouts: tuple[int, ...], settings: dict[str, Any]
) -> None:
    asked, curriculum, log = trained_by_trl(folder, tmp_path / "whole", save_total_limit=None, **settings)
    if not settings.get("dynamic_sampling"):
        assert asked == [[row for row in rows for _ in range(2)] for rows in curriculum.draws[:5]]  # each prompt twice
    assert [line[ROWS_SEEN] for line in log if ROWS_SEEN in line] == sorted(line[ROWS_SEEN] for line in log if ROWS_SEEN in line)
    assert all(0 < line[PASS_RATE] < 1 for line in log if PASS_RATE in line) and curriculum.rows_seen >= 4
    every = 2 if log[-1]["step"] == 10 else 1
    for rollout in rollouts:
        checkpoint = tmp_path / f"from-{rollout}" / f"checkpoint-{rollout * every}"
        shutil.copytree(tmp_path / "whole" / checkpoint.name, checkpoint)
        more, again, later = trained_by_trl(folder, checkpoint.parent, checkpoint, **settings)
        assert more == asked[-len(more) :] and again.draws == curriculum.draws and again.state() == curriculum.state()
        assert [line["reward"] for line in later if "reward" in line] == [line["reward"] for line in log if "reward" in line]
    (checkpoint / "curriculum.json").unlink()
    with pytest.raises(TrainingError, match="without curriculum"):
        trained_by_trl(folder, checkpoint.parent, checkpoint, **settings)


# ------------------------------------------------------------------------------------------------------------ verl


@pytest.mark.filterwarnings("ignore")
def test_verls_loader_saves_and_restores_the_sampler() -> None:
    loading = pytest.importorskip("torchdata.stateful_dataloader", reason="it comes with verl")
    from execverify.training.with_verl.curriculum import CurriculumSampler

    def loader() -> tuple[Curriculum, Any]:
        curriculum = Curriculum([0] * 9, seed=4)
        sampler = CurriculumSampler(curriculum, 4)
        assert len(sampler) == 8
        return curriculum, loading.StatefulDataLoader(
            list(range(9)), batch_size=4, sampler=sampler, drop_last=True, num_workers=0
        )

    def batches(curriculum: Curriculum, loaded: Any, count: int) -> list[list[int]]:
        found: list[list[int]] = []
        while len(found) < count:
            for batch in loaded:
                found.append(batch.tolist())
                update_groups(curriculum, found[-1], [1.0, 0.0, 1.0, 0.0])
                if len(found) == count:
                    break
        return found

    curriculum, whole = loader()
    first = batches(curriculum, whole, 3)  # of epochs of two batches
    state = whole.state_dict()
    again, resumed = loader()
    resumed.load_state_dict(json.loads(json.dumps(state)))
    more = batches(again, resumed, 3)
    assert again.draws[:3] == first
    other, alone = loader()
    assert batches(other, alone, 6) == first + more


def test_verls_rows_carry_what_the_curriculum_needs() -> None:
    from execverify.training.with_verl.curriculum import curriculum_of
    from execverify.training.with_verl.rows import verl_row
    from tests.external.rows import rows

    made = [{**row, "difficulty": {**(row.get("difficulty") or {"steps": 1}), "pass_count": 1, "samples": 4}} for row in rows()]
    entries = [verl_row(row)["extra_info"] for row in made]
    found = curriculum_of(entries, {"target": 0.3}, 7)
    wanted = Curriculum.of_rows(made, CurriculumConfig(target=0.3), 7)
    assert found.groups == wanted.groups and found.measured == wanted.measured == dict.fromkeys(range(len(made)), (1.0, 4.0))
    assert found.draw(0, 3) == wanted.draw(0, 3)


@pytest.mark.parametrize(("passed", "samples"), [(float("nan"), 8), (1, float("nan")), (-1, 8), (9, 8), (1, float("inf"))])
def test_a_pass_count_that_is_no_count_changes_no_weight(passed: float, samples: float) -> None:
    odd = {"kind": "white_box", "difficulty": {"steps": 1, "pass_count": passed, "samples": samples}}
    unmeasured = {"kind": "white_box", "difficulty": {"steps": 1}}
    other = {"kind": "white_box", "difficulty": {"steps": 1, "pass_count": 1, "samples": 8}}
    weights = [Curriculum.of_rows([row, other], CurriculumConfig(), seed=0).weights() for row in (odd, unmeasured)]
    assert weights[0] == weights[1]


NO_OUTCOMES: list[tuple[Any, Any]] = [
    (math.nan, 8), (1, math.nan), (-1, 8), (9, 8), (1, math.inf), (math.inf, math.inf), (0, -1), (1, 1e300), ("1", 8), (None, 8),
]  # fmt: skip


@pytest.mark.parametrize(("right", "total"), NO_OUTCOMES)
def test_an_outcome_that_is_no_count_is_refused_by_its_value(right: Any, total: Any) -> None:
    curriculum = Curriculum([0, 0, 1])
    curriculum.update(0, 1, 8)
    before = (curriculum.weights(), curriculum.state())
    with pytest.raises(
        TrainingError, match=re.escape(f"row 1 cannot have {right!r} right of {total!r}: give counts with 0 <= right <= total")
    ):
        curriculum.update(1, right, total)
    with pytest.raises(TrainingError, match="row 1 cannot have"):
        Curriculum([0, 0, 1], measured={1: (right, total)})
    state = json.loads(json.dumps(curriculum.state()))
    for changed in ({**state, "groups": [[right, total, 0], [0, 0, 0]]}, {**state, "rows": {"1": [right, total, 0]}}):
        with pytest.raises(TrainingError, match="cannot be used"):
            curriculum.restore(changed)
    assert (curriculum.weights(), curriculum.state()) == before


@pytest.mark.parametrize("row", [-1, 3, 0.5, math.nan, None])
def test_a_row_that_is_not_there_is_refused(row: Any) -> None:
    curriculum = Curriculum([0, 0, 1])
    with pytest.raises(TrainingError, match=rf"there is no row {row!r}: give a number from 0 to 2"):
        curriculum.update(row, 1, 8)
    assert curriculum.state() == Curriculum([0, 0, 1]).state()


def test_outcomes_of_arrays_and_shares_count() -> None:
    import numpy as np

    curriculum, same = Curriculum([0, 0]), Curriculum([0, 0])
    curriculum.update(np.int64(1), np.float32(1.5), np.int64(4))  # type: ignore[arg-type]
    same.update(1, 1.5, 4)
    assert json.dumps(curriculum.state()) == json.dumps(same.state())


def test_a_rollout_with_one_outcome_that_is_none_changes_nothing() -> None:
    curriculum = Curriculum([0, 0])
    with pytest.raises(TrainingError, match="row 1 cannot have nan right of 1"):
        update_groups(curriculum, [0, 1], [1.0, math.nan])
    assert curriculum.state() == Curriculum([0, 0]).state()


@pytest.mark.parametrize(
    ("name", "value"),
    [("target", math.nan), ("target", 1.5), ("width", 0.0), ("width", math.nan), ("exploration", -0.1), ("half_life", 0.0),
     ("half_life", math.nan), ("width", math.inf)],
)  # fmt: skip
def test_settings_that_would_spoil_all_weights_are_refused(name: str, value: float) -> None:
    with pytest.raises(TrainingError, match=rf"the curriculum's {name} is {value!r}: give a number"):
        CurriculumConfig(**{name: value})


@pytest.mark.parametrize("at", [-1, 5, 0.5, math.nan])
def test_a_state_from_the_future_is_refused(at: float) -> None:
    curriculum = Curriculum([0, 0])
    with pytest.raises(TrainingError, match="cannot be used"):
        curriculum.restore({"rows": {}, "groups": [[1, 2, at]], "draws": []})
