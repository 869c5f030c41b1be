"""Keys of programs: equal for what differs in names, layout or constants alone, and for nothing else, on every Python."""

import ast
import subprocess
import sys

import pytest

from execverify.programs.fingerprint import alpha_hash, function_hashes, structure_hash, token_ngrams, tokens_of
from execverify.programs.program import Program


def program(source: str, entry_point: str | None = None) -> Program:
    """A program that is never called: its arguments do not count."""
    names = [node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    parameters = ast.parse(source).body
    chosen = next(node for node in parameters if isinstance(node, ast.FunctionDef) and node.name == (entry_point or names[0]))
    count = len(chosen.args.posonlyargs) + len(chosen.args.args) - len(chosen.args.defaults)
    named = [f"{arg.arg}=1" for arg, given in zip(chosen.args.kwonlyargs, chosen.args.kw_defaults, strict=True) if given is None]
    return Program(source, chosen.name, ", ".join(["1"] * count + named))


RENAMED = {
    "names": ("def f(a, b):\n    c = a + b\n    return c", "def total(x, y):\n    result = x + y\n    return result"),
    "layout and comments": ("def f(a):\n    return [a,a]", "def f(a):\n\n    # twice\n    return [\n        a, a,\n    ]"),
    "names of helpers": (
        "def g(n):\n    return n * 2\ndef f(a):\n    return g(a)",
        "def double(k):\n    return k * 2\ndef f(a):\n    return double(a)",
    ),
    "a helper's parameter that happens to be another function's": (
        "def g(a):\n    return a * 2\ndef f(a):\n    return g(a)",
        "def g(a):\n    return a * 2\ndef f(b):\n    return g(b)",
    ),
    "a lambda's parameter that happens to be the function's": (
        "def f(x):\n    return map(lambda x: x + 1, x)",
        "def f(x):\n    return map(lambda y: y + 1, x)",
    ),
    "a comprehension's variable that happens to be the iterable": (
        "def f(x):\n    return [x for x in x if x]",
        "def f(xs):\n    return [item for item in xs if item]",
    ),
    "nested comprehensions": (
        "def f(m):\n    return {a: {b for b in r} for a, r in m}",
        "def f(m):\n    return {k: {k for k in v} for k, v in m}",
    ),
    "a walrus in a comprehension": (
        "def f(a):\n    b = [c for d in a if (c := d)]\n    return c",
        "def f(k):\n    l = [m for n in k if (m := n)]\n    return m",
    ),
    "a built-in's name that is bound": ("def f(list):\n    return list + 1", "def f(max):\n    return max + 1"),
    "keyword arguments to own functions": (
        "def g(a, *, b):\n    return a - b\ndef f(x):\n    return g(x, b=x)",
        "def g(c, *, d):\n    return c - d\ndef f(x):\n    return g(x, d=x)",
    ),
    "keyword arguments to an own lambda": (
        "def f(x):\n    g = lambda a: a\n    return g(a=x)",
        "def f(x):\n    h = lambda k: k\n    return h(k=x)",
    ),
    "global and nonlocal": (
        "n = 0\ndef f(a):\n    global n\n    m = 1\n    def g():\n        nonlocal m\n        m = 2\n    n = m\n    return n",
        "k = 0\ndef f(a):\n    global k\n    l = 1\n    def h():\n        nonlocal l\n        l = 2\n    k = l\n    return k",
    ),
    "an exception's name": (
        "def f(a):\n    try:\n        return a\n    except ValueError as e:\n        return e",
        "def f(a):\n    try:\n        return a\n    except ValueError as error:\n        return error",
    ),
    "captures": (
        "def f(a):\n    match a:\n        case [b, *c]:\n            return b, c\n        case {'k': d, **e}:\n            return d, e",
        "def f(v):\n    match v:\n        case [w, *x]:\n            return w, x\n        case {'k': y, **z}:\n            return y, z",
    ),
    "a default in the scope around": (
        "def f(a):\n    def g(a=a):\n        return a\n    return g()",
        "def f(a):\n    def g(b=a):\n        return b\n    return g()",
    ),
    "an import's other name": ("import math as m\ndef f(a):\n    return m.pi", "import math as n\ndef f(a):\n    return n.pi"),
    "quotes": ("def f(a):\n    return 'x' + \"y\"", "def f(a):\n    return \"x\" + 'y'"),
    "how a number is written": ("def f(a):\n    return 255 + 1_000", "def f(a):\n    return 0xFF + 1000"),
    "texts side by side": ("def f(a):\n    return 'ab' f'{a}c' 'd'", "def f(a):\n    return f'ab{a}cd'"),
}

CONSTANTS = {
    "numbers": ("def f(a):\n    return a + 1", "def f(a):\n    return a + 200"),
    "a sign": ("def f(a):\n    return a + -1", "def f(a):\n    return a + 1"),
    "texts": ("def f(a):\n    return a + 'x'", "def f(a):\n    return a + 'yes'"),
    "truth": ("def f(a):\n    return a is True", "def f(a):\n    return a is False"),
    "text within braces": ("def f(a):\n    return f'<{a:>3}>'", "def f(a):\n    return f'[{a:>9}]'"),
}

APART = {
    "ends of a slice": ("def f(a):\n    return a[:1]", "def f(a):\n    return a[1:]"),
    "the step of a slice": ("def f(a):\n    return a[::2]", "def f(a):\n    return a[:2]"),
    "operators": ("def f(a):\n    return a + a", "def f(a):\n    return a - a"),
    "grouping": ("def f(a):\n    return a - (a - a)", "def f(a):\n    return a - a - a"),
    "methods": ("def f(a):\n    return a.upper()", "def f(a):\n    return a.lower()"),
    "built-ins": ("def f(a):\n    return min(a)", "def f(a):\n    return max(a)"),
    "a bound name and a built-in": ("def f(min, a):\n    return min(a)", "def f(b, a):\n    return min(a)"),
    "which of two": ("def f(a, b):\n    return a", "def f(a, b):\n    return b"),
    "keyword arguments to built-ins": ("def f(a):\n    return sorted(a, key=a)", "def f(a):\n    return sorted(a, reverse=a)"),
    "which keyword of an own function": (
        "def g(a, b):\n    return a - b\ndef f(x, y):\n    return g(a=x, b=y)",
        "def g(a, b):\n    return a - b\ndef f(x, y):\n    return g(b=x, a=y)",
    ),
    "types of constants": ("def f(a):\n    return a + 1", "def f(a):\n    return a + 1.0"),
    "where a block ends": (
        "def f(a):\n    if a:\n        a = 2\n    a = 3\n    return a",
        "def f(a):\n    if a:\n        a = 2\n        a = 3\n    return a",
    ),
    "arguments with and without a star": ("def f(a):\n    return a", "def f(*a):\n    return a"),
    "a shadowed name and the outer one": (
        "def f(x):\n    return [y for y in x]",
        "def f(x):\n    return [x for y in x]",
    ),
    "a return of nothing": ("def f(a):\n    return", "def f(a):\n    return None"),
    "a mark within a text": ("def f(a):\n    return ['a', 'b']", "def f(a):\n    return [\"a', 'b\"]"),
    "a conversion": ("def f(a):\n    return f'{a!r}'", "def f(a):\n    return f'{a!s}'"),
}


@pytest.mark.parametrize("name", RENAMED)
def test_names_and_layout_do_not_count(name: str) -> None:
    one, two = map(program, RENAMED[name])
    assert alpha_hash(one) == alpha_hash(two)
    assert structure_hash(one) == structure_hash(two)


@pytest.mark.parametrize("name", CONSTANTS)
def test_constants_count_for_one_key_and_not_for_the_other(name: str) -> None:
    one, two = map(program, CONSTANTS[name])
    assert alpha_hash(one) != alpha_hash(two)
    assert structure_hash(one) == structure_hash(two)


@pytest.mark.parametrize("name", APART)
def test_other_programs_have_other_keys(name: str) -> None:
    one, two = map(program, APART[name])
    assert alpha_hash(one) != alpha_hash(two)
    if name not in ("a mark within a text",):
        assert structure_hash(one) != structure_hash(two)


def test_arguments_do_not_count() -> None:
    source = "def f(a):\n    return a"
    assert alpha_hash(Program(source, "f", "1")) == alpha_hash(Program(source, "f", "'x'"))


def test_keys_have_64_bits() -> None:
    keys = [alpha_hash(program(f"def f(a):\n    return a + {number}")) for number in range(200)]
    assert len(set(keys)) == 200 and max(keys) < 2**64 and max(keys) > 2**62


def test_odd_programs_have_keys() -> None:
    deep = "def f(a):\n    return " + "+".join(["a"] * 1_500)
    long = f"def f(a):\n    return 0x{'f' * 10_000}"
    half = "def f(a):\n    return '\\udc80'"
    assert len({alpha_hash(program(source)) for source in (deep, long, half)}) == 3
    assert structure_hash(program(long)) == structure_hash(program("def f(a):\n    return 1"))


def test_functions_have_keys_of_their_own_wherever_they_stand() -> None:
    alone = ast.parse("def g(x):\n    return x * 2")
    among = ast.parse("def f(a):\n    return double(a)\n\n\ndef double(value):\n    return value * 2")
    inside = ast.parse("class A:\n    async def other(self):\n        pass\n    def g(y):\n        return y * 2")
    assert exact(alone) < exact(among)
    assert exact(alone) < exact(inside) and len(exact(inside)) == 2
    one, two = (
        ast.parse("def f(a):\n    return g(a)\ndef g(a):\n    return a"),
        ast.parse("def k(b):\n    return l(b)\ndef l(c):\n    return c"),
    )
    assert exact(one) == exact(two)  # another function's name is as free as one's own


def exact(tree: ast.Module) -> frozenset[int]:
    return function_hashes(tree, 0)[0]


def test_functions_have_shapes_from_some_length_on() -> None:
    one, two = ast.parse("def g(x):\n    return x * 2 + 5"), ast.parse("def h(y):\n    return y * 3 + 7")
    assert exact(one) != exact(two) and function_hashes(one, 0)[1] == function_hashes(two, 0)[1]
    assert function_hashes(one, 1_000)[1] == frozenset()


def test_words_are_tokens_without_comments_and_layout() -> None:
    source = (
        "def f(a, b):  # add 'em\n    return a**b >= 1.5e3 or a != \"it's\" \\\n        + f'{a}, {b!r}' + r'\\d' + '''x\ny'''\n"
    )
    assert tokens_of(source) == [
        *["def", "f", "(", "a", ",", "b", ")", ":", "return", "a", "**", "b", ">=", "1.5e3", "or", "a", "!="],
        '"it\'s"', "+", "f'{a}, {b!r}'", "+", "r'\\d'", "+", "'''x\ny'''",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text", ["", "   \n", "def f(:\n 'open", "don't $ ? `x` \x00", "'''never closed", "\\", "é = ٣; π²", "1__0 0x 1e"]
)
def test_any_text_has_words(text: str) -> None:
    assert "".join(tokens_of(text)).replace(" ", "") == "".join(text.split())


def test_runs_of_words_are_compared_by_their_keys() -> None:
    one, two = "def f(a, b, c):\n    return a + b + c", "def f(a,b,c): # sum\n  return (a+b+c)"
    assert len(token_ngrams(one, 8)) == len(tokens_of(one)) - 7 == 9
    shared = len(token_ngrams(one, 8) & token_ngrams(two, 8))
    assert shared == 4  # up to `return`: behind it stands a bracket
    assert token_ngrams("a b", 3) == frozenset() and len(token_ngrams("a b c", 3)) == 1
    assert token_ngrams("a b c d", 2) != token_ngrams("d c b a", 2)
    assert token_ngrams("a b a b a b", 2) == token_ngrams("b a b a", 2)


def test_keys_are_the_same_under_every_hash_seed() -> None:
    script = (
        "from execverify.programs.program import Program\n"
        "from execverify.programs.fingerprint import *\n"
        "p = Program('def f(a, b):\\n    c = {x for x in a if x in (b, 1)}\\n    return len(c)', 'f', '[1], 2')\n"
        "print(alpha_hash(p), structure_hash(p), sorted(token_ngrams(p.source)), sorted(function_hashes(p.tree, 0)[0]))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", script], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("0", "77")
    }
    assert len(outputs) == 1


def test_keys_do_not_change_with_versions_of_python() -> None:
    """Worked out once on 3.11 and held since: datasets of several versions are compared by them."""
    source = (
        "def f(words, n=2):\n    found = {}\n    for w in words:\n        found[w] = f'{len(w):>{n}}'\n"
        "    return sorted(found, key=lambda k: -n)[:n]\n"
    )
    one = Program(source, "f", "['a']")
    assert (alpha_hash(one), structure_hash(one)) == (RENAMED_THEN, SHAPE_THEN)


RENAMED_THEN, SHAPE_THEN = 8654996305492470956, 8253496386626102115
