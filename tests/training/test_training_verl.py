"""verl: what is exported, how a preset becomes its settings, the run's folder. Without verl, but for the last test."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from execverify.datasets.rows_io import write_rows
from execverify.errors import ModelError, QuestionError, RowError, TrainingError
from execverify.questions.rows import to_row
from execverify.rewards import REWARDS, CreditReward
from execverify.rewards.adapters import ground_truth
from execverify.rewards.verl import compute_score, compute_step_score, constant_score
from execverify.training.config import Preset
from execverify.training.presets import load_preset, preset_names
from execverify.training.token_credits import TokenCredits
from execverify.training.with_verl import launch as launching
from execverify.training.with_verl.config import overrides, steps_of, verl_settings
from execverify.training.with_verl.credits import PLUGIN, batch_advantages
from execverify.training.with_verl.launch import launch, prepare, trained_model
from execverify.training.with_verl.metrics import figures
from execverify.training.with_verl.rows import Exported, export, verl_row
from tests.external.rows import CODE, EURUS, completions, rows
from tests.external.venvs import run_checks
from tests.helpers import step_group
from tests.helpers.small_models import byte_tokenizer

pq = pytest.importorskip("pyarrow.parquet")
PAPER = load_preset("paper-7b")


def exported(train: int = 32_000, validation: int = 600) -> Exported:
    """An account of files that nobody opens."""
    return Exported(
        Path("data"), Counter({name: count for name, count in (("train", train), ("validation", validation)) if count})
    )


def settings(stage: str = "rl_whitebox", preset: Preset = PAPER, data: Exported | None = None, **changes: Any) -> dict[str, Any]:
    return verl_settings(preset.with_settings(stage, **changes), stage, data or exported(), "some/model", Path("run"))


# ------------------------------------------------------------------------------------------------------------- rows


def test_rows_of_all_kinds_are_judged_by_what_was_exported(tmp_path: Path) -> None:
    made = rows()
    account = export(made, tmp_path)
    assert account.rows == {"train": 9, "validation": 2} and not account.left_out
    entries: dict[Any, Any] = {}
    for split in ("train", "validation"):
        read = pq.read_table(account.file(split)).to_pylist()
        assert [entry["extra_info"]["index"] for entry in read] == list(range(account.rows[split]))
        entries |= {(entry["extra_info"]["id"], entry["data_source"]): entry for entry in read}
    assert len(entries) == len(made)
    for row in made:
        entry = entries[row["id"], f"execverify/{row['kind']}"]
        assert entry["prompt"] == row["prompt"]
        assert entry["extra_info"]["split"] == row["split"]
        assert entry["reward_model"]["style"] == "rule"
        for reward, completion in completions(row).items():
            judged = compute_score(entry["data_source"], completion, entry["reward_model"]["ground_truth"], entry["extra_info"])
            assert judged["score"] == reward, (row["id"], completion)


def test_the_schema_is_the_same_for_every_file(tmp_path: Path) -> None:
    export([CODE], tmp_path / "code")
    export([row for row in rows() if row["kind"] == "white_box"], tmp_path / "white")
    schemas = {pq.read_schema(file) for file in tmp_path.glob("*/*.parquet")}
    assert len(schemas) == 1  # verl concatenates files


def test_a_row_that_cannot_be_judged_is_left_out_and_counted(tmp_path: Path) -> None:
    good = rows()[0]
    bad = [
        {**good, "id": "another version", "version": 99},
        {**good, "id": "no prompt", "prompt": []},
        {**good, "id": "ends in an answer", "prompt": [{"role": "assistant", "content": "x"}]},
        {**good, "id": "no questions", "questions": None},
        {**CODE, "id": "no tests", "questions": []},
        {**EURUS, "id": "fewer outputs", "tests": {"inputs": ["1", "2"], "outputs": ["1"]}},
        {**EURUS, "id": "pays everybody", "tests": {"asserts": ["assert True"], "entry_point": "f"}},
        {**good, "id": "for evaluation", "split": "test"},
    ]
    account = export([*bad, good], tmp_path)
    assert account.rows == {"train": 1}
    assert account.left_out == {"malformed": 7, "of split test": 1}
    assert "another version" in account.examples["malformed"]
    for row in bad[:7]:
        with pytest.raises(RowError):
            verl_row(row)


def test_kinds_limits_and_lengths(tmp_path: Path) -> None:
    made = rows()
    account = export(made, tmp_path / "a", kinds=["input_prediction"], limit=2, validation_limit=0)
    assert (account.rows, account.kinds) == ({"train": 2}, {"input_prediction": 2})
    sizes = sorted(len(row["prompt"][-1]["content"]) for row in made)
    account = export(made, tmp_path / "b", length=lambda messages: len(messages[-1]["content"]), longest=sizes[4])
    assert account.left_out["too long"] == len(made) - 5 and account.rows.total() == 5
    read = [entry for file in (tmp_path / "b").glob("*.parquet") for entry in pq.read_table(file).to_pylist()]
    assert max(len(entry["prompt"][-1]["content"]) for entry in read) == sizes[4]
    with pytest.raises(QuestionError, match="white_box"):
        export(made, tmp_path / "c", kinds=["white-box"])


def test_reading_ends_where_the_files_are_full(tmp_path: Path) -> None:
    def endless() -> Any:
        while True:
            yield rows()[0]

    assert export(endless(), tmp_path, limit=3, validation_limit=0).rows == {"train": 3}


def test_nothing_half_written_takes_the_place_of_what_is_there(tmp_path: Path) -> None:
    export(rows(), tmp_path)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}

    def broken() -> Any:
        yield from rows()
        raise RowError("the disk of the rows is gone")

    with pytest.raises(RowError, match="gone"):
        export(broken(), tmp_path)
    with pytest.raises(RowError, match=r"nothing to train on.*2 malformed"):
        export([{**CODE, "prompt": []}, {**CODE, "questions": []}], tmp_path)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before
    export(rows()[:2], tmp_path)  # none for validation: the old file would be another dataset's
    assert [file.name for file in tmp_path.iterdir()] == ["train.parquet"]


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RowError, match="could not be written"):
        export(rows(), tmp_path / "file" / "data")


def command(*words: str) -> subprocess.CompletedProcess[str]:
    """`execverify dataset export`, as a person would run it."""
    return subprocess.run(
        [sys.executable, "-m", "execverify", "dataset", "export", *words],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_verb_says_what_was_written_and_what_was_not(tmp_path: Path) -> None:
    file = str(tmp_path / "rows.jsonl")
    write_rows(file, [*rows(), {**CODE, "id": "empty", "questions": []}])
    done = command(file, "-o", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    assert f"9 rows -> {tmp_path / 'out' / 'train.parquet'}" in done.stderr
    assert "left out: 1 malformed (empty: the row cannot be used" in done.stderr.replace("\n", " ")
    done = command(file, "-o", str(tmp_path / "out"), "--task-kinds", "white_box", "--limit", "2", "--json")
    told = json.loads(done.stdout)
    assert told["rows"] == {"train": 2, "validation": 1} and told["kinds"] == {"white_box": 3}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("nothing.jsonl", "-o", "out"), "nothing.jsonl: no such file"),
        (("-", "-o", "out", "--task-kinds", "white-box"), "did you mean white_box"),
        (("-", "-o", "out", "--model", "m"), "--model and --max-prompt-length go together"),
        (("-", "-o", "out", "--format", "veil"), "'veil' is not one of 'verl', 'cwm', 'authors'"),
    ],
)
def test_the_verb_says_in_one_line_what_is_wrong(words: tuple[str, ...], message: str) -> None:
    done = command(*words)
    assert done.returncode == 2 and message in done.stderr and done.stderr.count("\n") == 1


# --------------------------------------------------------------------------------------------------------- settings


def test_the_papers_hyperparameters_are_verls(tmp_path: Path) -> None:
    """Section 4.1 of the paper, by the names in verl's documentation."""
    found = settings()
    assert (
        found.items()
        >= {
            "algorithm.adv_estimator": "grpo",
            "data.train_batch_size": 128,
            "data.max_prompt_length": 2048,
            "data.max_response_length": 4096,
            "actor_rollout_ref.actor.optim.lr": 1e-6,
            "actor_rollout_ref.actor.ppo_mini_batch_size": 64,
            "actor_rollout_ref.actor.use_kl_loss": False,
            "actor_rollout_ref.actor.entropy_coeff": 0.0,
            "actor_rollout_ref.rollout.n": 8,
            "trainer.total_epochs": 4,
            "trainer.total_training_steps": 4 * 32_000 // 128,
            "reward.custom_reward_function.name": "compute_score",
            "+reward.custom_reward_function.reward_kwargs.alpha": 0.5,
        }.items()
    )
    code = settings("rl_unit_tests", data=exported(25_000, 0))
    assert code["trainer.total_epochs"] == 5
    assert not any("reward_kwargs" in name for name in code)
    assert code["trainer.test_freq"] == -1 and code["trainer.val_before_train"] is False


