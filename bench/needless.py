"""How many synthesized programs hold a piece that no result depends on: a statement, a test, or an operand of `and` or `or`.

    python bench/needless.py [--programs 420] [--seed 31] [--workers 2]

Each such piece is taken out in turn, and the program called with its own arguments and sixteen mutations, half of them others than the
builder tries. A piece is needless where every call that gave a value gives the same one without it.
"""

import argparse
import ast
from collections import Counter
from collections.abc import Iterator

import execverify as ev
from execverify.programs.input_mutation import mutate_inputs
from execverify.programs.program import Program
from execverify.tracing.branch_coverage import survey_many

_STATEMENTS = (ast.Assign, ast.AugAssign, ast.Expr, ast.Delete)


def main() -> None:
    """Counts and prints a line a level."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=int, default=420)
    parser.add_argument("--seed", type=int, default=31)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    tasks = list(ev.generate_tasks(options.programs, seed=options.seed))
    items = [(task.program, _inputs(task.program), list(without_a_piece(task.program))) for task in tasks]
    programs, needless = Counter[int](), Counter[int]()
    for task, survey in zip(tasks, survey_many(items, workers=options.workers), strict=True):
        level = task.level or 0
        programs[level] += 1
        needless[level] += any(not survey.changes_result(number) for number in range(len(survey.variants)))
    for level in sorted(programs):
        print(f"level {level}: {needless[level]} of {programs[level]}")
    print(f"all: {needless.total()} of {programs.total()}, {needless.total() / programs.total():.1%}")


def _inputs(program: Program) -> list[str]:
    return [program.arguments, *mutate_inputs(program, 8), *mutate_inputs(program, 8, "other")]


def without_a_piece(program: Program) -> Iterator[str]:
    """The sources without one piece each."""
    for number, node in enumerate(ast.walk(program.tree)):
        for part in range(len(node.values) if isinstance(node, ast.BoolOp) else 2 if isinstance(node, ast.If) else 1):
            tree = ast.parse(program.source)
            own = list(ast.walk(tree))[number]
            if isinstance(own, ast.If):
                own.test = ast.Constant(bool(part))
            elif isinstance(own, ast.BoolOp):
                del own.values[part]
            elif isinstance(own, _STATEMENTS):
                _pass(tree, own)
            else:
                continue
            yield ast.unparse(ast.fix_missing_locations(tree))


def _pass(tree: ast.Module, own: ast.stmt) -> None:
    for node in ast.walk(tree):
        for body in (getattr(node, "body", None), getattr(node, "orelse", None)):
            if isinstance(body, list) and own in body:
                body[body.index(own)] = ast.copy_location(ast.Pass(), own)


if __name__ == "__main__":
    main()
