"""verifiers: the checks of our set of tasks by that library's own loaders and commands, in its own environment."""

from pathlib import Path

import pytest

from execverify.errors import RowError
from execverify.rewards.adapters import ground_truth, messages_of
from execverify.rewards.verl import compute_score
from tests.external.rows import CODE, EURUS, completions, rows
from tests.external.venvs import run_checks


def test_what_a_reward_worker_is_given_is_enough_to_judge_by() -> None:
    for row in rows():
        truth = ground_truth(row)
        assert row["prompt"][-1]["content"] not in truth
        for reward, completion in completions(row).items():
            assert compute_score(f"execverify/{row['kind']}", completion, truth)["score"] == reward


def test_rows_that_nobody_could_be_judged_by_are_refused() -> None:
    with pytest.raises(RowError, match="needs its unit tests"):
        ground_truth({**CODE, "questions": []})
    with pytest.raises(RowError, match="no completion can be judged"):
        ground_truth({**EURUS, "tests": {"asserts": ["assert True"], "entry_point": "f"}})
    with pytest.raises(RowError, match="must end in a message of the user"):
        messages_of({"prompt": []})
    with pytest.raises(RowError, match="each with a role"):
        messages_of({"prompt": [{"role": "user", "content": ["parts"]}]})


def test_in_the_librarys_own_environment(tmp_path: Path) -> None:
    run_checks("verifiers_checks.py", "EXECVERIFY_VERIFIERS_PYTHON", tmp_path, "verifiers")
