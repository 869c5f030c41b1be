"""A repository as text: its modules, the tests among them, and its licence. Nothing of it is imported or run."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from execverify.errors import ProgramError, RowError
from execverify.programs.literals import parse_without_warnings

_LEFT_OUT = frozenset({"build", "dist", "docs", "doc", "examples", "node_modules", "site-packages", "__pycache__"})
_ROOT_FILES = ("pyproject.toml", "setup.py", "setup.cfg", ".git")
_LICENCE_FILES = ("LICENSE*", "LICENCE*", "COPYING*")
_MAX_FILES = 5_000
_TEXTS = (  # the hub's identifier, and phrases of the text that all have to stand there
    ("apache-2.0", ("apache license", "version 2.0")),
    ("mpl-2.0", ("mozilla public license", "2.0")),
    ("agpl-3.0", ("gnu affero general public license", "version 3")),
    ("lgpl-3.0", ("gnu lesser general public license", "version 3")),
    ("gpl-3.0", ("gnu general public license", "version 3")),
    ("gpl-2.0", ("gnu general public license", "version 2")),
    ("bsd-3-clause", ("redistributions in binary form", "neither the name")),
    ("bsd-3-clause", ("redistributions in binary form", "names of its contributors", "endorse or promote")),
    ("bsd-3-clause", ("redistributions in binary form", "names of the contributors", "endorse or promote")),
    ("bsd-2-clause", ("redistributions in binary form", "redistributions of source code")),
    ("mit", ("permission is hereby granted, free of charge", "the software is provided")),
    ("isc", ("permission to use, copy, modify, and/or distribute this software",)),
    ("unlicense", ("this is free and unencumbered software",)),
)
UNKNOWN_LICENCE = "unknown"


@dataclass(frozen=True)
class Module:
    """One module of a repository.

    Attributes:
        name: its dotted name, as an import names it.
        source: its text.
        is_package: whether it is the `__init__.py` of a package.
        location: its file, relative to the repository.
    """

    name: str
    source: str
    is_package: bool
    location: str

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree. Raises ProgramError where the text is not Python."""
        try:
            tree = parse_without_warnings(self.source, "exec")
        except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
            raise ProgramError(f"{self.location} is not Python: {error}") from None
        assert isinstance(tree, ast.Module)
        return tree

    @property
    def is_test(self) -> bool:
        """Whether pytest or unittest would look for tests in it."""
        name = Path(self.location).name
        return (name.startswith("test_") and name.endswith(".py")) or name.endswith("_test.py")

    @property
    def is_of_tests(self) -> bool:
        """Whether it is a test file or stands in a folder of tests."""
        return (
            self.is_test or any(part in ("tests", "test", "testing") for part in Path(self.location).parts) or self._is_conftest
        )

    @property
    def _is_conftest(self) -> bool:
        return Path(self.location).name == "conftest.py"

    def absolute(self, node: ast.ImportFrom) -> str:
        """The module that a `from ... import` names, without leading dots."""
        if not node.level:
            return node.module or ""
        parts = self.name.split(".")
        parts = parts[: len(parts) - node.level + self.is_package]
        return ".".join([*parts, *([node.module] if node.module else [])])


@dataclass(frozen=True)
class Repository:
    """The Python files of a folder.

    Attributes:
        root: the folder.
        name: what it calls itself, or the folder's name.
        licence: identifier of the Hugging Face hub, such as "mit"; "unknown" where none was recognised.
        modules: by dotted name, tests among them.
    """

    root: Path
    name: str
    licence: str
    modules: Mapping[str, Module]

    def module_of(self, path: Path) -> Module:
        """The module of a file; raises RowError where the file is none of the repository's."""
        location = path.resolve().relative_to(self.root.resolve()).as_posix()
        for module in self.modules.values():
            if module.location == location:
                return module
        raise RowError(f"{path}: no module of {self.root}; a module's name is an identifier, and its file is UTF-8")

    def tests(self) -> Iterator[tuple[Module, str]]:
        """Every test: its module, and `test_name` or `TestClass.test_name`."""
        for module in self.modules.values():
            if not module.is_test:
                continue
            try:
                yield from ((module, name) for name in test_names(module.tree))
            except ProgramError:
                continue

    def imported_by(self, module: Module) -> dict[str, Module]:
        """The modules of the repository that a module needs to be imported, itself among them."""
        found = {module.name: module}
        left = [module]
        while left:
            for name in self._imports(left.pop()):
                if name in self.modules and name not in found:
                    found[name] = self.modules[name]
                    left.append(self.modules[name])
        return found

    def _imports(self, module: Module) -> Iterator[str]:
        yield from parents_of(module.name)
        try:
            nodes = list(ast.walk(module.tree))
        except ProgramError:
            return
        for node in nodes:
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                base = module.absolute(node)
                names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
            for name in names:
                yield name
                yield from parents_of(name)


