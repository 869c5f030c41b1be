"""A program: source, an entry point, and the arguments of one call, all text.

    >>> program = Program("def f(n):\\n    return n + 1", entry_point="f", arguments="3")
    >>> program.call
    'f(3)'

Everything that can be wrong with a program and be seen without running it is refused here, with one line that names the mistake.
"""

import ast
import functools
import io
import tokenize
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from execverify.errors import LiteralError, ProgramError
from execverify.programs.literals import literal_of, parse_untrusted, parse_without_warnings
from execverify.programs.values import MAX_DEPTH, to_value

MAX_SOURCE = 100_000
"""Longest source, in characters."""

BYTE_ORDER_MARK = "\ufeff"
"""What some editors put before a text; Python reads a file without it, and refuses a text with it."""


@dataclass(frozen=True)
class Program:
    """Source of one or more functions, the function to call, and the call's arguments as literal text.

    Attributes:
        source: Python source, without a byte order mark; its module-level code runs before the call.
        entry_point: name of the function to call.
        arguments: what stands between the call's parentheses, e.g. `"[1, 2], key='a'"`; literals only.

    Raises:
        ProgramError: the source does not parse or is too long, defines no such entry point, the arguments are not
            literals, or do not fit the entry point's parameters.
    """

    source: str
    entry_point: str = "f"
    arguments: str = ""

    @classmethod
    def with_values(cls, source: str, entry_point: str, positional: tuple[object, ...]) -> "Program":
        """A program by the values of its arguments, which are not read from their text once more. Do not change them."""
        program = object.__new__(cls)
        arguments = arguments_text((positional, {}))
        program.__dict__.update(source=source, entry_point=entry_point, arguments=arguments, call_arguments=(positional, {}))
        program.__post_init__()
        return program

    def __post_init__(self) -> None:
        self._check_types()
        if self.source.startswith(BYTE_ORDER_MARK):  # no part of the text, wherever it was read from
            object.__setattr__(self, "source", self.source.lstrip(BYTE_ORDER_MARK))
        definition = self._definition()
        positional, named = self.call_arguments
        if isinstance(definition, ast.FunctionDef | ast.AsyncFunctionDef) and not definition.decorator_list:
            _check_fit(definition, len(positional), list(named))

    @property
    def one_line_call(self) -> str:
        """The call on one line: as it was written, or with canonical literals where that takes several."""
        if "\n" not in self.arguments and "\r" not in self.arguments:
            return self.call
        return f"{self.entry_point}({arguments_text(self.call_arguments)})"

    def __reduce__(self) -> tuple[type["Program"], tuple[str, str, str]]:
        return Program, (self.source, self.entry_point, self.arguments)

    @property
    def call(self) -> str:
        """The call as source text, `f(3)`."""
        return f"{self.entry_point}({self.arguments})"

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree of the source. Shared: do not change it."""
        return parse_source(self.source)

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """Every node of the tree but the load/store marks, parents before children. Shared: do not change them."""
        return tuple(walk(self.tree))

    @cached_property
    def vocabulary(self) -> "NodeNames":
        """What the source is made of."""
        return vocabulary_of(self.nodes)

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """The physical lines of the source, without line ends; line n is `lines[n - 1]`."""
        return tuple(split_lines(self.source))

    @cached_property
    def call_arguments(self) -> tuple[tuple[object, ...], dict[str, object]]:
        """The values of the call: positional ones, and named ones by name. Do not change them."""
        return read_arguments(self.arguments)

    def _check_types(self) -> None:
        for name in ("source", "entry_point", "arguments"):
            if not isinstance(getattr(self, name), str):
                raise ProgramError(f"{name} must be text, not {type(getattr(self, name)).__name__}")
        if not self.source.strip():
            raise ProgramError("the source is empty: give the text of at least one function")

    def _definition(self) -> ast.stmt:
        found: dict[str, ast.stmt] = {}
        for node in _module_level(self.tree.body):
            found.update((name, node) for name in _bound_names(node))
        if self.entry_point not in found:
            known = [name for name, node in found.items() if isinstance(node, ast.FunctionDef)]
            hint = f"; it defines {', '.join(known[:8])}" if known else "; it defines no function"
            raise ProgramError(f"the source does not define {self.entry_point!r}{hint}")
        return found[self.entry_point]


_Cached = TypeVar("_Cached")


def cached_per_program(function: "Callable[[Program], _Cached]") -> "Callable[[Program], _Cached]":
    """Cache a function's result for a program on that program. (A cache by equality would give the nodes of another tree.)"""
    name = f"{function.__module__}.{function.__qualname__}"

    @functools.wraps(function)
    def kept(program: Program) -> _Cached:
        try:
            found: _Cached = program.__dict__[name]
        except KeyError:
            found = program.__dict__[name] = function(program)
        return found

    return kept


