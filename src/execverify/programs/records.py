"""Programs that exist: from JSONL rows, or from a Python file.

JSONL: one object a line, `{"code": ..., "input": ...[, "output": ..., "id": ..., "entry_point": ...]}`; this is CRUXEval's
own format. One JSON array of such objects, and gzip files of either, are read too. A Python file: its module-level lines
`assert f(3) == 6`, `print(f(3))` or `f(3)` are calls; each becomes a program of its own that holds the definitions which the
called function needs, and nothing else. Where the one call to make is given apart, the program is the whole file, so that its
line numbers are the file's.

A program that uses `List`, `math` or `Counter` and does not import them gets the import (`imports.py`): programs are written so for
the field's judges. The line numbers of a row are those of the program as the row shows it.
"""

import ast
import symtable
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

from execverify.errors import ProgramError, RowError
from execverify.programs.imports import with_imports
from execverify.programs.program import BYTE_ORDER_MARK, parse_call, parse_source, split_lines
from execverify.programs.usual_imports import USUAL_IMPORTS
from execverify.utils.read_files import STDIN, name_of, read_json_records, read_text

_WHAT = "programs, .jsonl or .py"


@dataclass(frozen=True, slots=True)
class ProgramRecord:
    """A program as somebody wrote it down, not yet checked.

    Attributes:
        source: the code.
        entry_point: the function to call; None where it was not named.
        arguments: the call's arguments as text.
        output: the result that somebody claims, as text; None where nobody does.
        id: the record's own name, or one made of the file's name and the line.
        location: file and line, for messages.
        error: why it cannot be used, where the file itself gives an error, as `execverify ask --json` does for a program that failed.
        completed: whether usual imports were put before the code.
    """

    source: str
    entry_point: str | None
    arguments: str
    output: str | None
    id: str
    location: str
    error: str | None = None
    completed: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "source", self.source.lstrip(BYTE_ORDER_MARK))


def read_programs(path: str | Path, call: str | None = None, *, prelude: str = USUAL_IMPORTS) -> Iterator[ProgramRecord]:
    """Programs of a JSONL or Python file, in the file's order; those that lack usual imports have them put before.

    Args:
        path: a file that ends in `.py`, or holds JSON lines or one JSON array, gzipped or not; `-` is standard input.
        call: for a Python file, the one call to make, such as `"f(3)"`, instead of those in the file.
        prelude: the imports that a program gets where it uses their names and does not bind them; "" for none.

    Raises:
        RowError: there is no such file, a line is no JSON object or has no code or input, or there is no call.
        ProgramError: a Python file does not parse.
    """
    path = Path(path)
    name = path.with_suffix("") if path.suffix == ".gz" else path
    if name.suffix == ".py":
        found = _from_python(path, name.stem, read_text(path, _WHAT), call)
        return (_completed(record, prelude, keep_lines=call is not None) for record in found)
    if call is not None:
        raise RowError(f"--call goes with a Python file, and {name_of(path)} is not one: its name does not end in .py")
    records = _from_json(path, "stdin" if str(path) == STDIN else name.stem)
    first = next(records)  # a file that is not there is reported now
    return (_completed(record, prelude) for record in chain([first], records))


def _completed(record: ProgramRecord, prelude: str, keep_lines: bool = False) -> ProgramRecord:
    """A record with the usual imports that its code lacks."""
    but = (record.entry_point,) if record.entry_point is not None else ()
    source = with_imports(record.source, prelude, but=but, keep_lines=keep_lines)
    return record if source == record.source else replace(record, source=source, completed=True)


def _from_json(path: Path, stem: str) -> Iterator[ProgramRecord]:
    found = False
    for where, row in read_json_records(path, _WHAT, hint="write one object a line, or name a Python file .py"):
        found = True
        yield _record(row, where, f"{stem}:{where.rpartition(':')[2]}")
    if not found:
        raise RowError(f"{name_of(path)} holds no programs: write one JSON object a line")


def _record(row: Any, where: str, default_name: str) -> ProgramRecord:
    if not isinstance(row, dict):
        raise RowError(f"{where} is not a JSON object with code and input")
    name = default_name if row.get("id") is None else str(row["id"])
    if isinstance(row.get("error"), str) and "code" not in row:  # a failed program in the `--json` output of another verb
        return ProgramRecord("", None, "", None, name, where, row["error"])
    for field in ("code", "input"):
        if not isinstance(row.get(field), str):
            raise RowError(f"{where} has no {field!r}: each row needs code and input, both text")
    for field in ("output", "entry_point"):
        if not isinstance(row.get(field), str | None):
            raise RowError(f"{where}: {field!r} must be text")
    return ProgramRecord(row["code"], row.get("entry_point"), row["input"], row.get("output"), name, where)


