"""HTML that cannot be broken by what it shows: text is escaped unless it is `Markup`, which only `tag` and its like make.

>>> tag("td", "1 < 2", class_="wide")
'<td class="wide">1 &lt; 2</td>'
"""

import builtins
import html
import io
import keyword
import tokenize
import unicodedata
from collections.abc import Iterable

_VOID = frozenset(("br", "col", "meta"))
_STRING = frozenset(
    getattr(tokenize, name) for name in ("STRING", "FSTRING_START", "FSTRING_MIDDLE", "FSTRING_END", "TSTRING_START",
                                         "TSTRING_MIDDLE", "TSTRING_END") if hasattr(tokenize, name)
)  # fmt: skip
_CONSTANTS = frozenset(("True", "False", "None"))
_BUILTINS = frozenset(name for name in dir(builtins) if name.islower())
_UNSEEN = frozenset(("Cc", "Cf", "Cs", "Co", "Zl", "Zp"))


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


Part = str | Iterable[str]


def text(plain: str) -> Markup:
    """Plain text as HTML. Characters that cannot be seen, or that turn the writing direction round, are shown as escapes."""
    if plain.isascii() and plain.isprintable():
        return Markup(html.escape(plain))
    return Markup(html.escape("".join(char if _is_seen(char) else _escape(char) for char in plain)))


def _is_seen(char: str) -> bool:
    return char in "\n\t" or unicodedata.category(char) not in _UNSEEN


def _escape(char: str) -> str:
    number = ord(char)
    return f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}" if number < 65536 else f"\\U{number:08x}"


def joined(*parts: Part) -> Markup:
    """Parts one after the other: markup as it is, other text escaped, and what is in lists likewise."""
    out: list[str] = []
    for part in parts:
        if isinstance(part, Markup):
            out.append(part)
        elif isinstance(part, str):
            out.append(text(part))
        else:
            out.append(joined(*part))
    return Markup("".join(out))


def tag(name: str, *inside: Part, **attributes: str | None) -> Markup:
    """An element. `class_` and `for_` lose their underscore; others have it as a hyphen; None leaves an attribute out."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(value)}"' for key, value in attributes.items() if value is not None
    )
    return Markup(f"<{name}{written}>" if name in _VOID else f"<{name}{written}>{joined(*inside)}</{name}>")


def python(source: str) -> list[Markup]:
    """The lines of a Python source, coloured; plain where its tokens cannot be told."""
    lines = source.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    colours = [[""] * len(line) for line in lines]
    defines = False
    try:
        for token in tokenize.generate_tokens(io.StringIO("\n".join(lines) + "\n").readline):
            colour = "fn" if defines and token.type == tokenize.NAME else _colour(token)
            defines = token.string in ("def", "class") and token.type == tokenize.NAME
            if colour:
                _paint(colours, token, colour)
    except (tokenize.TokenError, SyntaxError, ValueError, RecursionError):
        pass  # what was told so far is coloured
    return [_line(line, colour) for line, colour in zip(lines, colours, strict=True)]


def _colour(token: tokenize.TokenInfo) -> str:
    if token.type == tokenize.NAME:
        if token.string in _CONSTANTS:
            return "num"
        return "kw" if keyword.iskeyword(token.string) else "bi" if token.string in _BUILTINS else ""
    if token.type in _STRING:
        return "str"
    return {tokenize.NUMBER: "num", tokenize.COMMENT: "com"}.get(token.type, "")


def _paint(colours: list[list[str]], token: tokenize.TokenInfo, colour: str) -> None:
    (first, begin), (last, end) = token.start, token.end
    for number in range(first, min(last, len(colours)) + 1):
        row = colours[number - 1]
        start, stop = begin if number == first else 0, min(end, len(row)) if number == last else len(row)
        row[start:stop] = [colour] * max(0, stop - start)


def _line(line: str, colours: list[str]) -> Markup:
    out, begin = [], 0
    for place in range(1, len(line) + 1):
        if place == len(line) or colours[place] != colours[begin]:
            part = line[begin:place]
            out.append(tag("span", part, class_=colours[begin]) if colours[begin] else text(part))
            begin = place
    return joined(*out)