@dataclass(frozen=True, slots=True)
class NodeNames:
    """The node types and names that a source uses.

    Attributes:
        kinds: classes of the syntax tree's nodes.
        names: names that are read or bound anywhere.
        attributes: names after a dot.
    """

    kinds: frozenset[type[ast.AST]]
    names: frozenset[str]
    attributes: frozenset[str]


def vocabulary_of(nodes: Iterable[ast.AST]) -> NodeNames:
    """The vocabulary of a tree's nodes."""
    nodes = tuple(nodes)
    names = [node.id for node in nodes if node.__class__ is ast.Name]
    attributes = [node.attr for node in nodes if node.__class__ is ast.Attribute]
    kinds = frozenset(map(type, nodes))
    if ast.MatchClass in kinds:  # `case C(name=x)` reads an attribute too
        attributes += [name for node in nodes if isinstance(node, ast.MatchClass) for name in node.kwd_attrs]
    return NodeNames(kinds, frozenset(names), frozenset(attributes))


_PLAIN_FIELDS = frozenset(
    ("ctx", "id", "attr", "arg", "name", "kind", "type_comment", "simple", "level", "module", "conversion", "is_async", "asname")
)


class _InnerFields(dict[type[ast.AST], tuple[str, ...]]):
    """Fields of each kind of node that may hold nodes."""

    def __missing__(self, kind: type[ast.AST]) -> tuple[str, ...]:
        self[kind] = () if kind is ast.Constant else tuple(name for name in kind._fields if name not in _PLAIN_FIELDS)
        return self[kind]


inner_fields = _InnerFields()


def walk(tree: ast.AST) -> list[ast.AST]:
    """`ast.walk` without the contexts, at a third of its time: several readers need the nodes of every program."""
    nodes = [tree]
    for node in nodes:  # grows as it goes
        for name in inner_fields[node.__class__]:
            part = getattr(node, name, None)
            if part.__class__ is list:
                nodes += [entry for entry in part if isinstance(entry, ast.AST)]
            elif isinstance(part, ast.AST):
                nodes.append(part)
    return nodes


def split_lines(source: str) -> list[str]:
    """Physical lines as Python counts them: split at newlines alone, not at form feeds or Unicode separators."""
    return source.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def parse_source(source: str) -> ast.Module:
    """Syntax tree of a program's source; raises ProgramError with the line that is wrong."""
    if len(source) > MAX_SOURCE:
        raise ProgramError(f"the source has {len(source)} characters; the limit is {MAX_SOURCE}")
    try:
        tree = parse_without_warnings(source.lstrip(BYTE_ORDER_MARK), "exec")
    except SyntaxError as error:
        where = f" at line {error.lineno}" if error.lineno else ""
        raise ProgramError(f"the source is not Python{where}: {error.msg}") from None
    except (ValueError, MemoryError, RecursionError) as error:
        reason = str(error) or "it is nested too deeply"
        raise ProgramError(f"the source is not Python: {reason}") from None
    assert isinstance(tree, ast.Module)
    return tree


def parse_call(text: str) -> tuple[str, str]:
    """Splits a call such as `"f(3, key='a')"` into entry point and arguments text.

    Raises:
        ProgramError: the text is not one call of a plain name.
    """
    stripped = text.strip()
    try:
        tree = parse_untrusted(stripped, "eval")
    except LiteralError as error:
        raise ProgramError(f"the call {text!r} {error}") from None
    node = tree.body if isinstance(tree, ast.Expression) else None
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        raise ProgramError(f"{text!r} is not a call of a function by its name: write it like f(3)")
    if node.end_lineno != 1 or node.func.end_col_offset is None or node.end_col_offset is None:
        return node.func.id, ast.unparse(node).split("(", 1)[1][:-1]
    encoded = stripped.encode()  # column offsets count bytes
    return node.func.id, encoded[node.func.end_col_offset : node.end_col_offset - 1].decode().partition("(")[2].strip()


def read_arguments(arguments: str) -> tuple[tuple[object, ...], dict[str, object]]:
    """Values of a call's arguments, read as literals; raises ProgramError for anything else."""
    return argument_values(parse_arguments(arguments))


def parse_arguments(arguments: str) -> ast.Call:
    """The syntax tree of a call with the arguments; raises ProgramError where they form none, or are values without a literal.

    `values_of` evaluates it, and raises where an argument is no literal.
    """
    try:
        tree = parse_untrusted(f"_({arguments}\n)", "eval")
    except LiteralError as error:
        raise ProgramError(f"the arguments ({truncate(arguments)}) {error}") from None
    if ("#" in arguments or "\\" in arguments) and not _closes(arguments):
        raise ProgramError(f"the arguments ({truncate(arguments)}) end in a comment or a backslash: leave it out")
    node = tree.body if isinstance(tree, ast.Expression) else None
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        raise ProgramError(f"the arguments ({truncate(arguments)}) do not form one call")
    if not _is_short(arguments) and (why := to_value([*argument_values(node)]).opaque_reason) is not None:
        raise ProgramError(f"the arguments must be values that can be written down and compared; these are opaque ({why})")
    return node