@pytest.mark.parametrize(
    ("reward", "kwargs"),
    [
        ("white_box", {"reward": "white_box", "alpha": 0.3}),
        ("output_only", {"reward": "output_only", "alpha": 0.0}),
        ("control_flow", {"reward": "control_flow", "alpha": 0.3}),
        ("data_flow", {"reward": "data_flow", "alpha": 0.3}),
    ],
)
def test_ablations_are_settings_of_the_reward_function(reward: str, kwargs: dict[str, Any]) -> None:
    prefix = "+reward.custom_reward_function.reward_kwargs."
    found = settings(reward=reward, alpha=0.3)
    given = {name.removeprefix(prefix): value for name, value in found.items() if name.startswith(prefix)}
    assert given == kwargs
    row = rows()[0]
    half = completions(row)[1.0]  # the output is right, and no question answered
    score = compute_score(f"execverify/{row['kind']}", half, json.dumps(row), **given)["score"]
    assert score == pytest.approx(2.0 * (1 - kwargs["alpha"]))


@pytest.mark.parametrize("reward", ["step", "bilevel", "first_divergence"])
def test_credits_of_steps_take_our_estimator(reward: str) -> None:
    preset = load_preset("paper-7b", [f"rl_whitebox.reward={reward}", "sft.cot_style=compact"])
    found, plain = settings(preset=preset), settings()
    assert {name for name in found if found[name] != plain.get(name)} == {
        "algorithm.adv_estimator",
        "trainer.v1.trainer_mode",
        "+ray_kwargs.ray_init.runtime_env.env_vars.VERL_USE_EXTERNAL_MODULES",
        "reward.custom_reward_function.name",
        "+reward.custom_reward_function.reward_kwargs.reward",
        "+reward.custom_reward_function.reward_kwargs.chains",
    }
    assert found["algorithm.adv_estimator"] == found["trainer.v1.trainer_mode"] == "execverify_steps"
    assert found["reward.custom_reward_function.name"] == "compute_step_score"
    assert found["+reward.custom_reward_function.reward_kwargs.reward"] == reward


