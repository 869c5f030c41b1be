"""The wording of messages: counts, single lines, texts without control characters, addresses without what is secret."""

import difflib
import re
from collections.abc import Iterable
from urllib.parse import parse_qsl, unquote, urlsplit

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
"""Characters that a terminal acts on, or that change the order of what is read, and half surrogate pairs, which cannot be written."""

_CLOSE = 0.7
"""Two names are close where so large a share of their characters stand in both, in one order."""

_MOST_LISTED = 60
"""How many names a message lists; of more, it shows three."""

_LEAST_SECRET = 4
"""Characters of a value of a query that is taken for a secret: a shorter one would blot out common words."""


def count_phrase(count: int, noun: str, plural: str | None = None) -> str:
    """A number with its noun.

    >>> count_phrase(1, "row"), count_phrase(2, "row"), count_phrase(0, "family", "families")
    ('1 row', '2 rows', '0 families')
    """
    return f"{count} {noun_for(count, noun, plural)}"


def noun_for(count: int, noun: str, plural: str | None = None) -> str:
    """The noun that follows a number."""
    return noun if count == 1 else plural or noun + "s"


def near_names(name: str, known: Iterable[str]) -> list[str]:
    """The known names that somebody may have meant: all that begin with the name, else up to three that are close to it.

    Of names with dots before which both are the same, what follows must be close.

    >>> near_names("sort", ["sorted", "sum"]), near_names("mmlu", ["cruxeval-o", "heldout"])
    (['sorted'], [])
    """
    folded = {each.casefold(): each for each in known}
    wanted = name.casefold()
    head = wanted.rpartition(".")[0] + "."
    longer = [each for text, each in folded.items() if wanted and text.startswith(wanted)]
    near = difflib.get_close_matches(wanted, folded, n=3, cutoff=_CLOSE)
    tails = [text.removeprefix(head) for text in near if text.startswith(head)]
    close = difflib.get_close_matches(wanted.removeprefix(head), tails, n=3, cutoff=_CLOSE)
    return longer or [folded[text] for text in near if not text.startswith(head) or text.removeprefix(head) in close]


def suggestion(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """The end of a message about an unknown name: "did you mean ...?" where a known one is close, else the names that there are.

    Args:
        name: that is unknown; one with dots gets the names with the same beginning, where there are any.
        known: the names.
        otherwise: what may be given besides a name: "a folder".
    """
    names = list(known)
    if near := near_names(name, names):
        return f"did you mean {' or '.join(near)}?"
    head = name.rpartition(".")[0] + "."
    listed = [each for each in names if each.startswith(head)] or names
    if len(listed) > _MOST_LISTED:
        return f"it must be one of {len(listed)} names, such as {listed[0]}, {listed[len(listed) // 2]} or {listed[-1]}"
    return f"it must be one of {', '.join(listed)}" + (f", or {otherwise}" if otherwise else "")


def quoted(text: str) -> str:
    """A text that is safe to print: what a terminal would act on stands there as an escape. Line ends and tabs stay.

    >>> shown("a\\x1b[31mb")
    'a\\\\x1b[31mb'
    """
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def one_line(text: object, most: int = 2_000) -> str:
    """A text on one line, safe to print; what is longer than `most` characters is cut in its middle."""
    line = quoted(" ".join(str(text).split()))
    return line if len(line) <= most else f"{line[: most * 2 // 3]} ... {line[-most // 4 :]}"


def redact_url(url: str) -> str:
    """An address as messages and results may hold it: without user, password, query and fragment, which may hold a key.

    >>> redact_url("https://me:word@host:8000/v1?key=secret#part")
    'https://host:8000/v1'
    """
    bare = re.split(r"[?#]", url, maxsplit=1)[0]
    scheme, mark, rest = bare.partition("://")
    host, slash, path = (rest if mark else scheme).partition("/")
    return f"{scheme if mark else ''}{mark}{host.rpartition('@')[2]}{slash}{path}"


def url_secrets(url: str) -> tuple[str, ...]:
    """The texts of an address that no message may hold: its query, and each value of it, as written and as meant; longest first."""
    try:
        query = urlsplit(url).query
    except ValueError:
        return ()
    found = {query, unquote(query)}
    for _, value in parse_qsl(query):
        found.add(value)
    found.update(part.partition("=")[2] for part in query.split("&"))
    return tuple(sorted((text for text in found if len(text) >= _LEAST_SECRET), key=len, reverse=True))


def redact(text: str, secrets: tuple[str, ...]) -> str:
    """A text in which each of the secrets is replaced by stars."""
    for secret in secrets:
        text = text.replace(secret, "***")
    return text


def encodable(text: str) -> str:
    """A text with lone surrogates escaped, so that it can be written as UTF-8."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode()
    return text
