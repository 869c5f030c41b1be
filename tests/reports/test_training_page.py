"""The pages of trainings and ablations, their curves, and the index of a folder."""

import itertools
import re
from pathlib import Path
from typing import Any

import pytest

from execverify.reports.index_page import Entry, index_page
from execverify.reports.links import flat_settings
from execverify.utils.messages import count_phrase

pytest.importorskip("matplotlib", reason="curves need the extra [train]")

from execverify.reports.ablation import write_pages
from execverify.reports.curves import SFT_TITLES, curve_baselines, curve_of, curves_of, draw_curves, sft_window
from execverify.reports.rl_change import RlStage, rl_changes
from execverify.reports.training import write_report
from execverify.reports.training_page import Training, stage_rows


def _log(*rewards: float) -> list[dict[str, Any]]:
    return [{"step": step, "reward": reward, "execverify/output": reward / 4} for step, reward in enumerate(rewards, 1)]


LOGS = {"white-box": [_log(1, 2, 3), _log(3, 4, 5)], "<step>": [_log(1, 1, 1)]}


def test_a_curve_is_the_mean_over_seeds_with_its_band() -> None:
    curve = curve_of("reward", LOGS["white-box"], window=1)
    assert (curve.steps, curve.means) == ((1, 2, 3), (2.0, 3.0, 4.0))
    assert (curve.lows, curve.highs) == ((1, 2, 3), (3, 4, 5))


def test_a_long_log_is_thinned_and_keeps_its_last_step() -> None:
    curve = curve_of("reward", [_log(*range(1_003))], window=1)
    assert len(curve.steps) <= 400 and curve.steps[-1] == 1_003


def test_means_of_few_lines_are_left_out_of_a_long_log() -> None:
    assert curve_of("reward", [_log(*range(20))], window=5).steps[0] == 5
    assert curve_of("reward", [_log(1, 2)], window=5).steps[0] == 1


def test_plots_of_a_page() -> None:
    found = curves_of(LOGS, baselines=curve_baselines({"held-out": {"output": 20.0, "other": 1.0}}))
    assert found is not None and found.seeds == 2
    assert [panel.title for panel in found.panels] == ["reward", "outputs right"]
    assert [label for label, _, _ in found.legend] == ["white-box", "<step>", "best constant answer"]  # once for all plots
    for panel in found.panels:
        ticks = [text for text in re.findall(r"<text[^>]*>([^<]*)</text>", panel.svg) if text != "update"]
        assert {"1", "2", "3"} <= set(ticks) and "1.5" not in ticks[:3]  # steps are integers
        assert "&lt;step&gt;" in panel.svg and "<step>" not in panel.svg
        assert "#000000" not in panel.svg and "<style" not in panel.svg and "var(--c1)" in panel.svg
    assert curves_of({"sft": [[]]}) is None


def _sawtooth(steps: int, epochs: float, period: int) -> list[dict[str, Any]]:
    """A loss that falls from 5 to 4, and within each period by 1, as batches do that are sorted by length."""
    return [
        {"step": at + 1, "epoch": (at + 1) * epochs / steps, "loss": 5 - at / steps - at % period / period} for at in range(steps)
    ]


@pytest.mark.parametrize(("steps", "epochs", "period"), [(2_000, 2.0, 50), (148, 1.0, 37), (4_000, 1.0, 50)])
def test_the_loss_of_sft_is_smoothed_over_whole_periods(steps: int, epochs: float, period: int) -> None:
    log = _sawtooth(steps, epochs, period)
    window = sft_window(log)
    assert window % period == 0 and window < steps / 3
    means = curve_of("loss", [log], window).means
    assert max(b - a for a, b in itertools.pairwise(means)) < 1e-9  # it only falls
    found = curves_of({"sft": [log]}, SFT_TITLES, window=window)
    assert found is not None and found.points and found.window == window


def test_the_window_of_a_short_log() -> None:
    assert [sft_window(log) for log in ([], [{"step": 1, "loss": 1.0}], _sawtooth(3, 1.0, 1))] == [5, 5, 5]


