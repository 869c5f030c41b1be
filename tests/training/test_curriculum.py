"""The curriculum: its estimates by hand, a simulated learner, exact resume, and real trainings of a tiny model."""

import json
import math
import random
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
