"""The released code of the paper's authors, run as it is in a process of its own; it is no part of this repository.

`EXECVERIFY_TEST_AUTHORS` names a checkout of github.com/justForAnonymous/ExecVerify, or its git directory. Without it, tests that need
the code are skipped.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

RELEASE = os.environ.get("EXECVERIFY_TEST_AUTHORS", "")
needs_release = pytest.mark.skipif(not RELEASE, reason="EXECVERIFY_TEST_AUTHORS names no copy of the authors' release")

_REWARD = "train/verl/verl/utils/reward_score/white_box.py"
_TRACE, _QUESTIONS = "data/extract_trace.py", "data/extract_trace_dataset.py"
_STUBS = """
import sys, types
for name, members in {"transformers": ["AutoTokenizer"], "tree_sitter": ["Language", "Parser"], "tree_sitter_python": [],
                      "utils": ["load_config", "setup_logging", "load_json", "save_json"]}.items():
    module = types.ModuleType(name)
    vars(module).update(dict.fromkeys(members))
    sys.modules[name] = module
"""
_SCORES = """
import json
for line in sys.stdin:
    completion, info = json.loads(line)
    print(json.dumps(compute_score("", completion, None, info)))
"""
_RECORDS = """
import json, random
for line in sys.stdin:
    case = json.loads(line)
    case["code_to_run"] = f"{case['func_str']}\\n\\n{case['func_name']}({case['func_args']})\\n"
    _, events, success = run_and_trace_script(case["code_to_run"])
    if not success:
        continue
    path, state = get_path_qas(case, events), get_state_qas(case, events)
    random.Random(0).shuffle(path)
    random.Random(0).shuffle(state)
    path, state = path[:5], state[:5]
    print(json.dumps({
        "func_str": case["func_str"], "func_name": case["func_name"], "func_args": case["func_args"], "result": case["result"],
        "prompt_str": get_io_mixed_prompt(
            case["func_str"], case["func_name"], case["func_args"], [q for q, _ in path] + [q for q, _ in state]
        ),
        "questions": {"path_questions": [q for q, _ in path], "state_questions": [q for q, _ in state]},
        "question_answers": {"path_answers": [a for _, a in path], "state_as": [a for _, a in state]}, "type": "io_mixed",
    }))
    print(json.dumps({
        "func_str": case["func_str"], "func_name": case["func_name"], "func_args": case["func_args"], "result": case["result"],
        "prompt_str": get_oi_prompt(case["func_str"], case["func_name"], case["result"]), "question_answers": {}, "type": "oi",
    }))
"""


def authors_rewards(cases: list[tuple[str, dict[str, Any]]]) -> list[float]:
    """What the authors' code pays for completions, each with its `extra_info`."""
    return _run([_REWARD], _SCORES, cases)


def authors_records(programs: list[dict[str, str]]) -> list[dict[str, Any]]:
    """The records that the authors' code makes of programs (func_str, func_name, func_args, result)."""
    return _run([_TRACE, _QUESTIONS], _RECORDS, programs)


def _run(files: list[str], code: str, lines: list[Any]) -> list[Any]:
    source = "\n".join([_STUBS, *(_text(file).partition('if __name__ == "__main__"')[0] for file in files), code])
    given = "".join(json.dumps(line) + "\n" for line in lines)
    done = subprocess.run([sys.executable, "-c", source], input=given, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def _text(file: str) -> str:
    if (path := Path(RELEASE) / file).is_file():
        return path.read_text(encoding="utf-8")
    found = subprocess.run(["git", f"--git-dir={RELEASE}", "show", f"HEAD:{file}"], capture_output=True, text=True, check=True)
    return found.stdout
