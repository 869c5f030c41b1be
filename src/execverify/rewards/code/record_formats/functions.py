"""Problems that ask for a function or a class, tested by code: MBPP, HumanEval, LeetCode sets, KodCode."""

import ast
from collections.abc import Mapping
from typing import Any

from execverify.errors import RowError
from execverify.rewards.code.asserts import entry_point_of, parse_test_code
from execverify.rewards.code.record_formats.record import Fields, Record, RecordFormat, has, text_of, texts_of
from execverify.rewards.code.test_formats import assert_tests, code_of, code_tests


def _mbpp(fields: Fields) -> Record:
    before = [code_of(fields.get(name) or "", name) for name in ("test_imports", "test_setup_code")]
    asserts = [*fields["test_list"]] if isinstance(fields["test_list"], list | tuple) else fields["test_list"]
    more = fields.get("challenge_test_list") or ()
    if isinstance(asserts, list) and isinstance(more, list | tuple):
        asserts += more
    solution = texts_of(fields.get("code"))
    entry_point = fields.get("entry_point") or _defined(solution, asserts)
    tests = assert_tests(asserts, setup="\n".join(filter(None, before)), entry_point=entry_point)
    return Record(
        tests, text_of(fields, "text", "prompt"), solutions=solution, name=str(fields.get("task_id", "")), source="mbpp"
    )


def _defined(solutions: tuple[str, ...], asserts: Any) -> str | None:
    """The function of a solution that the asserts use; None where that is not one."""
    texts = [text for text in asserts if isinstance(text, str)] if isinstance(asserts, list) else [asserts]
    found = _made_and_used(solutions, [text for text in texts if isinstance(text, str)])
    return found[0] if len(found) == 1 else None


def _made_and_used(solutions: tuple[str, ...], tests: list[str]) -> tuple[str, ...]:
    """The functions and classes of a solution that tests use, functions first."""
    try:
        body = parse_test_code(solutions[0], "the solution").body if solutions else []
        used = {node.id for text in tests for node in ast.walk(parse_test_code(text, "the test")) if isinstance(node, ast.Name)}
    except RowError:
        return ()
    functions = [node.name for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    classes = [node.name for node in body if isinstance(node, ast.ClassDef)]
    return tuple(dict.fromkeys(name for name in (*functions, *classes) if name in used))


def _humaneval(fields: Fields) -> Record:
    prompt, name = str(fields["prompt"]), str(fields["entry_point"])
    context = without(prompt, name)
    tests = code_tests(fields["test"], "the test", setup=context, entry_point=name, **({"context": context} if context else {}))
    solution = text_of(fields, "canonical_solution")
    whole = solution if f"def {name}" in solution else prompt + solution
    return Record(tests, prompt, solutions=(whole,) if solution else (), name=text_of(fields, "task_id"), source="humaneval")


def without(code: str, name: str) -> str:
    """What code gives beside the one function or class that it leaves to be written; "" where it is not whole."""
    try:
        body = parse_test_code(code, "the prompt").body
    except RowError:
        return ""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    kept = [node for node in body if not (isinstance(node, kinds) and node.name == name.partition(".")[0])]
    return ast.unparse(ast.Module(kept, [])) if kept else ""


def _leetcode(fields: Fields) -> Record:
    name = entry_point_of(str(fields["entry_point"]))
    context = without(str(fields["prompt"]), name)
    tests = code_tests(fields["test"], "the test", setup=context, entry_point=name, **({"context": context} if context else {}))
    problem, starter = text_of(fields, "problem_description", "query", "question"), text_of(fields, "starter_code")
    return Record(
        tests,
        problem=f"{problem}\n\nBegin with:\n\n```python\n{starter.rstrip()}\n```" if starter.strip() else problem,
        solutions=texts_of(fields.get("completion") or fields.get("solution")),
        name=text_of(fields, "task_id"),
        source="leetcode",
    )


def _kodcode(fields: Fields) -> Record:
    code = fields.get("test") or fields.get("test_code")
    info = fields.get("test_info")
    described = [entry for entry in info if isinstance(entry, Mapping)] if isinstance(info, list | tuple) else []
    solutions = texts_of(fields.get("solution") or fields.get("response"))
    names = _made_and_used(solutions, [code] if isinstance(code, str) else [])
    names = names or tuple(str(entry["function_name"]) for entry in described if isinstance(entry.get("function_name"), str))
    tests = code_tests(code, "the test", names=names)
    declared = "\n".join(str(entry["function_declaration"]) for entry in described if entry.get("function_declaration"))
    problem = text_of(fields, "question", "instruction")
    return Record(
        tests,
        problem=f"{problem}\n\nBegin with:\n\n```python\n{declared}\n```" if declared and declared not in problem else problem,
        solutions=solutions,
        name=text_of(fields, "question_id"),
        source=text_of(fields, "subset"),
    )


def _is_kodcode(fields: Fields) -> bool:
    return ("test_code" in fields or "test" in fields) and ("solution" in fields or "response" in fields) and (
        "question" in fields or "instruction" in fields
    )  # fmt: skip


MBPP = RecordFormat("MBPP", "google-research-datasets/mbpp", has("test_list"), _mbpp)
HUMANEVAL = RecordFormat(
    "HumanEval", "openai/openai_humaneval", has("prompt", "test", "entry_point", "canonical_solution"), _humaneval
)
LEETCODE = RecordFormat("LeetCode", "newfacade/LeetCodeDataset", has("prompt", "test", "entry_point"), _leetcode)
KODCODE = RecordFormat("KodCode", "KodCode/KodCode-V1", _is_kodcode, _kodcode)
