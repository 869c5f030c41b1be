"""The pages of trainings and ablations, their curves, and the index of a folder."""

import re
from pathlib import Path
from typing import Any

import pytest

from execverify.reports.index_page import Entry, index_page
from execverify.reports.links import flat_settings
from execverify.utils.messages import count_phrase

pytest.importorskip("matplotlib", reason="curves need the extra [train]")

from execverify.reports.ablation import write_pages
from execverify.reports.curves import curve_baselines, curve_of, curves_of, draw_curves
from execverify.reports.training import write_report
from execverify.reports.training_page import Training


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
    assert [panel.title for panel in found.panels] == ["reward", "output right"]
    assert [label for label, _, _ in found.legend] == ["white-box", "<step>", "best constant answer"]  # once for all plots
    for panel in found.panels:
        ticks = [text for text in re.findall(r"<text[^>]*>([^<]*)</text>", panel.svg) if text != "step"]
        assert {"1", "2", "3"} <= set(ticks) and "1.5" not in ticks[:3]  # steps are integers
        assert "&lt;step&gt;" in panel.svg and "<step>" not in panel.svg
        assert "#000000" not in panel.svg and "<style" not in panel.svg and "var(--c1)" in panel.svg
    assert curves_of({"sft": [[]]}) is None


def test_the_file_has_one_legend(tmp_path: Path) -> None:
    draw_curves(tmp_path / "curves.svg", LOGS)
    assert (tmp_path / "curves.svg").read_text(encoding="utf-8").count('id="legend_') == 1


def _results(score: float) -> dict[str, Any]:
    one = {"pass_at_1": score, "interval": [score - 5, score + 5]}
    return {
        "strict": {**one, "by_task": {"output": one}},
        "baselines": {"answers": {"1": {"strict": {"output": 9.0, "all": 9.0}}}},
    }


def test_the_page_of_a_training(tmp_path: Path) -> None:
    folder = tmp_path / "evaluations" / "sft" / "held-out"
    folder.mkdir(parents=True)
    (folder / "report.html").touch()
    (tmp_path / "view.html").touch()
    stages = {"rl_whitebox": {"kept": 1_200, "steps": 3, "seconds": 4.4}}
    evaluations = {"base": {"held-out": _results(10.0)}, "sft": {"held-out": _results(40.0)}}
    write_report(Training(tmp_path, "a <model>", evaluations, stages, {"rl_whitebox": LOGS["<step>"][0]}, {"sft": {"rows": 5}}))
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "A &lt;model&gt;" in page and "35.0 to 45.0" in page and "best constant answer" in page
    assert page.count("<figure>") == 2 and "1,200" in page and "sft.rows" in page
    assert re.findall(r'href="(\./[^"]*)"', page) == ["./evaluations/sft/held-out/report.html", "./view.html"]
    assert "| sft " in (tmp_path / "report.md").read_text(encoding="utf-8")


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
        "scores": {"held-out": {"mean of tasks": {"sft": score, "step": score}, "output": {"sft": score, "step": score}}},
        "baselines": {"held-out": {"output": 20.0, "mean of tasks": 20.0}},
        "levels": {"held-out": {"1": {"sft": 60.0, "step": 61.0}}},
        "comparisons": [row],
        "stages": {"step": [{"steps": 1_500, "seconds": 7.0}]},
    }
    folder = tmp_path / "seed-0" / "evaluations" / "step" / "held-out"
    folder.mkdir(parents=True)
    for name in ("report.html", "view.html"):
        (folder / name).touch()
    write_pages(tmp_path, results, {"sft": "SFT", "step": "RL by step"}, {"step": LOGS["white-box"][:seeds]})
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
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
