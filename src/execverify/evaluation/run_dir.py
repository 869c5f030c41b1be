"""The folder of a run: generations as they arrived, results, a table, a page."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from execverify.errors import EvaluationError
from execverify.evaluation.page.report import report_page
from execverify.evaluation.run import FORMAT, GENERATIONS, RESULTS, Evaluation
from execverify.evaluation.table import markdown
from execverify.utils.atomic import atomic_text

TABLE, REPORT = "table.md", "report.html"
RUN_FILES = (GENERATIONS, RESULTS, TABLE, REPORT)
"""The files of a run's folder."""

_NEEDED = frozenset({"benchmark", "data", "seed", "model", "style", "sampling", "items", "official", "strict", "item_grades"})
"""What a comparison reads of results."""


def write_run(out: Path, evaluation: Evaluation) -> None:
    """Writes results, table and page into a folder, each whole or not at all.

    Raises:
        EvaluationError: the folder cannot be written.
    """
    texts = {
        RESULTS: json.dumps(evaluation.results, indent=1) + "\n",
        TABLE: markdown(evaluation.results),
        REPORT: report_page(evaluation),
    }
    for name, text in texts.items():
        try:
            out.mkdir(parents=True, exist_ok=True)
            atomic_text(out / name, text, errors="backslashreplace")
        except OSError as error:
            raise EvaluationError(f"{out / name} could not be written: {error.strerror or error}") from None


def read_results(path: Path) -> Mapping[str, Any]:
    """The results of a run: of its folder, or of a file of results.

    Raises:
        EvaluationError: there are none, or they are of another form.
    """
    file = path / RESULTS if path.is_dir() else path
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise EvaluationError(f"{file}: no such file; name a folder that `execverify evaluate --output` made") from None
    except (OSError, ValueError, RecursionError) as error:
        raise EvaluationError(f"{file} is no file of results: {error}") from None
    if not isinstance(found, dict) or found.get("format") != FORMAT or not found.keys() >= _NEEDED:
        raise EvaluationError(f"{file} is no file of results of this version: evaluate again")
    return found
