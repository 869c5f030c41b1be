"""What the synthesizer says of its programs: true, and enough to write the function again."""

import ast
import functools
import re
from collections import Counter
from collections.abc import Iterator

import pytest

from execverify.synthesis import GeneratedProgram, synthesize
from execverify.synthesis.describe import Line, describe

BUILT_IN = frozenset(("chr", "ord", "str", "int", "set", "list", "len", "sorted", "range", "frozenset", "tuple", "max", "min"))


@functools.cache
def sketches() -> tuple[GeneratedProgram, ...]:
    """Some hundreds of all levels."""
    made = [synthesize(seed, index) for seed in (3, 4) for index in range(450)]
    return tuple(sketch for sketch in made if sketch is not None)


def shown(sketch: GeneratedProgram) -> str:
    return f"{sketch.program.source}\n=> {sketch.description}"


def functions(sketch: GeneratedProgram) -> Iterator[tuple[ast.FunctionDef, str]]:
    """Each function with what is said of it."""
    for node in sketch.program.tree.body:
        assert isinstance(node, ast.FunctionDef)
        at = sketch.description.index(f"`{node.name}({', '.join(arg.arg for arg in node.args.args)})` ")
        end = re.search(r"\. `\w+\([\w, ]+\)` ", sketch.description[at + 1 :])
        yield node, sketch.description[at : at + 1 + end.start()] if end else sketch.description[at:]


def names_alone(node: ast.AST) -> set[str]:
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)} - BUILT_IN


def test_what_it_names_is_in_the_program() -> None:
    for sketch in sketches():
        for quoted in re.findall(r"`([^`]*)`", sketch.description):
            for name in re.findall(r"[A-Za-z_]\w*", re.sub(r"'[^']*'", "", quoted)):
                assert re.search(rf"\b{name}\b", sketch.program.source), f"{name}\n{shown(sketch)}"


def test_every_name_of_the_program_is_said() -> None:
    for sketch in sketches():
        for node, said in functions(sketch):
            for name in {
                inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store)
            }:
                if name != "_" and not re.search(rf"\b{name}\b", said):
                    lambdas = [inner for inner in ast.walk(node) if isinstance(inner, ast.comprehension)]
                    assert any(name in names_alone(inner.target) for inner in lambdas), f"{name}\n{shown(sketch)}"


def test_it_says_otherwise_as_often_as_there_is_another_branch() -> None:
    for sketch in sketches():
        branches = len(re.findall(r"^ +(?:else|elif)\b", sketch.program.source, re.MULTILINE))
        assert sketch.description.count("otherwise") == branches, shown(sketch)


def test_it_says_as_long_as_and_returns_as_often_as_they_are_written() -> None:
    for sketch in sketches():
        for node, said in functions(sketch):
            written = Counter(type(inner).__name__ for inner in ast.walk(node))
            assert len(re.findall(r"(?:; |: |`\w+\([\w, ]*\)` |, )as long as ", said)) == written["While"], shown(sketch)
            assert len(re.findall(r"\breturns ", said)) == written["Return"], shown(sketch)


def test_a_negated_test_is_negated_in_what_it_says() -> None:
    negated = 0
    for sketch in sketches():
        for node, said in functions(sketch):
            nots = [inner for inner in ast.walk(node) if isinstance(inner, ast.UnaryOp) and isinstance(inner.op, ast.Not)]
            flips = [
                inner
                for inner in nots
                if isinstance(inner.operand, ast.Name) and f"`{inner.operand.id}` into its opposite" in said
            ]
            tests = len({ast.unparse(inner) for inner in nots} - {ast.unparse(inner) for inner in flips})
            negated += tests
            compared = {
                ast.unparse(inner)
                for inner in ast.walk(node)
                if isinstance(inner, ast.Compare) and isinstance(inner.ops[0], ast.NotIn)
            }  # each of these has a "not" of its own
            assert len(re.findall(r"is false|\bnot\b", said)) >= tests + len(compared), shown(sketch)
            for inner in ast.walk(node):
                if isinstance(inner, ast.Compare) and isinstance(inner.ops[0], ast.NotIn | ast.NotEq):
                    assert re.search(r"\bnot\b|\bdiffers?\b|exactly one of", said), shown(sketch)
    assert negated >= 5


def test_no_comparison_is_negated_by_hand() -> None:
    for sketch in sketches():
        for node in ast.walk(sketch.program.tree):
            if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
                assert not isinstance(node.operand, ast.Compare | ast.UnaryOp), shown(sketch)


def constants_that_matter(node: ast.FunctionDef) -> Iterator[ast.Constant]:
    """All but those that an English phrase holds in its words: the step of a slice, the ends of one, 0 and 1."""
    silent = {id(part) for inner in ast.walk(node) if isinstance(inner, ast.Slice) for part in ast.walk(inner)}
    for window in re.finditer(r"\brange\(len\(\w+\) - \d+\)", ast.unparse(node)):
        silent |= {
            id(part)
            for inner in ast.walk(node)
            if isinstance(inner, ast.Call) and ast.unparse(inner) == window[0]
            for part in ast.walk(inner)
        }
    silent |= {
        id(part) for inner in ast.walk(node) if isinstance(inner, ast.Dict) for key in inner.keys if key for part in ast.walk(key)
    }
    for inner in ast.walk(node):
        if isinstance(inner, ast.Constant) and id(inner) not in silent and inner.value not in (0, 1, "", None):
            yield inner


