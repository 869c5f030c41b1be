"""The figures of the chains of thought of a run: what they count, and that each completion is graded once."""

import re
from pathlib import Path
from typing import Any

import pytest

from execverify.evaluation import evaluate
from execverify.evaluation.benchmarks import heldout_chains
from execverify.evaluation.run import Evaluation
from execverify.reports.ablation import ablation_markdown
from execverify.reports.evaluation import results_markdown, write_run
from execverify.reports.evaluation_chains import chain_groups
from execverify.reports.evaluation_page import evaluation_page
from execverify.reports.training import training_markdown
from execverify.reports.training_page import Training
from execverify.rewards.score import score_many
from execverify.training.ablation.summary import summary
from tests.helpers.html_pages import Page
from tests.reports.test_render import HOSTILE

ITEMS = 12


@pytest.fixture(scope="module")
def gold() -> Evaluation:
    return evaluate("heldout-chains", "mock:gold", limit=ITEMS)


def run_with(gold: Evaluation, change: Any) -> Evaluation:
    """A run whose completions are gold ones, changed by their number."""
    texts = [change(number, record.completions[0]) for number, record in enumerate(gold.records)]
    return evaluate("heldout-chains", lambda conversations: texts, limit=ITEMS)


@pytest.fixture(scope="module")
def mixed(gold: Evaluation) -> Evaluation:
    """A third of the chains have a line that is wrong and tries to become markup, a third no chain at all."""

    def changed(number: int, text: str) -> str:
        if number % 3 == 0:
            return re.sub(r"(?m)^L\d+#1.*$", lambda found: f"{found[0]}; x = '</td>{HOSTILE}'".replace("\n", " "), text, count=1)
        return text[text.index("<answer>") :] if number % 3 == 1 else text

    return run_with(gold, changed)


def test_the_figures_of_known_chains(gold: Evaluation, mixed: Evaluation) -> None:
    for run, guessed in ((gold, 0.0), (mixed, 100 * 2 / 3)):
        found = run.results["faithfulness"]
        figures = {name: figure["percent"] for name, figure in found["figures"].items()}
        assert found["chains"] == ITEMS and figures["output"] == 100
        assert figures["guessed"] == figures["guessed_outputs"] == pytest.approx(guessed, abs=0.01)
        assert figures["chain_true"] == figures["verified"] == pytest.approx(100 - guessed, abs=0.01)
        assert figures["chain_true"] == run.results["strict"]["by_task"]["chain"]["pass_at_1"]
        assert found["figures"]["chain_true"]["interval"] == run.results["strict"]["by_task"]["chain"]["interval"]
        assert sum(found["first_divergences"].values()) == round(ITEMS * guessed / 100)
        assert run.results["extra_metrics"]["perfect_rows"] == gold.results["extra_metrics"]["perfect_rows"]
    assert "faithfulness" not in evaluate("heldout", "mock:gold", limit=2).results


def test_a_completion_is_graded_once(monkeypatch: pytest.MonkeyPatch, gold: Evaluation) -> None:
    graded: list[str] = []

    def counted(pairs: Any, **how: Any) -> Any:
        graded.extend(text for _, text in pairs)
        return score_many(pairs, **how)

    monkeypatch.setattr(heldout_chains, "score_many", counted)
    evaluate("heldout-chains", "mock:gold", limit=ITEMS)
    assert sum(graded.count(text) for text in {record.completions[0] for record in gold.records}) == ITEMS


def test_the_page_shows_each_line_with_its_grade(gold: Evaluation, mixed: Evaluation) -> None:
    page = Page(evaluation_page(mixed))
    groups = {group.title: group for group in chain_groups(mixed.records)}
    assert {title: group.count for title, group in groups.items()} == {
        "Right output by a chain that is not true": 8, "Right output by a true chain": 4,
    }  # fmt: skip
    assert "faithfulness" in page.ids and "guess rate" in page.text and "66.67%" in page.text
    for chain in (chain for group in groups.values() for chain in group.chains):
        assert f"{chain.id}: {chain.summary}" in page.text
        assert all(line.verdict.value in page.text and line.why[:150] in page.text for line in chain.lines)
    assert page.text.count("alert(1)") >= 4 and set(page.tags) == set(Page(evaluation_page(gold)).tags) | {"div"}
    assert len(page.scripts) == 2, "what a chain holds is text"
    assert "Faithfulness" not in evaluation_page(evaluate("heldout", "mock:gold", limit=2))


def test_tables_have_the_guess_rate_beside_the_scores(gold: Evaluation, mixed: Evaluation, tmp_path: Path) -> None:
    assert "33.3 (" in results_markdown(mixed.results) and "66.7 (" in results_markdown(mixed.results)
    evaluations = {"sft": {"held-out": gold.results}, "rl": {"held-out": mixed.results}}
    text = training_markdown(Training(tmp_path, "A title", evaluations, {}, {}, {}))
    assert "First divergences of chains" in text and "guessed" in text
    rows = [line for line in text.splitlines() if line.startswith(("| sft", "| rl"))]
    assert [line.split("|")[-2].strip() for line in rows][:2] == ["0.0", "66.7"]
    for seed in (0, 1):
        write_run(tmp_path / f"seed-{seed}" / "evaluations" / "sft" / "held-out", mixed)
    found = summary(tmp_path, ["sft"], [0, 1])
    assert found["scores"]["held-out"]["guessed"]["sft"]["mean"] == pytest.approx(66.67, abs=0.01)
    assert sum(found["divergences"]["held-out"]["sft"].values()) == 2 * 8
    settings = {"preset": {"description": "a test"}, "with": []}
    text = ablation_markdown({**found, "settings": settings, "seeds": [0, 1], "stages": {}}, {"sft": "supervised"})
    assert "First divergences of chains" in text and "66.7" in text