def test_single_steps_are_points_of_one_log_only() -> None:
    one, several = curves_of({"rl": [_log(1, 2, 3)]}), curves_of(LOGS)
    assert one is not None and several is not None and (one.points, several.points) == (True, False)
    assert "opacity: 0.4" in one.panels[0].svg and "opacity: 0.4" not in several.panels[0].svg


def test_the_file_has_one_legend(tmp_path: Path) -> None:
    draw_curves(tmp_path / "curves.svg", LOGS)
    assert (tmp_path / "curves.svg").read_text(encoding="utf-8").count('id="legend_') == 1


def _results(score: float, items: int = 40) -> dict[str, Any]:
    one = {"pass_at_1": score, "interval": [score - 5, score + 5]}
    right = round(items * score / 100)
    return {
        "benchmark": "heldout",
        "data": {"sha256": "a"},
        "seed": 0,
        "model": {"name": "m"},
        "style": "minimal",
        "sampling": {},
        "items": items,
        "official": one,
        "item_grades": [
            {"id": f"{at}", "tasks": ["output"], "official": ["01"[at < right]], "strict": ["01"[at < right]]}
            for at in range(items)
        ],
        "strict": {**one, "by_task": {"output": one}},
        "baselines": {"answers": {"1": {"strict": {"output": 9.0, "all": 9.0}}}},
    }


def test_the_page_of_a_training(tmp_path: Path) -> None:
    folder = tmp_path / "evaluations" / "sft" / "held-out"
    folder.mkdir(parents=True)
    (folder / "report.html").touch()
    (tmp_path / "view.html").touch()
    stages = {"rl_whitebox": {"kept": 1_200, "too_long": 34, "prompts": 1_000, "steps": 3, "seconds": 4.4}}
    evaluations = {
        "base": {"held-out": _results(10.0)},
        "sft": {"held-out": _results(40.0)},
        "rl_whitebox": {"held-out": _results(40.0)},
    }
    write_report(Training(tmp_path, "a <model>", evaluations, stages, {"rl_whitebox": LOGS["<step>"][0]}, {"sft": {"rows": 5}}))
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "A &lt;model&gt;" in page and "35.0 to 45.0" in page and "best constant answer" in page
    assert page.count("<figure>") == 2 and "sft.rows" in page
    assert all(count in page for count in ("1,234", "234", "1,000"))  # rows, left out, trained on
    assert re.findall(r'href="(\./[^"]*)"', page) == ["./evaluations/sft/held-out/report.html", "./view.html"]
    table = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "| 40.0 (35.0 to 45.0) |" in table and "[" not in table  # intervals as on the page
    for text in (page, table):  # the words that they use, and what RL changed
        assert "the value that the call returns." in text
        assert "rl_whitebox: 3 updates on 1000 prompts are too few to show a change in right outputs: " in text
        assert "40.0% of 40 held-out items before, 40.0% after (no change)" in text


def _change(before: float, after: float, rewards: list[float], **more: Any) -> list[str]:
    done = {"kept": 99, "steps": len(rewards)}
    first, last = ({"held-out": _results(score, 100)} for score in (before, after))
    return rl_changes(RlStage("rl_whitebox", done, _log(*rewards), first, last, **more))


def test_rl_that_was_too_short_to_show_anything() -> None:
    (text,) = _change(40, 42, [1, 2, 1, 2, 1, 2, 1, 2])
    assert text.startswith(
        "rl_whitebox: 8 updates on 99 prompts are too few to show a change in right outputs: 37.5% in the rollouts"
    )
    assert "(+0.0 points, 95% interval over updates -25.0 to +25.0)" in text  # 25 and 50 percent by turns: 2.447 x 10.2
    assert "40.0% of 100 held-out items before, 42.0% after (+2.0 points, 95% interval over items +0.0 to +5.0)." in text
    (text,) = _change(40, 40, [1])
    assert text.startswith("rl_whitebox: 1 update on 99 prompts is too few to show a change in right outputs: 40.0% of 100")


def test_rl_that_changed_the_model() -> None:
    assert " raised right outputs: " in _change(40, 60, [1, 1, 1, 1])[0]  # items
    assert " raised right outputs: " in _change(40, 40, [1, 1.1, 3, 3.1])[0]  # rollouts
    assert " lowered right outputs: " in _change(60, 40, [1, 1, 1, 1])[0]
    assert " changed right outputs: " in _change(60, 40, [1, 1.1, 3, 3.1])[0]  # one up, one down
    assert "rollouts" not in _change(40, 40, [1, 1.1, 3, 3.1], curriculum=True)[0]  # it chose its prompts by their pass rate