@pytest.mark.parametrize("reward", ["verified", "progress"])
def test_rewards_of_chains_without_credits_take_verls_estimator(reward: str) -> None:
    found = settings(reward=reward)
    assert found["algorithm.adv_estimator"] == "grpo" and "trainer.v1.trainer_mode" not in found
    assert found["reward.custom_reward_function.name"] == "compute_score"
    assert found["+reward.custom_reward_function.reward_kwargs.reward"] == reward


def test_advantages_of_a_batch(tmp_path: Path) -> None:
    """Two groups whose rows alternate; rows without steps belong to none."""
    tokenizer = pytest.importorskip("transformers").AutoTokenizer.from_pretrained(byte_tokenizer(tmp_path))
    rule = REWARDS.get("step")
    assert isinstance(rule, CreditReward)
    truth = json.dumps(to_row(step_group.task()))
    texts = [*step_group.GROUP, *step_group.GROUP[:2], step_group.TRUE]
    units = [compute_step_score("execverify/white_box", text, truth, reward="step")["units"] for text in texts]
    ids = [[*tokenizer(text, add_special_tokens=False)["input_ids"], 2] for text in texts]
    order = [0, 4, 1, 5, 2, 3, 6]
    found = batch_advantages(
        rule,
        TokenCredits(tokenizer, tokenizer.all_special_ids, clean_up=None),
        [ids[row] for row in order],
        [str(units[row]) if row < 6 else "" for row in order],
        ["a" if row < 4 else "b" for row in order],
    )
    values = dict(zip(order, found, strict=True))
    for row, expected in enumerate(step_group.by_hand("step")):
        assert values[row] == pytest.approx(expected)
    second = step_group.TRUE.index("L2#1")  # one right and one wrong: sqrt(1/2 * 1/2 * 2)
    assert values[4][second] == pytest.approx(0.5**0.5) and values[5][second] == pytest.approx(-(0.5**0.5))
    assert set(values[6]) == {0.0} and len(values[6]) == len(ids[6])


