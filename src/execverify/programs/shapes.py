"""Keys by which programs are told apart: equal but for names, or equal but for names and constants.

The tree is written out by its fields, not by `ast.dump`, whose text differs between Python versions.

>>> from execverify.programs.program import Program
>>> one, two = Program("def f(a):\\n    return a + 1", "f", "1"), Program("def g(b):\\n    return b + 2", "g", "1")
>>> renamed_key(one) == renamed_key(two), shape_key(one) == shape_key(two)
(False, True)
"""

import ast
import builtins
import hashlib
import io
import keyword
import tokenize

from execverify.programs.program import Program

_KEPT = frozenset(dir(builtins))
_SKIPPED = frozenset(("ctx", "type_comment", "kind", "type_params", "type_ignores", "lineno"))


def renamed_key(program: Program) -> int:
    """A 64-bit key that is equal for programs which differ in names, layout and comments alone."""
    return _key(_text(program.tree, constants=True))


def shape_key(program: Program) -> int:
    """A 64-bit key that is also equal where constants differ (each counts as its type)."""
    return _key(_text(program.tree, constants=False))


def function_keys(tree: ast.Module) -> frozenset[int]:
    """The renamed keys of each function by itself."""
    return frozenset(_key(_text(node, constants=True)) for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def ngrams(source: str, size: int = 8) -> frozenset[int]:
    """Keys of the runs of `size` tokens of a source; names count as they are, comments and layout do not."""
    words = words_of(source)
    return frozenset(_key(" ".join(words[at : at + size])) for at in range(len(words) - size + 1))


def words_of(source: str) -> list[str]:
    """The tokens of a source without comments and layout; what cannot be read as Python is split at blanks."""
    words: list[str] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type not in _LAYOUT and token.string.strip():
                words.append(token.string)
    except (tokenize.TokenError, SyntaxError):
        return source.split()
    return words


_LAYOUT = frozenset(
    (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER, tokenize.ENCODING)
)


def _key(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def _text(tree: ast.AST, constants: bool) -> str:
    names: dict[str, str] = {}
    out: list[str] = []
    bound = _bound(tree)

    def name(text: str) -> str:
        if text in _KEPT and text not in bound:
            return text
        return names.setdefault(text, f"·{len(names)}")

    def write(node: ast.AST) -> None:
        kind = node.__class__
        out.append(kind.__name__)
        if kind is ast.Name:
            out.append(name(node.id))  # type: ignore[attr-defined]
            return
        if kind is ast.Constant:
            value = node.value  # type: ignore[attr-defined]
            out.append(f"{type(value).__name__}:{value!r}" if constants else type(value).__name__)
            return
        for field in node._fields:
            if field in _SKIPPED:
                continue
            part = getattr(node, field, None)
            if part.__class__ is list:
                out.append("[")
                for item in part:
                    if isinstance(item, ast.AST):
                        write(item)
                    else:
                        out.append(str(item))
                out.append("]")
            elif isinstance(part, ast.AST):
                write(part)
            elif part is not None:
                text = str(part)
                named = field in ("name", "arg") and kind is not ast.keyword and kind is not ast.alias
                out.append(name(text) if named else text)

    write(tree)
    return " ".join(out)


def _bound(tree: ast.AST) -> frozenset[str]:
    """Names that the program gives a meaning of its own, so that a built-in's name may be any name."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del):
            found.add(node.id)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
    return frozenset(found - set(keyword.kwlist))