def test_every_constant_is_said() -> None:
    for sketch in sketches():
        for node, said in functions(sketch):
            for constant in constants_that_matter(node):
                value = constant.value
                if isinstance(value, int) and f"part {value + 1} of" in said:
                    continue
                text = str(value) if isinstance(value, str) else repr(value)
                assert text in said or repr(value) in said, f"{value!r}\n{shown(sketch)}"


def test_every_start_is_said() -> None:
    starts = 0
    for sketch in sketches():
        for node, said in functions(sketch):
            for at, statement in enumerate(node.body):
                loop = any(isinstance(later, ast.For | ast.While) for later in node.body[at + 1 :])
                if not isinstance(statement, ast.Assign) or not isinstance(statement.value, ast.Constant) or not loop:
                    continue
                name, value = ast.unparse(statement.targets[0]), statement.value.value
                if not name.isidentifier():
                    continue
                starts += 1
                word = "as an empty text" if value == "" else f"at {value!r}"
                assert f"`{name}` {word}" in said, shown(sketch)
    assert starts > 100


def test_what_is_added_or_mapped_is_what_is_written() -> None:
    for sketch in sketches():
        for node, said in functions(sketch):
            for inner in ast.walk(node):
                if isinstance(inner, ast.AugAssign) and ast.unparse(inner.value).endswith(" + '-'"):
                    assert "followed by '-' to the end of" in said, shown(sketch)
                if (
                    isinstance(inner, ast.Assign)
                    and isinstance(inner.targets[0], ast.Subscript)
                    and "len(" in ast.unparse(inner.value)
                ):
                    assert re.search(r"length|characters? long|(long|short)er than", said), shown(sketch)


def test_it_is_english() -> None:
    for sketch in sketches():
        said = re.sub(r"`[^`]*`", "`x`", sketch.description)
        plain = re.sub(r"'[^']*'", "'x'", said)
        assert "\1" not in said and "{" not in plain, shown(sketch)
        assert plain.count("(") == plain.count(")"), shown(sketch)
        bad = re.search(
            r"[<>=]=|every `?\w+`?\. |whether whether|\(\)|, ,|; ;|: ;| {2}|how often how often|the longest is", plain
        )
        assert not bad, f"{bad}\n{shown(sketch)}"


def test_nothing_is_calculated_from_constants_alone() -> None:
    for sketch in sketches():
        for node in ast.walk(sketch.program.tree):
            if isinstance(node, ast.BinOp | ast.Compare | ast.BoolOp):
                assert names_alone(node), shown(sketch)
            if isinstance(node, ast.For | ast.comprehension) and "range" not in ast.unparse(node.iter):
                assert names_alone(node.iter), shown(sketch)


def test_few_programs_name_what_they_give_back_at_once() -> None:
    count = 0
    for sketch in sketches():
        for node, _ in functions(sketch):
            if len(node.body) > 1 and isinstance(before := node.body[-2], ast.Assign) and isinstance(node.body[-1], ast.Return):
                count += ast.unparse(before.targets[0]) == ast.unparse(node.body[-1].value or node)
    assert count < 0.05 * len(sketches())


@pytest.mark.parametrize("mark", [r"\* 1\b(?!\.)", r"- \d+ \+ 1\)", r"\.count\([^()]*[<>]", r"\bnot not\b"])
def test_it_does_not_read_like_a_generator(mark: str) -> None:
    for sketch in sketches():
        assert not re.search(mark, sketch.program.source), shown(sketch)


def test_lines_that_are_gone_are_not_told() -> None:
    lines = [
        Line("for x in xs:", 1, "for each number `x` of `xs`"),
        Line("if x > 3:", 2, "if `x` is greater than 3"),
        Line("total += x", 3, "adds `x` to `total`"),
        Line("else:", 2),
        Line("total -= x", 3, "takes `x` from `total`"),
        Line("return total", 1, "returns `total`"),
    ]
    assert describe(lines) == (
        "for each number `x` of `xs`: if `x` is greater than 3, adds `x` to `total`; otherwise, takes `x` from `total`; "
        "at the end, returns `total`"
    )
    del lines[3:5]
    assert describe(lines) == (
        "for each number `x` of `xs`: if `x` is greater than 3, adds `x` to `total`; at the end, returns `total`"
    )


def test_an_otherwise_belongs_to_one_test() -> None:
    lines = [
        Line("if a:", 1, "if `a` is true"),
        Line("if b:", 2, "if `b` is true"),
        Line("x += 1", 3, "adds 1 to `x`"),
        Line("x += 2", 2, "adds 2 to `x`"),
        Line("else:", 1),
        Line("x += 3", 2, "adds 3 to `x`"),
        Line("return x", 1, "returns `x`"),
    ]
    assert describe(lines) == (
        "if `a` is true: if `b` is true, adds 1 to `x`; then, whether or not `b` is true, adds 2 to `x`; "
        "otherwise (where `a` is false), adds 3 to `x`; "
        "at the end, returns `x`"
    )