def test_losses_advantages_and_clipping() -> None:
    assert settings(loss_type="grpo")["actor_rollout_ref.actor.loss_agg_mode"] == "seq-mean-token-mean"
    assert settings(loss_type="dapo")["actor_rollout_ref.actor.loss_agg_mode"] == "token-mean"
    dr = settings(loss_type="dr_grpo", scale_rewards="none", max_completion_length=777)
    assert dr["actor_rollout_ref.actor.loss_agg_mode"] == "seq-mean-token-sum-norm"
    assert dr["actor_rollout_ref.actor.loss_scale_factor"] == 777
    assert dr["algorithm.norm_adv_by_std_in_grpo"] is False
    clipped = settings(epsilon=0.2, epsilon_high=0.28)
    assert (clipped["actor_rollout_ref.actor.clip_ratio_low"], clipped["actor_rollout_ref.actor.clip_ratio_high"]) == (0.2, 0.28)
    kl = settings(beta=0.01)
    assert kl["actor_rollout_ref.actor.use_kl_loss"] and kl["actor_rollout_ref.actor.kl_loss_coef"] == 0.01


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scale_rewards": "batch"}, "rl_whitebox.scale_rewards = batch"),
        ({"lr_scheduler_type": "linear"}, "rl_whitebox.lr_scheduler_type = linear: give constant or cosine"),
        ({"mask_truncated_completions": True}, "rl_whitebox.mask_truncated_completions = true"),
        ({"loss_type": "cispo"}, "rl_whitebox.loss_type = cispo"),
        ({"reward": "per_component", "difficulty_filter_samples": 8}, "difficulty_filter_samples = 8"),
        ({"prompts_per_rollout": 64_000, "mini_batch_size": 64_000}, "has 32000 rows to train on, and one step takes 64000"),
    ],
)
def test_what_verl_has_not_is_refused_by_name(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        settings(**changes)


def test_stages_and_trackers_that_verl_has_not() -> None:
    with pytest.raises(TrainingError, match=r"not 'sft'.*execverify train sft"):
        verl_settings(PAPER, "sft", exported(), "m", Path("run"))
    with pytest.raises(TrainingError, match="no tracker 'comet'"):
        settings(preset=PAPER.replace(report_to=("comet",)))


def test_steps_count_rollouts() -> None:
    stage = PAPER.rl_whitebox.replace(prompts_per_rollout=8, mini_batch_size=4, num_train_epochs=1.5, max_steps=0)
    assert steps_of("rl_whitebox", stage, 83) == 15  # 10 rollouts an epoch, the last 3 rows dropped
    assert steps_of("rl_whitebox", stage.replace(max_steps=7), 83) == 4  # 7 updates, two a rollout
    assert steps_of("rl_whitebox", stage.replace(num_train_epochs=0.01), 83) == 1


def test_the_presets_own_table_wins_and_may_be_nested() -> None:
    table = {
        "trainer": {"nnodes": 4},
        "actor_rollout_ref.rollout.name": "sglang",
        "reward.custom_reward_function.reward_kwargs.alpha": 1.0,
    }
    found = settings(preset=PAPER.replace(verl=table))
    assert found["trainer.nnodes"] == 4 and found["actor_rollout_ref.rollout.name"] == "sglang"
    assert [name for name in found if name.endswith("reward_kwargs.alpha")] == [
        "reward.custom_reward_function.reward_kwargs.alpha"
    ]


def test_values_are_quoted_as_hydra_reads_them() -> None:
    """The rules are those of Hydra's grammar; in verl's environment each is read back by Hydra itself."""
    given = {
        "a": True,
        "b": None,
        "c": 1e-6,
        "d": ["x", "two words"],
        "e": "run/a.parquet",
        "f": "a=b",
        "g": "007",
        "h": 'say "hi"\\',
    }
    assert overrides(given) == [
        "a=true",
        "b=null",
        "c=1e-06",
        'd=[x,"two words"]',
        "e=run/a.parquet",
        'f="a=b"',
        'g="007"',
        'h="say \\"hi\\"\\\\"',
    ]


@pytest.mark.parametrize("name", preset_names())
@pytest.mark.parametrize("stage", ["rl_whitebox", "rl_unit_tests"])
def test_every_preset_has_settings_for_verl(name: str, stage: str) -> None:
    preset = load_preset(name, [f"{stage}.mask_truncated_completions=false", f"{stage}.difficulty_filter_samples=0"])
    if preset.stage(stage).scale_rewards == "batch" or preset.stage(stage).lr_scheduler_type not in ("constant", "cosine"):
        pytest.skip("a preset for TRL alone")
    assert len(overrides(verl_settings(preset, stage, exported(100_000), "m", Path("run")))) > 40


# ---------------------------------------------------------------------------------------------------- the run's folder

SMALL = [
    "rl_whitebox.prompts_per_rollout=4",
    "rl_whitebox.mini_batch_size=2",
    "rl_whitebox.per_device_batch_size=2",
    "rl_whitebox.num_generations=2",
    "rl_whitebox.num_train_epochs=2",
]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Preset:
    """A preset for a handful of rows; names on the hub are not looked up, as where there is no network."""
    real = launching.prompt_length
    monkeypatch.setattr(launching, "prompt_length", lambda model: None if model.endswith("/model") else real(model))
    return load_preset("paper-7b", SMALL)


def test_a_run_is_prepared_from_a_dataset(small: Preset, tmp_path: Path) -> None:
    dataset = tmp_path / "rows.jsonl"
    write_rows(str(dataset), [row for row in rows() if row is not EURUS])
    folder = prepare(small, "rl_whitebox", dataset, "some/model", tmp_path / "run with blanks")
    assert sorted(path.name for path in folder.iterdir()) == ["data", "run.sh", "settings.json"]
    told = json.loads((folder / "settings.json").read_text())
    assert (told["stage"], told["model"], told["rows"]) == ("rl_whitebox", "some/model", {"train": 6, "validation": 2})
    assert told["left_out"] == {"of kind code_generation": 2}
    assert told["settings"]["trainer.total_training_steps"] == 2
    assert told["preset"]["rl_whitebox"]["prompts_per_rollout"] == 4
    command = (folder / "run.sh").read_text()
    assert "bash run.sh trainer.nnodes=N" in command
    assert subprocess.run(["bash", "-n", str(folder / "run.sh")], check=False).returncode == 0


STAND_IN = "import json, sys\njson.dump(sys.argv[1:], open({out!r}, 'w'))\nsys.exit(7)\n"


def test_the_command_hands_every_setting_to_verl(small: Preset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in that writes down its arguments takes verl's place."""
    heard = tmp_path / "heard.json"
    package = tmp_path / "packages" / "verl" / "trainer"
    package.mkdir(parents=True)
    (package / "main_ppo.py").write_text(STAND_IN.format(out=str(heard)))
    monkeypatch.syspath_prepend(str(tmp_path / "packages"))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "packages"))
    folder = prepare(small, "rl_whitebox", rows(), "some/model", tmp_path / "it's a run")
    assert launch(folder) == 7
    told = json.loads((folder / "settings.json").read_text())
    assert json.loads(heard.read_text()) == overrides(told["settings"])
    done = subprocess.run(
        ["bash", str(folder / "run.sh"), "trainer.nnodes=2"], env={**os.environ, "PYTHON": sys.executable}, check=False
    )
    assert done.returncode == 7
    assert json.loads(heard.read_text())[-1] == "trainer.nnodes=2"


