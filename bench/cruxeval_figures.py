"""Makes CRUXEval's figures, which `execverify dataset stats` prints beside those of other rows.

    python bench/cruxeval_figures.py CRUXEVAL.jsonl [OUT]

OUT is the file that comes with the package. Where it is `-`, the figures are printed.
"""

import json
import sys
from pathlib import Path
from typing import Any

from execverify.datasets.from_programs import ConversionReport, RowConfig, make_rows
from execverify.datasets.stats import stats_of
from execverify.datasets.thresholds import summary
from execverify.programs.records import read_programs

HOME = Path(__file__).parents[1] / "src" / "execverify" / "datasets" / "cruxeval_figures.json"


def figures(path: str | Path, workers: int = 1) -> dict[str, Any]:
    """The figures of CRUXEval's programs, whose file is `path`."""
    rows = make_rows(list(read_programs(path)), RowConfig(), ConversionReport())
    return summary(stats_of(rows, quick=False, workers=workers).programs)


def main(path: str, out: str = str(HOME)) -> None:
    """Writes the figures."""
    text = json.dumps(figures(path, workers=2), indent=1) + "\n"
    if out == "-":
        print(text, end="")
    else:
        Path(out).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
