"""Doors by which a program can see what no label may depend on: the interpreter, the clock, the version, the machine, threads.

A closed list by name, found by mechanism: whatever gives hold of code objects, frames, references or our own hands; whatever
reads the clock, the calendar, the time zone, the version, the process or the machine; whatever lets the program's lines run at
any time. A label of such a program would be a constant that is true here and today.

    >>> from execverify.programs import Program
    >>> interpreter_access(Program("import sys\\ndef f(n):\\n    return sys.version_info >= (3, n)", arguments="8"))
    'it depends on the version of Python: `sys.version_info` at line 3'
    >>> source = "import sys\\nsys.setrecursionlimit(9000)\\ndef f(n):\\n    return sys.maxsize > n"
    >>> interpreter_access(Program(source, arguments="8")) is None
    True

What a module gives is followed by name, through aliases; a guarded module may only be the base of an attribute, so that it
cannot be handed to `getattr`. What a name does not show (`type(d).now()`) is left to the runs that are compared (`trace.py`).
"""

import ast
import builtins
import itertools
import re
import sys
from collections.abc import Iterable, Iterator

from execverify.errors import ProgramError
from execverify.programs.program import Program, cached_per_program, parse_arguments, parse_source, walk
from execverify.programs.scopes import Scope, nodes_with_scopes, scopes_of
from execverify.tracing.rewrite import is_singleton

CODE = "it looks at its own code, frames or references"
CLOCK = "it depends on the clock, the calendar or the time zone"
VERSION = "it depends on the version of Python"
MACHINE = "it depends on the machine, the process or what is installed"
THREADS = "its lines may run at any time: in a second process, or by a signal"
SHARED = "it depends on which equal values Python keeps as one object"

_CLOSED_NAMES = {  # modules of which nothing may be used
    CODE: "bdb code codeop cProfile ctypes dis faulthandler gc linecache marshal opcode pdb profile pstats timeit trace "
    "tracemalloc",
    VERSION: "compileall py_compile pyclbr pydoc symtable token tokenize "
    # not in all supported versions
    "aifc annotationlib asynchat asyncore audioop cgi cgitb chunk compression crypt distutils imghdr imp lib2to3 mailcap nntplib "
    "ossaudiodev pipes smtpd sndhdr spwd sunau telnetlib uu xdrlib",
    MACHINE: "curses ensurepip fcntl getpass gettext grp importlib locale mimetypes mmap nis pkgutil platform pty pwd readline resource "
    "runpy select selectors site socket socketserver ssl subprocess sysconfig syslog termios tty venv webbrowser zipimport zoneinfo",
    THREADS: "multiprocessing signal",
}
_ONLY = {  # modules of which only this may be used: they give access of several kinds, and may get more
    **dict.fromkeys(("sys.stdout", "sys.stderr", "sys.stdin"), (CODE, "write writelines flush read readline readlines")),
    "inspect": (CODE, "Parameter Signature cleandoc getfullargspec isabstract isawaitable isbuiltin isclass iscoroutine "
        "iscoroutinefunction isdatadescriptor isfunction isgenerator isgeneratorfunction ismethod ismethoddescriptor isroutine signature"),
    "os": (MACHINE, "DirEntry PathLike _exit abort altsep curdir devnull extsep fsdecode fsencode fspath linesep listdir makedirs mkdir "
        "pardir path pathsep remove removedirs rename renames replace rmdir scandir sep unlink walk"),
    "os.path": (MACHINE, "altsep basename commonpath commonprefix curdir dirname exists extsep getsize isabs isdir isfile join normcase "
        "normpath pardir pathsep relpath sep split splitdrive splitext splitroot"),
    "shutil": (MACHINE, "copy copy2 copyfile copyfileobj copytree move rmtree"),
    "sys": (CODE, "exc_info exception exit float_info getdefaultencoding intern maxsize maxunicode set_int_max_str_digits "
        "setrecursionlimit stderr stdin stdout"),
    "time": (CLOCK, "asctime gmtime sleep strftime strptime struct_time"),
    "traceback": (CODE, "print_exc print_exception print_last print_stack print_tb"),
}  # fmt: skip
_NOT = {  # and of these, anything but this
    "ast": (VERSION, "dump unparse"),
    "builtins": (CODE, "globals locals vars dir __import__ breakpoint help"),
    "calendar": (
        VERSION,
        "MONDAY TUESDAY WEDNESDAY THURSDAY FRIDAY SATURDAY SUNDAY JANUARY FEBRUARY monthrange weekday",
    ),  # now enums
    "concurrent.futures": (THREADS, "ProcessPoolExecutor"),
    "keyword": (VERSION, "kwlist softkwlist"),
    "operator": (SHARED, "is_ is_not"),
    "tempfile": (MACHINE, "gettempdir gettempdirb gettempprefix tempdir"),
    "threading": (CODE, "excepthook get_ident get_native_id setprofile settrace setprofile_all_threads settrace_all_threads"),
    "uuid": (MACHINE, "getnode uuid1"),
    "weakref": (CODE, "getweakrefcount getweakrefs"),
}
_REASONS = {  # where an attribute has another reason than the rest of its module
    **dict.fromkeys(("sys.platform", "sys.argv", "sys.path", "sys.executable", "sys.prefix", "sys.base_prefix", "sys.modules",
        "sys.byteorder", "sys.stdlib_module_names", "sys.builtin_module_names", "sys.flags", "sys.orig_argv"), MACHINE),
    **dict.fromkeys(("sys.getsizeof", "sys.hexversion", "sys.implementation", "sys.api_version", "sys.int_info", "sys.hash_info"), VERSION),
    **dict.fromkeys(("os.fork", "os.forkpty", "os.kill"), THREADS),
    **dict.fromkeys(("os.times",), CLOCK),
}  # fmt: skip
_NEEDING = {"time.asctime": 1, "time.gmtime": 1, "time.strftime": 2}
"""Functions that read the clock where they are given less than so many arguments."""
_TODAY = {"datetime": ("now", "today", "utcnow", "astimezone"), "pathlib": ("cwd", "home", "expanduser", "owner", "group")}
"""What must not end a chain that begins at a module or at something out of it: `datetime.date.today`."""