def test_three_updates_give_no_interval() -> None:
    assert "(+37.5 points, no interval)" in _change(40, 40, [1, 2, 3])[0]


def test_the_rows_of_stages_add_up() -> None:
    stages: dict[str, dict[str, Any]] = {
        "sft": {"kept": 90, "too_long": 10, "steps": 5, "seconds": 1.6},
        "rl_whitebox": {"kept": 63, "too_long": 1, "own_chain_too_long": 5, "prompts": 58, "steps": 1, "seconds": 2},
    }
    assert stage_rows(stages) == [("sft", 100, 10, 90, 5, 2), ("rl_whitebox", 64, 6, 58, 1, 2)]


@pytest.mark.parametrize("seeds", [1, 2])
def test_the_page_of_an_ablation(tmp_path: Path, seeds: int) -> None:
    score = {"mean": 50.0, "interval": [45.0, 55.0] if seeds > 1 else None, "seeds": [50.0] * seeds}
    row = {
        "measure": "held-out", "condition": "step", "against": "sft", "task": "output", "difference": 3.0,
        "by_seed": dict.fromkeys(map(str, range(seeds)), 3.0), "seeds_interval": [1.0, 5.0] if seeds > 1 else None,
        "p_holm": 0.04, "interval": [1.5, 4.5], "p_items_holm": 0.01,
    }  # fmt: skip
    results = {
        "settings": {"preset": {"description": "small"}, "with": [{"python": "3.12"}]},
        "seeds": list(range(seeds)),
        "scores": {
            "held-out": {
                "mean of tasks": {"sft": score, "step": score},
                "output": {"sft": score, "step": score},
                "next_statement": {"sft": score},
            }
        },
        "baselines": {"held-out": {"output": 20.0, "mean of tasks": 20.0}},
        "levels": {"held-out": {"1": {"sft": 60.0, "step": 61.0}, "2": {"sft": 50.0}}},
        "comparisons": [row],
        "stages": {"step": [{"steps": 1_500, "seconds": 7.0}]},
    }
    folder = tmp_path / "seed-0" / "evaluations" / "step" / "held-out"
    folder.mkdir(parents=True)
    for name in ("report.html", "view.html"):
        (folder / name).touch()
    write_pages(tmp_path, results, {"sft": "SFT", "step": "RL by step"}, {"step": LOGS["white-box"][:seeds]})
    table = (tmp_path / "table.md").read_text(encoding="utf-8")
    assert "next_statement" not in table and "next statement" in table  # names for readers
    assert ("50.0 (45.0 to 55.0)" in table) == ("+1.0 to +5.0" in table) == (seeds > 1) and "+1.5 to +4.5" in table
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "1 of 1 comparison has a corrected p" in page
    assert f"2 conditions, {'seed 0' if seeds == 1 else 'seeds 0, 1'}" in page
    assert ("95% over seeds" in page) == ("a band reaches" in page) == (seeds > 1)  # what one seed cannot have is left out
    assert "+1.5 to +4.5" in page and "level 1" in page and "1,500" in page
    assert page.index(">output</th>") < page.index(">mean of tasks</th>")
    assert re.findall(r'href="(\./[^"]*)"', page) == [
        f"./{folder.relative_to(tmp_path)}/{name}.html" for name in ("report", "view")
    ]


def test_an_index_links_its_pages() -> None:
    page = index_page("Pages", "of a run", [("Rows", [Entry("a b.html", "the <rows>", "what they show")])])
    assert 'href="./a%20b.html"' in page and "the &lt;rows&gt;" in page and "what they show" in page


def test_settings_are_flat_and_counts_have_their_noun() -> None:
    assert flat_settings({"a": {"b": [1, 2], "c": []}, "d": 0.5}) == [("a.b", "1, 2"), ("a.c", "none"), ("d", "0.5")]
    assert [count_phrase(count, "row") for count in (0, 1, 2)] == ["0 rows", "1 row", "2 rows"]
