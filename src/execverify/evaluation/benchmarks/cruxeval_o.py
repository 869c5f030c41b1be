"""CRUXEval, output prediction (Gu et al. 2024, arXiv 2401.03065)."""

from execverify.evaluation.benchmark import BenchmarkInfo, Item
from execverify.evaluation.data import Source, load_rows
from execverify.evaluation.output_prediction import OFFICIAL_RULE, STRICT, OutputPrediction, Reference, output_items

ORIGIN = "https://github.com/facebookresearch/cruxeval (data/cruxeval.jsonl), or cruxeval-org/cruxeval on the hub"
HUB = ("cruxeval-org/cruxeval", "test")
FIELDS = ("code", "input", "output", "id")


class CruxevalO(OutputPrediction):
    """800 short functions with one call each: what does it return?"""

    about = BenchmarkInfo(
        "cruxeval-o", "the output of a call of a short function", "800", "MIT", ORIGIN, OFFICIAL_RULE, STRICT, HUB
    )

    def items(self, source: Source) -> list[Item]:
        """The rows {code, input, output, id}; the function is called f."""
        rows = load_rows(source, self.about.name, ORIGIN, HUB, FIELDS)[: source.limit]
        known = [
            (str(row["id"]), row["code"], "f", Reference(row["code"], f"f({row['input']})", row["output"], source.imports))
            for row in rows
        ]
        return output_items(known, source.workers)


BENCHMARK = CruxevalO()