def test_the_log_of_an_earlier_start_is_kept(small: Preset, tmp_path: Path) -> None:
    folder = prepare(small, "rl_whitebox", rows(), "some/model", tmp_path / "a run")
    for number in ("one", "two"):
        (folder / "log.jsonl").write_text(number)
        subprocess.run(["bash", str(folder / "run.sh")], env={**os.environ, "PYTHON": "true"}, check=True)
    assert [(folder / f"log.{n}.jsonl").read_text() for n in (1, 2)] == ["one", "two"]
    assert not (folder / "log.jsonl").exists()


def test_without_verl_launching_says_how_to_get_it(small: Preset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = prepare(small, "rl_whitebox", rows(), "some/model", tmp_path / "run")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(TrainingError, match=r"pip install .*verl.*bash .*run\.sh") as caught:
        launch(folder)
    assert "\n" not in str(caught.value)
    with pytest.raises(TrainingError, match="prepare the run first"):
        launch(tmp_path)


def test_a_run_that_has_begun_goes_on_and_is_never_written_over(small: Preset, tmp_path: Path) -> None:
    folder = prepare(small, "rl_whitebox", rows(), "some/model", tmp_path / "run")
    again = prepare(small, "rl_whitebox", rows()[:4], "some/model", folder)  # it has not begun, and is made anew
    assert json.loads((again / "settings.json").read_text())["rows"] == {"train": 4}
    (folder / "checkpoints").mkdir()
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert prepare(small, "rl_whitebox", iter(()), "some/model", folder) == folder
    with pytest.raises(TrainingError, match="checkpoints of a run with other settings"):
        prepare(small, "rl_whitebox", rows(), "other/model", folder)
    with pytest.raises(TrainingError, match="checkpoints of a run with other settings"):
        prepare(load_preset("paper-7b", [*SMALL, "rl_whitebox.alpha=0.1"]), "rl_whitebox", rows(), "some/model", folder)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_a_missing_model_is_said_before_any_work(small: Preset, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such folder"):
        prepare(small, "rl_whitebox", rows(), str(tmp_path / "nothing"), tmp_path / "run")
    assert not (tmp_path / "run").exists()


# ------------------------------------------------------------------------------------------------------- the rewards


def test_parts_are_gated_rewards_of_their_own() -> None:
    row = rows()[0]
    assert row["kind"] == "white_box"
    gold = completions(row)[2.0]
    wrong = gold.replace("== " + row["program"]["result"], "== 'other'")
    names = ("output", "next_statement", "variable_state", "input")
    for completion, expected in ((gold, (1.0, 1.0, 1.0, 0.0)), (wrong, (0.0, 0.0, 0.0, 0.0))):
        judged = compute_score("execverify/white_box", completion, json.dumps(row))
        assert tuple(judged[f"{name}_reward"] for name in names) == expected
    ungated = compute_score("execverify/white_box", wrong, json.dumps(row), require_correct_output=False)
    assert (ungated["output_reward"], ungated["next_statement_reward"], ungated["variable_state_reward"]) == (0.0, 1.0, 1.0)


def test_the_constant_reward_has_variance_and_no_sense() -> None:
    assert {constant_score("any", text, None)["score"] for text in ("a", "ab", "abc")} == {0.5, 1.5}


# ------------------------------------------------------------------------------------------- what verl left behind


def kept(folder: Path, step: int, groups: dict[str, list[tuple[dict[str, Any], float, str]]]) -> None:
    """A file of completions as verl's trainer writes it."""
    (folder / "rollouts").mkdir(exist_ok=True)
    lines = [
        {"input": "p", "output": text, "gts": ground_truth(row), "score": reward, "step": step, "uid": f"{uid}_{number}_0"}
        for uid, members in groups.items()
        for number, (row, reward, text) in enumerate(members)
    ]
    (folder / "rollouts" / f"{step}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_parts_are_counted_from_the_completions_that_verl_keeps(small: Preset, tmp_path: Path) -> None:
    folder = prepare(small, "rl_whitebox", rows(), "some/model", tmp_path / "run")
    with pytest.raises(TrainingError, match="holds no completions"):
        list(figures(folder))
    white, inverse = rows()[:2]
    members = {row["kind"]: [(row, reward, text) for reward, text in completions(row).items()] for row in (white, inverse, EURUS)}
    kept(folder, 10, {"a": members["white_box"]})
    kept(folder, 2, {"a": members["input_prediction"], "b": members["input_prediction"][:1] * 2, "c": members["code_generation"]})
    second, tenth = figures(folder)
    assert (second["step"], tenth["step"]) == (2, 10)
    assert "chain_true" not in tenth  # no chain was graded
    assert tenth["output"] == pytest.approx(2 / 3) and tenth["next_statement"] == pytest.approx(1 / 3)
    assert tenth["reward"] == pytest.approx((2 + 1 + 0) / 3) and tenth["groups without variance"] == 0.0
    assert second["input"] == pytest.approx(3 / 4) and second["unit_test"] == pytest.approx(3 / 6)
    assert second["groups without variance"] == pytest.approx(1 / 3)
    assert second["our failures"] == 0 and second["completions"] == 7


def test_the_model_of_the_last_checkpoint(small: Preset, tmp_path: Path) -> None:
    folder = prepare(small, "rl_whitebox", rows(), "some/model", tmp_path / "run")
    with pytest.raises(TrainingError, match="no checkpoint yet"):
        trained_model(folder)
    model = folder / "checkpoints" / "global_step_20" / "actor" / "huggingface"
    model.mkdir(parents=True)
    (folder / "checkpoints" / "latest_checkpointed_iteration.txt").write_text("20")
    with pytest.raises(TrainingError, match=r"holds no weights.*model_merger"):
        trained_model(folder)
    (model / "model.safetensors").write_bytes(b"")
    assert trained_model(folder) == model


@pytest.mark.parametrize(("reward", "trainer"), [("white_box", "execverify_curriculum"), ("step", "execverify_steps_curriculum")])
def test_the_curriculum_is_a_trainer_of_ours(reward: str, trainer: str) -> None:
    found = settings(reward=reward, curriculum=True, curriculum_target=0.4)
    assert found["trainer.v1.trainer_mode"] == trainer and found["data.dataloader_num_workers"] == 0
    assert found["+data.curriculum.target"] == 0.4 and found["+data.curriculum.half_life"] == 30.0
    assert PLUGIN in found.values() and not any("curriculum" in name for name in settings(reward=reward))


@pytest.mark.parametrize("changes", [{"reward": "per_component"}, {"difficulty_filter_samples": 4}])
def test_what_verl_cannot_do_with_a_curriculum(changes: dict[str, Any]) -> None:
    with pytest.raises(TrainingError, match="curriculum"):
        settings(curriculum=True, **changes)


# ------------------------------------------------------------------------------------------------ in verl's environment


def test_in_verls_own_environment(tmp_path: Path) -> None:
    """Config composition, dataset, reward managers and Ray actors of verl itself: `make verl` runs this too."""
    run_checks("verl_checks.py", "EXECVERIFY_VERL_PYTHON", tmp_path, "verl")


def test_a_whole_run_of_verls_trainer(tmp_path: Path) -> None:
    """On the processor, with listed completions in place of a rollout engine."""
    run_checks("verl_run.py", "EXECVERIFY_VERL_PYTHON", tmp_path, "verl")
