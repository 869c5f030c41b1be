"""What REval's authors' own code takes for true: run as a script of its own, with the folder of their repository and a file to write.

    python reval_authors.py REPOSITORY OUT

Each probe becomes [id, covered, lines that follow (0 for none), null or [type, repr] of each value]; where its run fails, [id, null].
"""

import importlib
import json
import os
import resource
import sys
from pathlib import Path
from typing import Any


def probes_of(entry: dict[str, Any], row: dict[str, Any], modules: tuple[Any, Any]) -> list[list[Any]]:
    """The probes of one program."""
    dynamics, dataset = modules
    rules = dataset.DREval
    found: list[list[Any]] = []
    if row["test"]:
        dynamics.ClassFactory.create(row["entry_point"], row["code"])
        cases = dynamics.ClassFactory.create_test_classes(
            row["entry_point"], row["code"], row["test"], rules.tcls_pattern, rules.tcls_validation, rules.tcls_postprocess
        )
    for task in entry["tasks"]:
        index = task["input_idx"]
        names = [f"{row['task_id']}/{index}/{probe['lineno']}/{probe['var']}" for probe in task["task"]]
        if row["test"]:
            case = cases[index]()
            case.setUp()
            box, arguments = dynamics.Sandbox(case.dreval_test), ()
        else:
            function = dynamics.FunctionFactory.create(row["entry_point"], row["code"])
            box, arguments = dynamics.Sandbox(function), eval(row["inputs"][index])
        _, states = box.run(*arguments)
        if box.status != "ok":
            found += [[name, None] for name in names]
            continue
        for name, probe in zip(names, task["task"], strict=True):
            line = probe["lineno"] - 1
            values = states.interpret_var(line, probe["var"])
            told = None if values is dynamics.Nil else [[type(value).__name__, repr(value)] for value in values]
            found.append([name, states.get_coverage(line), sorted(after + 1 for after in states.get_next_line(line)), told])
    return found


def main(repository: str, out: str) -> None:
    """Writes what is true of every probe."""
    resource.setrlimit(resource.RLIMIT_CPU, (300, 300))
    resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
    sys.path.insert(0, repository)
    os.chdir(Path(out).parent)
    dataset, dynamics = importlib.import_module("dataset"), importlib.import_module("dynamics")

    data = [json.loads(line) for line in Path(repository, "data", "DREval_data.jsonl").read_text(encoding="utf-8").splitlines()]
    tasks = [json.loads(line) for line in Path(repository, "data", "DREval_tasks.jsonl").read_text(encoding="utf-8").splitlines()]
    rows = {row["task_id"]: row for row in data}
    found: list[list[Any]] = []
    for entry in tasks:
        row = rows[entry["task_id"]]
        try:
            found += probes_of(entry, row, (dynamics, dataset))
        except Exception as error:  # a library that is not installed
            names = [
                [f"{row['task_id']}/{task['input_idx']}/{probe['lineno']}/{probe['var']}", None]
                for task in entry["tasks"]
                for probe in task["task"]
            ]
            print(row["task_id"], type(error).__name__, error)
            found += names
    Path(out).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(str(Path(sys.argv[1]).resolve()), str(Path(sys.argv[2]).resolve()))
