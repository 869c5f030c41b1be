"""The grammar synthesizer: the same program for the same item, and programs that keep what they were made for."""

import ast
import json
import subprocess
import sys
from collections import Counter
from contextlib import ExitStack
from typing import Any

import pytest

from execverify.errors import ProgramError
from execverify.programs.catalog import CATALOG
from execverify.programs.constraints import Constraint, check
from execverify.synthesis import GeneratedProgram, loops, synthesize
from execverify.synthesis import templates as template_module
from execverify.synthesis.expressions import ExpressionGenerator
from execverify.synthesis.idioms import IdiomInstance, idiom_names, registry
from execverify.synthesis.loops import loop_names
from execverify.synthesis.templates import Expr, ExpressionTemplate, entries, general_templates, templates


def made(count: int, seed: int = 0, **settings: object) -> list[GeneratedProgram]:
    """One sketch an item: the first attempt that gives one."""
    found = []
    for index in range(count):
        tries = (synthesize(seed, index, attempt, **settings) for attempt in range(16))  # type: ignore[arg-type]
        found.append(next(sketch for sketch in tries if sketch is not None))
    return found


def test_an_item_is_the_same_wherever_it_is_made() -> None:
    script = (
        "import json; from execverify.synthesis import synthesize\n"
        "sketches = [synthesize(7, i, 0) for i in range(120)]\n"
        "print(json.dumps([s and [s.program.source, s.program.arguments, str(s.constraint), s.description] for s in sketches]))"
    )
    outputs = [
        subprocess.run(
            [sys.executable, "-c", script], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("0", "41")
    ]
    assert outputs[0] == outputs[1]
    for index, written in reversed(list(enumerate(json.loads(outputs[0])))):  # in any order
        sketch = synthesize(7, index, 0)
        assert (sketch.program.source if sketch else None) == (written[0] if written else None)


def test_every_entry_has_a_phrase_and_every_phrase_an_entry() -> None:
    assert set(entries()) == set(CATALOG)
    assert len(CATALOG) >= 175
    assert len(loop_names()) + len(idiom_names()) >= 40


def test_phrases_are_python() -> None:
    for phrase in templates():
        text = phrase.pattern.replace("\1t\2", phrase.choices[0] if phrase.choices else "")
        for number in range(4):
            text = text.replace(f"\1{number}\2", "x")
        text = text.replace("{x}", "y").replace("{c:T}", "y").replace("{m:T}", "y")
        ast.parse(text)


@pytest.mark.parametrize("level", range(1, 7))
def test_programs_are_made_for_their_level(level: int) -> None:
    kept = Counter(check(sketch.program, sketch.constraint) is None for sketch in made(250, levels=(level,)))
    assert kept[True] >= 0.9 * kept.total()  # what does not keep it is refused by whoever builds with it


def sources(count: int) -> list[str | None]:
    return [source_of(index) for index in range(count)]


def source_of(index: int) -> str | None:
    sketch = synthesize(3, index)
    return None if sketch is None else f"{sketch.program.source} {sketch.program.arguments} {sketch.description}"


@pytest.mark.parametrize("kind", ["idiom", "loop", "template"])
def test_a_further_entry_changes_only_the_programs_that_use_it(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is registered, in whichever order: a program without the toy is the program of before."""
    before = sources(600)
    used: list[str] = []

    def toy_idiom(gen: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
        used.append(kind)
        total = gen.start("toy", "int", "0")
        return IdiomInstance(lambda v: void(gen.add_line(f"{total.name} += 7", "adds 7")), lambda: total.expr)

    def toy_loop(gen: ExpressionGenerator, stack: ExitStack, kind: str) -> Expr:
        used.append(kind)
        return loops.loop_over(gen, stack, gen.get_or_create(f"list[{kind}]"))

    def toy_write(gen: ExpressionGenerator, template: ExpressionTemplate, *rest: Any) -> Expr | None:
        used.extend(["toy"] * ("bit_count" in template.pattern))
        return write(gen, template, *rest)

    write = ExpressionGenerator.write
    monkeypatch.setattr(registry, "_IDIOMS", dict(reversed(registry._IDIOMS.items())))
    monkeypatch.setattr(loops, "_PATTERNS", dict(reversed(loops._PATTERNS.items())))
    caches = (template_module.converting_templates, template_module.applicable_templates, template_module.templates_of)
    if kind == "idiom":
        registry.idiom(0, "int", "int", "str", "list")(toy_idiom)
    elif kind == "loop":
        loops.loop_pattern(1, "any", plain=True)(toy_loop)
    else:
        toy = template_module._read("int.bit_count ¦ {0:int}.bit_count() ¦ int ¦ the ones of {0} ¦ common")
        known = (toy, *general_templates()[::-1])
        monkeypatch.setattr(template_module, "general_templates", lambda: known)
        monkeypatch.setattr(ExpressionGenerator, "write", toy_write)
    try:
        for cache in caches:
            cache.cache_clear()
        changed = 0
        for index, old in enumerate(before):
            used.clear()
            new = source_of(index)
            assert new == old or used
            changed += new != old
        assert 5 < changed < 300
    finally:
        for cache in caches:
            cache.cache_clear()


def void(_: object) -> None:
    """Gives nothing."""


def test_levels_and_methods_are_those_asked_for() -> None:
    sketches = made(60, levels=(2, 4), methods=("str.split", "list.append", "dict.get"))
    assert {sketch.constraint.level for sketch in sketches} == {2, 4}
    assert {sketch.constraint.method for sketch in sketches} == {"str.split", "list.append", "dict.get"}


def test_every_method_comes_up_at_every_level() -> None:
    asked = {(sketch.constraint.level, sketch.constraint.method) for sketch in made(6 * len(CATALOG))}
    assert len(asked) == 6 * len(CATALOG)


def test_programs_differ_and_say_what_they_do() -> None:
    sketches = made(600)
    assert len({sketch.program.source for sketch in sketches}) > 590
    for sketch in sketches:
        assert sketch.description.startswith("`") and sketch.description.endswith(".")
        assert "\1" not in sketch.description and "\1" not in sketch.program.source


def test_an_unknown_method_names_the_nearest() -> None:
    with pytest.raises(ProgramError, match=r"'str\.splt' is not in the catalogue: did you mean str\.split"):
        Constraint(1, "str.splt")