def parents_of(name: str) -> list[str]:
    """The packages around a module: for `a.b.c`, `a` and `a.b`."""
    parts = name.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts))]


def test_names(tree: ast.Module) -> Iterator[str]:
    """The tests that a module defines: functions `test*`, and methods `test*` of classes `Test*` or of `TestCase`."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test"):
            yield node.name
        if isinstance(node, ast.ClassDef) and (node.name.startswith("Test") or is_test_case(node)):
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef) and inner.name.startswith("test"):
                    yield f"{node.name}.{inner.name}"


def is_test_case(node: ast.ClassDef) -> bool:
    """Whether a class says by its bases that it is a `unittest.TestCase`."""
    return any(ast.unparse(base).rpartition(".")[2].endswith("TestCase") for base in node.bases)


def root_of(path: Path) -> Path:
    """The folder of the repository that a file belongs to: the nearest one with a pyproject.toml, setup.py or .git.

    Without one, it is the folder above the outermost package that holds the file.
    """
    folder = path.resolve().parent
    for each in (folder, *folder.parents):
        if any((each / name).exists() for name in _ROOT_FILES):
            return each
    while (folder / "__init__.py").is_file() and folder.parent != folder:
        folder = folder.parent
    return folder


def read_repository(root: Path) -> Repository:
    """Reads a folder's Python files; a folder `src/` is a root of modules, too.

    Raises:
        RowError: there is no such folder, it has no Python file, or more than 5,000.
    """
    if not root.is_dir():
        raise RowError(f"{root}: no such folder; give the folder of a repository")
    modules: dict[str, Module] = {}
    for count, path in enumerate(_python_files(root)):
        if count >= _MAX_FILES:
            raise RowError(f"{root} has more than {_MAX_FILES:,} Python files: give the folder of one package and its tests")
        module = _module(root, path)
        if module is not None:
            modules.setdefault(module.name, module)
    if not modules:
        raise RowError(f"{root} has no Python file; give the folder of a repository")
    return Repository(root, _name(root), licence_of(root), modules)


def _python_files(root: Path) -> Iterator[Path]:
    """The Python files below a folder, by name; links to folders are not followed."""
    for path in sorted(root.iterdir()):
        if path.name.startswith(".") or path.name in _LEFT_OUT:
            continue
        if path.is_dir() and not path.is_symlink():
            yield from _python_files(path)
        elif path.suffix == ".py" and path.is_file() and not path.is_symlink():
            yield path


def _module(root: Path, path: Path) -> Module | None:
    """The module of a file; None where its name is no identifier or its text cannot be read."""
    location = path.relative_to(root)
    parts = list(location.with_suffix("").parts)
    if parts[0] == "src" and len(parts) > 1:
        parts = parts[1:]
    is_package = parts[-1] == "__init__"
    parts = parts[:-1] if is_package else parts
    if not parts or not all(map(str.isidentifier, parts)) or parts == ["setup"]:
        return None
    try:
        return Module(".".join(parts), path.read_text("utf-8-sig"), is_package, location.as_posix())
    except (OSError, ValueError):
        return None


def _name(root: Path) -> str:
    """Name and version as the metadata give them; else the folder's name."""
    for file, pattern in (
        ("PKG-INFO", r"^%s: (.+)$"),
        ("pyproject.toml", r'^%s\s*=\s*"([^"]+)"'),
        ("setup.cfg", r"^%s\s*=\s*(.+)$"),
    ):
        text = _text(root / file)
        found = [re.search(pattern % word, text, re.MULTILINE | re.IGNORECASE) for word in ("name", "version")]
        if found[0]:
            return " ".join(match[1].strip() for match in found if match)
    return root.resolve().name


def licence_of(root: Path) -> str:
    """The licence by a repository's LICENSE or COPYING, or by its metadata; "unknown" where neither names one that is known."""
    files = [path for pattern in _LICENCE_FILES for path in sorted(root.glob(pattern)) if path.is_file()]
    for path in files:
        text = " ".join(_text(path).lower().split())
        for licence, phrases in _TEXTS:
            if all(phrase in text for phrase in phrases):
                return licence
    for file in ("PKG-INFO", "pyproject.toml", "setup.cfg"):
        match = re.search(
            r"""^license(?:-expression)?\s*[:=]\s*(?:\{\s*text\s*=\s*)?["']?([\w.-]+)""", _text(root / file), re.M | re.I
        )
        if match and match[1].lower() in {licence for licence, _ in _TEXTS}:
            return match[1].lower()
    return UNKNOWN_LICENCE


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", errors="replace")[:100_000]
    except OSError:
        return ""
