"""What EvalPlus's own package says of programs: run by an interpreter that has it, for `tests/evaluation/test_evalplus.py`.

Reads a JSON object from stdin: {"dataset": "humaneval" | "mbpp", "programs": [[task id, program], ...]}; writes a list of
[base, plus], each "pass", "fail" or "timeout". The data are those that HUMANEVAL_OVERRIDE_PATH and MBPP_OVERRIDE_PATH name.
"""

import importlib
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from typing import Any


def main() -> None:
    data: Any = importlib.import_module("evalplus.data")
    package: Any = importlib.import_module("evalplus.evaluate")

    asked = json.load(sys.stdin)
    name = asked["dataset"]
    with redirect_stdout(sys.stderr):
        if name == "humaneval":
            problems = data.get_human_eval_plus(err_incomplete=False)
            known = package.get_groundtruth(problems, data.get_human_eval_plus_hash(), [])
        else:
            problems = data.get_mbpp_plus(err_incomplete=False)
            known = package.get_groundtruth(problems, data.get_mbpp_plus_hash(), package.MBPP_OUTPUT_NOT_NONE_TASKS)

        def verdict(pair: list[str]) -> list[str]:
            task, program = pair
            found: dict[str, Any] = package.check_correctness(name, 0, problems[task], program, known[task], fast_check=True)
            return [found["base"][0], found["plus"][0]]

        with ThreadPoolExecutor(asked.get("workers", 2)) as threads:
            verdicts = list(threads.map(verdict, asked["programs"]))
    json.dump(verdicts, sys.stdout)


if __name__ == "__main__":
    main()
