"""Reads an HTML page as a browser would, for tests that ask what is text in it and what is markup."""

from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = ("meta", "input", "br")


@dataclass
class Page(HTMLParser):
    """A parsed page.

    Attributes:
        tags: how many elements of each name there are.
        attributes: how many attributes of each name there are.
        links: values of attributes that name something else.
        ids: all ids.
        text: all text outside scripts and styles.
        scripts: attributes and text of each script.
    """

    source: str
    tags: Counter[str] = field(default_factory=Counter)
    attributes: Counter[str] = field(default_factory=Counter)
    links: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    text: str = ""
    scripts: list[tuple[dict[str, str | None], str]] = field(default_factory=list)
    _open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.feed(self.source)
        self.close()
        assert self._open == [], f"elements that are not closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes.update(name for name, _ in attrs)
        self.links += [str(value) for name, value in attrs if name in ("href", "src", "action", "data")]
        self.ids += [str(value) for name, value in attrs if name == "id"]
        if tag == "script":
            self.scripts.append((dict(attrs), ""))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open and self._open[-1] == tag, f"</{tag}> closes {self._open[-1:]}"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open[-1:] == ["script"]:
            self.scripts[-1] = (self.scripts[-1][0], data)
        elif self._open[-1:] != ["style"]:
            self.text += data
