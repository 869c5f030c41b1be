"""Keys by which programs are distinguished: equal but for names, or equal but for names and constants.

Layout, comments, docstrings and annotations never count.

A name counts as *which* name it is: each binding of each scope has a number, in the order in which bindings come up. The
tree is written out by its fields, not by `ast.dump`, whose text differs between Python versions.

>>> from execverify.programs.program import Program
>>> one, two = Program("def f(a):\\n    return a + 1", "f", "1"), Program("def g(b):\\n    return b + 2", "g", "1")
>>> alpha_hash(one) == alpha_hash(two), structure_hash(one) == structure_hash(two)
(False, True)
"""

import ast
import builtins
import hashlib
import io
import tokenize
from collections.abc import Iterator
from keyword import kwlist
from typing import Any

from execverify.programs.program import Program, cached_per_program, split_lines
from execverify.programs.scopes import SPECIAL, Scope, scope_of_field, scopes, scopes_of

_BUILT_IN = frozenset(dir(builtins))
_SKIPPED = frozenset(("ctx", "type_comment", "kind", "type_params", "type_ignores", "is_async", "simple"))
_TYPES = frozenset(("annotation", "returns"))
_ABSENT = "~"


def alpha_hash(program: Program) -> int:
    """A 64-bit key that is equal for programs which differ in names, layout and comments alone."""
    return _keys(program)[0]


def structure_hash(program: Program) -> int:
    """A 64-bit key that is also equal where constants differ (each counts as its type)."""
    return _keys(program)[1]


def function_hashes(tree: ast.Module, least: int) -> tuple[frozenset[int], frozenset[int]]:
    """The renamed keys of each function by itself, and the shape keys of those that are written out in at least `least` words."""
    exacts, shapes = [], []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            writer = _TreeSerializer(node, scopes_of(node))
            exact, shape = writer.texts()
            exacts.append(_key(exact))
            if len(writer.exact) >= least:
                shapes.append(_key(shape))
    return frozenset(exacts), frozenset(shapes)


@cached_per_program
def _keys(program: Program) -> tuple[int, int]:
    exact, shape = _TreeSerializer(program.tree, scopes(program)).texts()
    return _key(exact), _key(shape)


def token_ngrams(source: str, size: int = 8, *, names: bool = True) -> frozenset[int]:
    """Keys of the runs of `size` tokens of a source; comments and layout do not count.

    Names count as they are; without `names`, all that the source gives are one.
    """
    words = tokens_of(source) if names else _nameless(tokens_of(source))
    return frozenset(_key(" ".join(words[at : at + size])) for at in range(len(words) - size + 1))


def _nameless(words: list[str]) -> list[str]:
    kept = _BUILT_IN | set(kwlist)
    pairs = zip(["", *words], words, strict=False)
    return ["·" if word.isidentifier() and word not in kept and before != "." else word for before, word in pairs]


def tokens_of(source: str) -> list[str]:
    """The tokens of a source without comments and layout; what cannot be read as Python is split at blanks."""
    try:
        return list(_words(source))
    except (tokenize.TokenError, SyntaxError):
        return source.split()


def _words(source: str) -> Iterator[str]:
    depth, start = 0, (0, 0)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        name = tokenize.tok_name[token.type]
        if name == "FSTRING_START":  # since Python 3.12 a text with braces is many tokens: it counts as one, as before
            start = start if depth else token.start
            depth += 1
        elif name == "FSTRING_END":
            depth -= 1
            if depth == 0:
                yield _between(source, start, token.end)
        elif depth == 0 and token.type not in _LAYOUT and token.string.strip():
            yield token.string


def _between(source: str, start: tuple[int, int], end: tuple[int, int]) -> str:
    lines = split_lines(source)[start[0] - 1 : end[0]]
    lines[-1] = lines[-1][: end[1]]
    lines[0] = lines[0][start[1] :]
    return "\n".join(lines)


_LAYOUT = frozenset(
    (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER, tokenize.ENCODING)
)