_FRAMES = """
    __closure__ __code__ __globals__ __builtins__ __traceback__ _getframe _getframemodulename _current_frames
    _current_exceptions f_back f_builtins f_code f_globals f_lasti f_lineno f_locals f_trace f_trace_lines f_trace_opcodes
    gi_code gi_frame gi_running gi_suspended gi_yieldfrom cr_await cr_code cr_frame cr_origin cr_running cr_suspended
    ag_await ag_code ag_frame ag_running ag_suspended tb_frame tb_lasti tb_lineno tb_next
    co_argcount co_cellvars co_code co_consts co_exceptiontable co_filename co_firstlineno co_flags co_freevars co_kwonlyargcount
    co_lines co_linetable co_lnotab co_name co_names co_nlocals co_positions co_posonlyargcount co_qualname co_stacksize co_varnames
    co_branches cell_contents getrefcount gettrace settrace setprofile getprofile
"""
_ATTRIBUTES = {
    **dict.fromkeys(_FRAMES.split(), CODE),
    **dict.fromkeys(
        ["__static_attributes__", "__firstlineno__", "__annotate__", "__annotate_func__", "__sizeof__", "__type_params__"],
        VERSION,
    ),
}
"""Attributes of anything; also in a text, for `getattr`, `attrgetter` and `"{0.__code__}".format`."""
_IN_TEXT = re.compile(rf"\b({'|'.join(map(re.escape, sorted(_ATTRIBUTES)))})\b")
_NAMES = {
    **dict.fromkeys(("__builtins__", "breakpoint"), CODE),
    **dict.fromkeys(("__import__", "__file__", "__loader__", "__spec__", "__package__", "__cached__", "__path__"), MACHINE),
}
_MISSING_MODULE = frozenset(("ImportError", "ModuleNotFoundError", "Exception", "BaseException"))
_MISSING_NAME = frozenset(("AttributeError",))
_RUNNING_TEXT = frozenset(("eval", "exec", "compile"))
_OPENING = frozenset(("open", "os", "io", "pathlib", "Path"))
_PLACES = re.compile(r"/(?:proc|sys|etc|usr|bin|sbin|lib|lib64|var|home|root|dev(?!/null$))(?:/|$)")
_SQL_NOW = re.compile(r"\bcurrent_(?:date|time|timestamp)\b|\bnow\b|\bsqlite_version\b|\brandom\s*\(", re.IGNORECASE)
_BUILTINS = frozenset(vars(builtins))
_GLOBALS_METHODS = frozenset(("get", "pop", "setdefault", "update"))
_CARRIED = frozenset(
    ("builtins", "ctypes", "gc", "importlib", "inspect", "linecache", "marshal", "os", "signal", "sys", "time", "traceback")
)
"""Guarded modules that others hold as attributes: `random.os`."""
_GLANCE = re.compile("import|__|globals|vars|dir|open|breakpoint|hasattr|exec|eval|compile|" + "|".join(sorted(_ATTRIBUTES)))
"""Without one of these in its text, a program needs no further look."""