def _from_python(path: Path, stem: str, text: str, call: str | None) -> Iterator[ProgramRecord]:
    try:
        tree = parse_source(text)
    except ProgramError as error:
        raise ProgramError(f"{path}: {error}") from None
    lines = split_lines(text)
    if call is not None:
        entry_point, arguments = parse_call(call)
        yield ProgramRecord(text, entry_point, arguments, None, f"{stem}:{entry_point}", str(path))
        return
    found = False
    for node in tree.body:
        called = _call_of(node)
        if called is None:
            continue
        found = True
        entry, output = called
        entry_point, arguments = parse_call(ast.get_source_segment(text, entry) or "")
        claimed = ast.get_source_segment(text, output) if output is not None else None
        where = f"{path}:{node.lineno}"
        source = _needed(tree, lines, entry_point, path)
        yield ProgramRecord(source, entry_point, arguments, claimed, f"{stem}:{entry_point}:{node.lineno}", where)
    if not found:
        raise RowError(f"{path} makes no call: add a line such as `assert f(3) == 6`, or say --call 'f(3)'")


def _call_of(node: ast.stmt) -> tuple[ast.Call, ast.expr | None] | None:
    """The call that a module-level line makes, and the result that it claims."""
    match node:
        case ast.Assert(test=ast.Compare(left=ast.Call(func=ast.Name()) as call, ops=[ast.Eq()], comparators=[output])):
            return call, output
        case ast.Expr(value=ast.Call(func=ast.Name(id="print"), args=[ast.Call(func=ast.Name()) as call])):
            return call, None
        case ast.Expr(value=ast.Call(func=ast.Name(id=name)) as call) if name != "print":
            return call, None
    return None


def _needed(tree: ast.Module, lines: list[str], entry_point: str, path: Path) -> str:
    """The statements that the entry point needs, in the file's order, each as it is written there.

    Needed is what binds or changes a name that something needed reads from the module: a definition, an import, an
    assignment, also `TABLE["a"] = 1`, `TABLE.append(1)`, and compound statements that hold such.
    """
    statements = [node for node in tree.body if _call_of(node) is None]
    changers: dict[str, list[ast.stmt]] = {}
    for node in statements:
        for name in _changed_names(node):
            changers.setdefault(name, []).append(node)
    if entry_point not in changers:
        raise RowError(f"{path} does not define {entry_point!r}")
    wanted = {id(node) for node in changers.get("*", [])}
    names, seen = [entry_point], set()
    while names:
        name = names.pop()
        if name in seen:
            continue
        seen.add(name)
        for node in changers.get(name, []):
            if id(node) not in wanted:
                wanted.add(id(node))
                names += _module_names_read("\n".join(lines[_span(node)]))
    spans = dict.fromkeys((_span(node).start, _span(node).stop) for node in statements if id(node) in wanted)
    return "\n\n".join("\n".join(lines[start:stop]) for start, stop in spans) + "\n"


def _changed_names(statement: ast.stmt) -> set[str]:
    """Names of the module that a statement binds or changes when it runs; "*" for what may bind any."""
    names: set[str] = set()
    for node in _running(statement):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.ImportFrom) and (node.module == "__future__" or node.names[0].name == "*"):
            names.add("*")
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names.update(alias.asname or alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del):
            names.add(node.id)
        elif isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store | ast.Del):
            names.update(_root(node))
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            names.update(_root(node.value.func))
    return names


def _running(statement: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a statement that run with it: not the bodies of functions and classes."""
    yield statement
    if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
        for child in ast.iter_child_nodes(statement):
            yield from _running(child)


def _root(node: ast.expr) -> Iterator[str]:
    """The name that a chain of attributes and subscripts begins with: `a` of `a.b[0].c`; none for a plain name."""
    inner = node
    while isinstance(inner, ast.Attribute | ast.Subscript):
        inner = inner.value
    if isinstance(inner, ast.Name) and inner is not node:
        yield inner.id


def _module_names_read(text: str) -> list[str]:
    """Names that a statement, or a function in it, reads from the module: not parameters, not local variables."""
    try:
        top = symtable.symtable(text, "<program>", "exec")
    except (SyntaxError, RecursionError):
        return []
    names = [symbol.get_name() for symbol in top.get_symbols() if symbol.is_referenced()]
    inner = list(top.get_children())
    while inner:
        table = inner.pop()
        names += [symbol.get_name() for symbol in table.get_symbols() if symbol.is_global()]
        inner += table.get_children()
    return names


def _span(node: ast.stmt) -> slice:
    """Where a statement stands in the file's lines, decorators included."""
    first = min([node.lineno, *(item.lineno for item in getattr(node, "decorator_list", []))])
    return slice(first - 1, node.end_lineno)