def argument_values(call: ast.Call) -> tuple[tuple[object, ...], dict[str, object]]:
    """New values of a call's arguments, each time; raises ProgramError where one is no literal."""
    try:
        return call_values(call)
    except LiteralError as error:
        raise ProgramError(f"the arguments must be literals: one {error}") from None


def _is_short(arguments: str) -> bool:
    """Whether values written so can be written down and compared for sure: not too long, not too deep, and no NaN."""
    return len(arguments) < 900 and sum(map(arguments.count, "([{")) < MAX_DEPTH and "nan" not in arguments.lower()


def _closes(arguments: str) -> bool:
    """Whether a bracket behind the arguments is a bracket, and not part of a comment."""
    try:
        parse_untrusted(f"_({arguments})", "eval")
    except LiteralError:
        return False
    return True


def call_values(node: ast.Call) -> tuple[tuple[object, ...], dict[str, object]]:
    """Positional and named values of a call's syntax tree; raises LiteralError where one is no literal."""
    positional = tuple(literal_of(argument) for argument in node.args)
    named: dict[str, object] = {}
    for keyword in node.keywords:
        if keyword.arg is None:
            raise LiteralError("is unpacked with **")
        if keyword.arg in named:
            raise LiteralError(f"is given twice: {keyword.arg!r}")
        named[keyword.arg] = literal_of(keyword.value)
    return positional, named


def arguments_text(arguments: tuple[tuple[object, ...], dict[str, object]]) -> str:
    """The values of a call as canonical literals, on one line; raises LiteralError where one has none."""
    positional, named = arguments
    described = [("", to_value(value)) for value in positional]
    described += [(f"{name}=", to_value(value)) for name, value in named.items()]
    for _, value in described:
        if value.text is None:
            raise LiteralError(f"has no literal ({value.opaque_reason})")
    return ", ".join(f"{name}{value.text}" for name, value in described)


def truncate(text: str, width: int = 60) -> str:
    """One line of at most `width` characters, for messages."""
    line = " ".join(text.split())
    return line if len(line) <= width else line[: width - 3] + "..."


def module_names(tree: ast.Module) -> frozenset[str]:
    """Names that a module's own statements bind: its functions, classes, imports and assigned names."""
    return frozenset(name for node in _module_level(tree.body) for name in _bound_names(node))


def _module_level(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements that bind names in the module: the body, and what stands inside its ifs, trys and withs.

    Without recursion: each `elif` stands inside the one before, and a model may write thousands.
    """
    left = body[::-1]
    while left:
        node = left.pop()
        yield node
        if isinstance(node, ast.If | ast.Try | ast.With | ast.For | ast.While):
            for field in ("finalbody", "orelse", "body"):
                left += getattr(node, field, [])[::-1]


def _bound_names(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Import | ast.ImportFrom):
        yield from (alias.asname or alias.name.split(".")[0] for alias in node.names)
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            yield from (name.id for name in ast.walk(target) if isinstance(name, ast.Name))


def _check_fit(node: ast.FunctionDef | ast.AsyncFunctionDef, given: int, named: list[str]) -> None:
    """Refuses a call that Python would refuse before it runs the first statement."""
    spec = node.args
    positional = [a.arg for a in (*spec.posonlyargs, *spec.args)]
    by_name = {a.arg for a in (*spec.args, *spec.kwonlyargs)}
    if given > len(positional) and spec.vararg is None:
        raise ProgramError(f"{node.name}() takes {len(positional)} positional arguments, but {given} are given")
    taken = set(positional[:given])
    for name in named:
        if name in taken and name in by_name:
            raise ProgramError(f"{node.name}() is given the argument {name!r} twice")
        if name not in by_name and spec.kwarg is None:
            raise ProgramError(f"{node.name}() takes no argument named {name!r}")
    required = positional[: len(positional) - len(spec.defaults)]
    required += [a.arg for a, default in zip(spec.kwonlyargs, spec.kw_defaults, strict=True) if default is None]
    missing = [name for name in required if name not in taken and not (name in named and name in by_name)]
    if missing:
        raise ProgramError(f"{node.name}() is not given its argument {', '.join(map(repr, missing))}")


def without_comment(line: str) -> str:
    """A source line without its trailing comment; the line itself where it cannot be distinguished."""
    if "#" not in line:
        return line
    try:
        for token in tokenize.generate_tokens(io.StringIO(line.strip() + "\n").readline):
            if token.type == tokenize.COMMENT:
                return line.strip()[: token.start[1]].rstrip()
    except (tokenize.TokenError, SyntaxError):
        return line
    return line