def _access_table() -> dict[str, tuple[str, bool, frozenset[str]]]:
    """For each guarded module its reason, whether the names are those that are allowed, and the names."""
    shut = {name: (reason, True, frozenset[str]()) for reason, names in _CLOSED_NAMES.items() for name in names.split()}
    only = {name: (reason, True, frozenset(names.split())) for name, (reason, names) in _ONLY.items()}
    less = {name: (reason, False, frozenset(names.split())) for name, (reason, names) in _NOT.items()}
    return {**shut, **only, **less, "posixpath": only["os.path"]}


_GUARDED = _access_table()


@cached_per_program
def interpreter_access(program: Program) -> str | None:
    """Why no label may be given to a program, with the place that shows it; None where no access is found by name."""
    if (shared := _shared_values(program)) is not None:
        return shared
    if program.source.isascii() and _GLANCE.search(program.source) is None:
        return None
    accesses = _AccessFinder(program.tree, program.nodes)
    given = parse_arguments(program.arguments) if accesses.names & _RUNNING_TEXT else None  # a text among them may be run
    return next(itertools.chain(accesses.found(), accesses.found_in_texts(ast.walk(given)) if given is not None else ()), None)


def _shared_values(program: Program) -> str | None:
    """The first comparison by identity with a value that is written down, or with several; see `recorder.py` for other ones."""
    if program.vocabulary.kinds.isdisjoint((ast.Is, ast.IsNot)):
        return None
    for node in program.nodes:
        if isinstance(node, ast.Compare) and _compares_shared(node):
            return f"{SHARED}: `{ast.unparse(node)[:60]}` at line {node.lineno}"
    return None


def _compares_shared(node: ast.Compare) -> bool:
    operands = [node.left, *node.comparators]
    pairs = [
        pair
        for pair, kind in zip(itertools.pairwise(operands), node.ops, strict=True)
        if isinstance(kind, ast.Is | ast.IsNot) and not any(map(is_singleton, pair))
    ]
    return bool(pairs) and (len(node.ops) > 1 or any(map(_is_written_value, pairs[0])))


def _is_written_value(node: ast.expr) -> bool:
    if isinstance(node, ast.UnaryOp):
        return _is_written_value(node.operand)
    return isinstance(node, ast.Constant | ast.JoinedStr | ast.Tuple)