def _key(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


class _TreeSerializer:
    """Writes a tree out in words, without recursion: a sum of thousands is as deep as it is long."""

    def __init__(self, tree: ast.AST, scopes: dict[int, Scope]) -> None:
        self.scopes = scopes
        self.numbers: dict[tuple[Scope, str], str] = {}
        self.exact: list[str] = []
        self.constants: list[tuple[int, str]] = []  # where the words of constants stand, and their types
        self.left: list[tuple[object, Scope]] = [(tree, next(iter(self.scopes.values())))]
        while self.left:
            self.write(*self.left.pop())

    def texts(self) -> tuple[str, str]:
        """The words of the tree, and those words with only the types of constants."""
        shape = self.exact.copy()
        for place, kind in self.constants:
            shape[place] = kind
        return " ".join(self.exact), " ".join(shape)

    def write(self, part: object, scope: Scope) -> None:
        kind = part.__class__
        if kind is str:
            self.exact.append(part)  # type: ignore[arg-type]
        elif kind is ast.Name:
            self.exact.append(self.label(part.id, scope))  # type: ignore[attr-defined]
        elif kind is ast.Constant:
            self.constant(part.value, "")  # type: ignore[attr-defined]
        elif isinstance(part, ast.AST):
            self.node(part, scope)
        else:
            self.exact.append(_ABSENT if part is None else str(part))

    def constant(self, value: object, sign: str) -> None:
        kind = type(value).__name__
        self.constants.append((len(self.exact), kind))
        # `repr` refuses integers of many digits, `hex` writes them all
        self.exact.append(f"{kind}:{sign}{hex(value) if type(value) is int else repr(value)}")

    def label(self, name: str, scope: Scope) -> str:
        binding = scope.resolve(name)
        if binding is None:
            if name in _BUILT_IN:
                return name
            binding = (scope.module, name)
        return self.numbers.setdefault(binding, f"·{len(self.numbers)}")

    def node(self, node: ast.AST, scope: Scope) -> None:
        kind = node.__class__
        if kind is ast.UnaryOp and _is_signed_number(node):
            self.constant(node.operand.value, type(node.op).__name__)  # type: ignore[attr-defined]
            return
        self.exact.append(kind.__name__)
        inner = self.scopes.get(id(node), scope)
        parts: list[tuple[object, Scope]] = []
        special = kind in SPECIAL
        for field in _fields[kind]:
            part = getattr(node, field, None)
            where = scope_of_field(node, field, scope, inner) if special else scope
            if kind is ast.JoinedStr:  # some versions put an empty text at the end of a format
                part = [item for item in node.values if not (isinstance(item, ast.Constant) and item.value == "")]  # type: ignore[attr-defined]
            elif field in _TYPES:
                part = None
            elif field == "body" and kind in _DOCUMENTED:
                part = _without_docstring(part)
            if (kind, field) in _NAMES:
                parts.append((self.named(part, scope), scope))
            elif part.__class__ is list:
                parts.append(("[", scope))
                parts += [(item, where) for item in part]
                parts.append(("]", scope))
            else:
                parts.append((part, where))
        if kind is ast.Call:
            self.exact += self.keywords(node, scope)  # type: ignore[arg-type]
        self.left += reversed(parts)

    def named(self, part: Any, scope: Scope) -> str:
        """The bindings of the names that stand in a node as text."""
        names: list[str | None] = part if isinstance(part, list) else [part]
        return " ".join(_ABSENT if name is None else self.label(name, scope) for name in names)

    def keywords(self, call: ast.Call, scope: Scope) -> list[str]:
        """The keywords of a call: parameters, where the function is the program's own, else as they are written."""
        if not call.keywords:
            return []
        callee = scope.resolve(call.func.id) if isinstance(call.func, ast.Name) else None
        own = callee[0].function(callee[1]) if callee is not None else None
        takes = self.scopes[id(own)] if own is not None else None
        found = []
        for keyword in call.keywords:
            known = takes is not None and keyword.arg is not None and takes.bound.get(keyword.arg) == "parameter"
            found.append(self.label(keyword.arg, takes) if known else str(keyword.arg))  # type: ignore[arg-type]
        return found


class _Fields(dict[type[ast.AST], tuple[str, ...]]):
    """Fields of each kind of node that are written."""

    def __missing__(self, kind: type[ast.AST]) -> tuple[str, ...]:
        skipped = _SKIPPED | {"arg"} if kind is ast.keyword else _SKIPPED
        self[kind] = tuple(field for field in kind._fields if field not in skipped)
        return self[kind]


_fields = _Fields()
_NAMES = frozenset(
    (
        (ast.FunctionDef, "name"),
        (ast.AsyncFunctionDef, "name"),
        (ast.ClassDef, "name"),
        (ast.arg, "arg"),
        (ast.alias, "asname"),
        (ast.ExceptHandler, "name"),
        (ast.MatchAs, "name"),
        (ast.MatchStar, "name"),
        (ast.MatchMapping, "rest"),
        (ast.Global, "names"),
        (ast.Nonlocal, "names"),
    )
)


_DOCUMENTED = frozenset((ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))


def _without_docstring(body: Any) -> Any:
    first = body[0] if len(body) > 1 else None
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    return body[1:] if documented else body


def _is_signed_number(node: ast.AST) -> bool:
    operand = node.operand  # type: ignore[attr-defined]
    signed = isinstance(node.op, ast.USub | ast.UAdd)  # type: ignore[attr-defined]
    return signed and operand.__class__ is ast.Constant and type(operand.value) in (int, float, complex)