class _AccessFinder:
    def __init__(self, tree: ast.Module, nodes: "tuple[ast.AST, ...] | list[ast.AST]") -> None:
        self.tree = tree
        self.nodes = nodes
        self.scopes = scopes_of(tree)
        self.parents = {id(child): node for node in nodes for child in ast.iter_child_nodes(node)}
        self.names = {node.id for node in nodes if isinstance(node, ast.Name)}
        self.modules: dict[tuple[int, str], str] = {}  # what each scope's names were imported as
        self.imported: set[str] = set()
        self.where = [(node, scope) for node, scope in nodes_with_scopes(tree, self.scopes)]
        for node, scope in self.where:
            self.bind(node, scope)

    def bind(self, node: ast.AST, scope: Scope) -> None:
        """Notes the names that an import binds."""
        if not isinstance(node, ast.Import | ast.ImportFrom):
            return
        for alias in node.names:
            path = alias.name if isinstance(node, ast.Import) else f"{node.module or ''}.{alias.name}"
            self.imported.add((alias.name if isinstance(node, ast.Import) else node.module or "").partition(".")[0])
            name = alias.asname or (path.partition(".")[0] if isinstance(node, ast.Import) else alias.name)
            target = path if alias.asname or isinstance(node, ast.ImportFrom) else name
            home = scope.module if scope.elsewhere.get(name) else scope
            self.modules[id(home.node), name] = target

    def found(self) -> Iterator[str]:
        """Every access, with its reason and place."""
        for node, scope in self.where:
            for reason, what in self.at(node, scope):
                line = getattr(node, "lineno", 0)
                yield f"{reason}: `{what}`" + (f" at line {line}" if line else "")

    def found_in_texts(self, nodes: Iterable[ast.AST]) -> Iterator[str]:
        """Doors in texts that the program is given."""
        for node in nodes:
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield from (f"{reason}: `{what}`" for reason, what in self.in_text(node.value))

    def at(self, node: ast.AST, scope: Scope) -> Iterator[tuple[str, str]]:
        match node:
            case ast.Import():
                for alias in node.names:
                    yield from self.module(alias.name)
            case ast.ImportFrom():
                yield from self.module(node.module or "")
                for alias in node.names:
                    yield from self.member(node.module or "", alias.name, node)
            case ast.Attribute():
                if node.attr in _ATTRIBUTES:
                    yield _ATTRIBUTES[node.attr], node.attr
                elif node.attr == "__doc__" and self.has_long_docstring():
                    yield VERSION, "__doc__"
                elif node.attr == "__subclasses__" and not self.is_own_class(node.value):
                    yield CODE, "__subclasses__"
            case ast.MatchClass():
                yield from ((_ATTRIBUTES[name], name) for name in node.kwd_attrs if name in _ATTRIBUTES)
            case ast.Constant(value=str(text)):
                yield from self.in_text(text)
            case ast.Try() | ast.TryStar():
                yield from self.installed(node)
            case ast.Call():
                yield from self.call(node, scope)
        if isinstance(node, ast.Name | ast.Attribute) and not isinstance(self.parents.get(id(node)), ast.Attribute):
            yield from self.chain(node, scope)

    # ------------------------------------------------------------------------------------------------ modules

    def module(self, name: str) -> Iterator[tuple[str, str]]:
        """Whether a module may be imported at all."""
        for path in (name, name.partition(".")[0]):
            reason, only, names = _GUARDED.get(path, ("", False, frozenset()))
            if only and not names:
                yield reason, f"import {name}"
                return
        if name.startswith("_") and name != "__future__":
            yield CODE, f"import {name}"

    def member(self, module: str, name: str, node: ast.AST) -> Iterator[tuple[str, str]]:
        """Whether something may be taken out of a module."""
        path = f"{module}.{name}"
        reason, only, names = _GUARDED.get(module, ("", False, frozenset()))
        if name == "*":
            if reason:
                yield reason, f"from {module} import *"
        elif reason and (name not in names) == only and path not in _GUARDED:
            if module == "sys" and "version" in name:
                yield VERSION, path
            else:
                yield _REASONS.get(path, reason), path
        elif "version" in name.lower():
            yield VERSION, path
        elif (
            not reason
            and name.startswith("_")
            and not name.startswith("__")
            and module.partition(".")[0] in sys.stdlib_module_names
        ):
            yield CODE, path
        elif path in _NEEDING and not self.is_given(node, _NEEDING[path]):
            yield CLOCK, path

    def is_given(self, node: ast.AST, count: int) -> bool:
        """Whether a function is called, where it is named, with so many arguments. (An import by name is looked at where it is used.)"""
        if isinstance(node, ast.ImportFrom):
            return True
        call = self.parents.get(id(node))
        return isinstance(call, ast.Call) and call.func is node and len(call.args) >= count

    def chain(self, node: ast.Name | ast.Attribute, scope: Scope) -> Iterator[tuple[str, str]]:
        """A name, or a whole chain of attributes: `datetime.date.today`."""
        parts: list[ast.Attribute] = []
        root: ast.expr = node
        while isinstance(root, ast.Attribute):
            parts.append(root)
            root = root.value
        if not isinstance(root, ast.Name):
            return
        home = scope.resolve(root.id)
        if home is None:
            yield from self.builtin(root, scope)
            return
        module = self.modules.get((id(home[0].node), root.id))
        if module is None or not isinstance(root.ctx, ast.Load):
            return
        yield from self.out_of(module, list(reversed(parts)), root)

    def out_of(self, path: str, parts: list[ast.Attribute], root: ast.AST) -> Iterator[tuple[str, str]]:
        first = path.partition(".")[0]
        if path in _GUARDED and not parts and path not in _NEEDING:
            yield _GUARDED[path][0], path  # handed on whole: to `getattr`, say
        if path in _NEEDING and not self.is_given(parts[-1] if parts else root, _NEEDING[path]):
            yield CLOCK, path
        for part in parts:
            if first in _TODAY and part.attr in _TODAY[first]:
                yield CLOCK if first == "datetime" else MACHINE, f"{path}.{part.attr}"
            if first == "datetime" and part.attr == "fromtimestamp" and not self.is_given(part, 2) and not self.has_zone(part):
                yield CLOCK, f"{path}.{part.attr}"
            if path in _GUARDED or path in sys.stdlib_module_names:
                if path != "datetime" and part.attr in _CARRIED:
                    yield _GUARDED[part.attr][0], f"{path}.{part.attr}"
                yield from self.member(path, part.attr, part)
            elif "version" in part.attr.lower() and path in self.imported:
                yield VERSION, f"{path}.{part.attr}"
            path = f"{path}.{part.attr}"
        if parts and path in _GUARDED and not self.is_where_print_writes(parts[-1]):
            yield _GUARDED[path][0], path

    def is_where_print_writes(self, node: ast.AST) -> bool:
        """Whether it is `file=...` of a call, or what `redirect_stdout` is given."""
        return isinstance(self.parents.get(id(node)), ast.keyword | ast.For | ast.comprehension)

    def has_zone(self, node: ast.AST) -> bool:
        call = self.parents.get(id(node))
        return isinstance(call, ast.Call) and any(keyword.arg == "tz" for keyword in call.keywords)

    # ------------------------------------------------------------------------------------------------ built-ins

    def builtin(self, node: ast.Name, scope: Scope) -> Iterator[tuple[str, str]]:
        """A name that nothing in the program binds."""
        if node.id in _NAMES:
            yield _NAMES[node.id], node.id
        elif node.id == "__name__" and scope.parent is not None and not self.names_a_log(node):
            yield MACHINE, node.id  # another one where the program is a file
        elif node.id == "globals" and not self.is_lookup(node):
            yield CODE, "globals()"

    def names_a_log(self, node: ast.Name) -> bool:
        call = self.parents.get(id(node))
        return (
            isinstance(call, ast.Call)
            and isinstance(call.func, ast.Attribute | ast.Name)
            and ast.unparse(call.func).endswith("getLogger")
        )

    def is_lookup(self, node: ast.Name) -> bool:
        """Whether `globals()` is only asked for one name, or handed to `eval` or `exec`."""
        call = self.parents.get(id(node))
        if not (isinstance(call, ast.Call) and call.func is node):
            return False
        match self.parents.get(id(call)):
            case ast.Subscript(value=value):
                return value is call
            case ast.Attribute(attr=name):
                return name in _GLOBALS_METHODS
            case ast.Compare(ops=[ast.In() | ast.NotIn()], comparators=[right]):
                return right is call
            case ast.Call(func=ast.Name(id=name)):
                return name in _RUNNING_TEXT
        return False

    def call(self, node: ast.Call, scope: Scope) -> Iterator[tuple[str, str]]:
        """Calls that ask what there is: of modules and Python's own types, versions have more or less."""
        if not isinstance(node.func, ast.Name) or scope.resolve(node.func.id) is not None or not node.args:
            return
        first = node.args[0]
        if node.func.id in ("hasattr", "dir", "vars") and self.is_pythons(first, scope):
            yield VERSION, ast.unparse(node)[:60]
        elif node.func.id in _RUNNING_TEXT and not isinstance(first, ast.Constant):
            for name in sorted(self.imported & _GUARDED.keys()):  # a text that is put together may use it
                yield _GUARDED[name][0], f"{node.func.id}(...) beside import {name}"
        elif node.func.id == "getattr" and isinstance(first, ast.Name) and len(node.args) > 1:
            home = scope.resolve(first.id)
            module = self.modules.get((id(home[0].node), first.id)) if home is not None else None
            match node.args[1]:
                case _ if module is None:
                    return
                case ast.Constant(value=str(name)):
                    yield from self.member(module, name, node)
                case _:
                    yield VERSION, ast.unparse(node)[:60]

    def is_pythons(self, node: ast.expr, scope: Scope) -> bool:
        """Whether an expression is a module, or a type or value of Python's own."""
        if not isinstance(node, ast.Name):
            return isinstance(node, ast.Constant | ast.List | ast.Dict | ast.Tuple | ast.Set)
        home = scope.resolve(node.id)
        return node.id in _BUILTINS if home is None else (id(home[0].node), node.id) in self.modules

    def is_own_class(self, node: ast.expr) -> bool:
        """Whether an expression names a class of the program."""
        classes = {inner.name for inner in self.nodes if isinstance(inner, ast.ClassDef)}
        return isinstance(node, ast.Name) and node.id in {*classes, "cls"}

    def has_long_docstring(self) -> bool:
        """Whether a docstring may be asked for that 3.13 stores with less indentation, or one of Python's own."""
        own = [node for node in self.nodes if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef)]
        texts = [ast.get_docstring(node, clean=False) or "" for node in own]
        return not any(texts) or any("\n" in text for text in texts)

    # ------------------------------------------------------------------------------------------------ texts

    def in_text(self, text: str) -> Iterator[tuple[str, str]]:
        """What a text holds: names of attributes, programs that are run, places on this machine."""
        seen = _IN_TEXT.search(text)
        if seen is not None:
            yield _ATTRIBUTES[seen[0]], seen[0]
        if self.names & _RUNNING_TEXT and len(text) > 4:
            try:
                tree = parse_source(text)
            except ProgramError:
                return
            yield from ((reason, text[:60]) for reason in map(_reason, _AccessFinder(tree, walk(tree)).found()))
        if _PLACES.match(text) is not None and (self.names | self.imported) & _OPENING:
            yield MACHINE, text[:60]
        if "sqlite3" in self.imported and _SQL_NOW.search(text) is not None:
            yield CLOCK, text[:60]

    def installed(self, node: ast.Try | ast.TryStar) -> Iterator[tuple[str, str]]:
        """Whether it tries what another machine, or another Python, may not have."""
        caught = {ast.unparse(part) for handler in node.handlers if handler.type for part in ast.walk(handler.type)}
        for inner in (inner for part in node.body for inner in ast.walk(part)):
            if isinstance(inner, ast.Import | ast.ImportFrom) and caught & _MISSING_MODULE:
                yield VERSION, ast.unparse(inner)
            elif isinstance(inner, ast.Attribute) and caught & _MISSING_NAME and isinstance(inner.value, ast.Name):
                if any(name == inner.value.id for _, name in self.modules):
                    yield VERSION, ast.unparse(inner)
            elif isinstance(inner, ast.Name) and "NameError" in caught and inner.id.endswith(("Error", "Warning", "Group")):
                yield VERSION, inner.id
            names = [alias.name for alias in inner.names] if isinstance(inner, ast.Import) else []
            names += [inner.module or ""] if isinstance(inner, ast.ImportFrom) else []
            yield from ((MACHINE, f"import {name}") for name in names if name.partition(".")[0] not in sys.stdlib_module_names)


def _reason(text: str) -> str:
    return text.partition(": `")[0]
