"""The parts of one step: which values of calls and operations are rendered, and how they read with values put in."""

import ast
import builtins
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from execverify.cot.expression_text import PARTS, substitute_values, texts_of
from execverify.cot.lines import Line
from execverify.programs.program import Program, cached_per_program, module_names, walk
from execverify.programs.values import Value
from execverify.rewards.steps.claims import Claim, ComprehensionRound, SortKeys, ValueClaim
from execverify.tracing.expressions import ExpressionValue

_SCALARS = frozenset({"int", "float", "bool", "NoneType", "str", "complex"})
_BINDERS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Lambda)
_NAME_WIDTH, _PART_WIDTH = 40, 80  # longest values that stand in for a name, and for a part
_KEYS_WIDTH = 120  # longest list of a sort's keys
_ROUNDS, _MANY_ROUNDS = 12, 3  # of more rounds of a comprehension than the one, the other are rendered
_DOTTED = re.compile(r"[\w.]+")
_MUTATING = frozenset(
    {
        "pop", "popitem", "append", "extend", "insert", "remove", "clear", "sort", "reverse", "add", "discard", "update",
        "setdefault", "send", "close", "throw", "write", "__next__", "popleft", "appendleft", "intersection_update",
        "difference_update", "symmetric_difference_update", "__setitem__", "__delitem__",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Scopes:
    """Static facts about a program's expressions.

    Attributes:
        bound: for each expression inside of comprehensions and lambdas, the names that those bind; for a name that a `for` of a
            comprehension binds, those of the `for`s before it.
        binders: for each name that one of them binds, which it is.
        firsts: the first name that each of them binds.
        functions: names of the program's own functions and classes.
        settled: names of the module and of the builtins that mean the same in every step of a run.
        shared: names that a function can give a new value in another one (`global`, `nonlocal`).
        remembers: whether calls can leave something behind for later ones, so that what a frame's variables hold can change
            between two of its steps.
        has_side_effect: parts whose computing again would do something again.
        is_silent: parts that cannot be rendered, because nobody can compute them from the frame's variables alone: they
            wait for a value, they
            call what remembers earlier calls, or they are rounds of something that would do them again as a whole.
    """

    bound: Mapping[ast.AST, frozenset[str]]
    binders: Mapping[ast.AST, ast.AST]
    firsts: Mapping[ast.AST, ast.AST]
    functions: frozenset[str]
    settled: frozenset[str]
    shared: frozenset[str]
    remembers: bool
    has_side_effect: frozenset[ast.AST]
    is_silent: frozenset[ast.AST]


@cached_per_program
def scopes_of(program: Program) -> Scopes:
    """The scopes of a program's expressions."""
    functions = frozenset(
        node.name for node in program.nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    )
    bound: dict[ast.AST, frozenset[str]] = {}
    binders: dict[ast.AST, ast.AST] = {}
    for node in program.nodes:
        if isinstance(node, _BINDERS):
            names, inside = _bound_by(node, binders)
            for part in inside:
                for each in walk(part):
                    bound[each] = bound.get(each, frozenset()) | names
            for target, earlier in _bound_earlier(node):
                bound[target] = bound.get(target, frozenset()) | earlier
    acts = frozenset(
        node for node in program.nodes if isinstance(node, PARTS) and any(_acts(one, functions) for one in walk(node))
    )
    shared = frozenset(name for node in program.nodes if isinstance(node, ast.Global | ast.Nonlocal) for name in node.names)
    remembers = bool(shared) or _remembers(program)
    quiet = {
        part
        for node in program.nodes
        if isinstance(node, _BINDERS) and any(_acts(one, functions) for one in walk(node))
        for part in walk(node)
        if part is not node
    }
    quiet |= {node for node in acts if any(isinstance(one, ast.Yield | ast.YieldFrom | ast.Await) for one in walk(node))}
    if remembers:
        quiet |= acts
    firsts: dict[ast.AST, ast.AST] = {}
    for name, binder in binders.items():
        firsts.setdefault(binder, name)
    settled = (module_names(program.tree) | frozenset(dir(builtins))) - _unsettled(program.tree) - shared
    return Scopes(bound, binders, firsts, functions, settled, shared, remembers, acts, frozenset(quiet))


def _unsettled(tree: ast.Module) -> frozenset[str]:
    """Names that a module gives values which a run could change: all but constants and tuples of them."""
    return frozenset(
        one.id
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.For | ast.While | ast.If | ast.With | ast.Try)
        and not (isinstance(node, ast.Assign) and _is_constant(node.value))
        for one in ast.walk(node)
        if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)
    )


def _is_constant(node: ast.expr) -> bool:
    if isinstance(node, ast.Tuple):
        return all(_is_constant(one) for one in node.elts)
    return isinstance(node.operand if isinstance(node, ast.UnaryOp) else node, ast.Constant)


def _remembers(program: Program) -> bool:
    """Whether calls can leave something behind for later ones: in the module's variables, in default values, in objects."""
    if any(isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign) for node in program.tree.body):
        return True
    for node in program.nodes:
        if isinstance(node, ast.ClassDef | ast.Yield | ast.YieldFrom):
            return True
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            defaults = [*node.args.defaults, *(one for one in node.args.kw_defaults if one is not None)]
            if node not in program.tree.body and not isinstance(node, ast.Lambda):
                return True  # an inner function, which can hold on to variables
            if not all(isinstance(one, ast.Constant | ast.UnaryOp | ast.Tuple | ast.Name) for one in defaults):
                return True
    return False


def _bound_by(node: ast.AST, binders: dict[ast.AST, ast.AST]) -> tuple[frozenset[str], list[ast.AST]]:
    """Names that a comprehension or lambda binds, and the expressions in which they are."""
    if isinstance(node, ast.Lambda):
        given = [one for one in walk(node.args) if isinstance(one, ast.arg)]
        binders.update(dict.fromkeys(given, node))
        return frozenset(one.arg for one in given), [node.body]
    assert isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp)
    names: set[str] = set()
    for generator in node.generators:
        for one in walk(generator.target):
            if isinstance(one, ast.Name):
                names.add(one.id)
                binders[one] = generator
    inside: list[ast.AST] = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
    for place, generator in enumerate(node.generators):
        inside += [*generator.ifs, *([generator.iter] if place else [])]
    return frozenset(names), inside


def _acts(node: ast.AST, functions: frozenset[str]) -> bool:
    if isinstance(node, ast.NamedExpr | ast.Yield | ast.YieldFrom | ast.Await):
        return True
    if not isinstance(node, ast.Call):
        return False
    if isinstance(node.func, ast.Name):
        return node.func.id in functions or node.func.id in ("next", "print", "input", "setattr", "exec")
    return not isinstance(node.func, ast.Attribute) or node.func.attr in _MUTATING or node.func.attr in functions


def _bound_earlier(node: ast.AST) -> Iterator[tuple[ast.Name, frozenset[str]]]:
    """The names that each `for` of a comprehension binds, each with the names of the `for`s before it."""
    earlier: frozenset[str] = frozenset()
    for generator in getattr(node, "generators", ()):
        names = [one for one in walk(generator.target) if isinstance(one, ast.Name)]
        yield from ((name, earlier) for name in names)
        earlier |= {name.id for name in names}


@dataclass
class StepContext:
    """What is known in a step while its parts are computed.

    Attributes:
        program: the program.
        state: the frame's variables before the step.
        values: of parts that were rendered and can stand for them, by node.
        inner: of names that comprehensions and lambdas have bound.
        emitted: how many of the step's notes have been rendered.
        mentioned: parts and values that have been rendered, by their texts.
        pending: names bound for a round of which nothing has been rendered yet.
        comprehension: what bound them.
        rounds: how many rounds each binder has had.
    """

    program: Program
    state: Mapping[str, Value]
    values: dict[ast.AST, str] = field(default_factory=dict)
    inner: dict[str, Value] = field(default_factory=dict)
    emitted: int = 0
    mentioned: set[tuple[str, str]] = field(default_factory=set)
    pending: list[tuple[str, Value]] = field(default_factory=list)
    comprehension: ast.AST | None = None
    rounds: dict[ast.AST, int] = field(default_factory=dict)

    def text(self, node: ast.expr) -> str | None:
        """An expression with values put in; None where it has a name whose value cannot be rendered."""
        try:
            text = self._filled(node)
        except LookupError:
            return None
        return f"({text})" if isinstance(node, ast.NamedExpr) else text

    def place(self, node: ast.expr) -> str | None:
        """What is changed in place, by its name: `rows[0]` of `rows[i]`, not the row itself."""
        if isinstance(node, ast.Attribute):
            base = self.place(node.value)
            return f"{base}.{node.attr}" if base else None
        if isinstance(node, ast.Subscript):
            base = self.place(node.value)
            key = self.values.get(node.slice) or self.text(node.slice)
            return f"{base}[{key}]" if base and key else None
        return node.id if isinstance(node, ast.Name) else self.values.get(node) or self.text(node)

    def rebind(self, node: ast.NamedExpr, value: Value) -> None:
        """A name has a new value in the middle of a statement; it stands for it where it has been rendered what that is."""
        rendered = node.value in self.values or isinstance(node.value, ast.Constant)
        self.state = {**self.state, node.target.id: value if rendered else Value(value.type, None, "not rendered")}
        if rendered and value.text is not None:
            self.values[node] = value.text

    def _filled(self, node: ast.expr) -> str:
        if isinstance(node, ast.Name):
            return self._name(node)[0]
        return substitute_values(texts_of(self.program).pieces(node), self._in_place)

    def _in_place(self, node: ast.expr) -> tuple[str, bool]:
        """What stands in a hole, and whether that is a value."""
        known = self.values.get(node)
        if known is not None:
            return known, True
        return self._name(node) if isinstance(node, ast.Name) else (self._filled(node), False)

    def _name(self, node: ast.Name) -> tuple[str, bool]:
        scopes = scopes_of(self.program)
        bound = node.id in scopes.bound.get(node, ())
        value = self.inner.get(node.id) if bound else self.state.get(node.id)
        if value is None:
            if bound or node.id not in scopes.settled:
                raise LookupError(node.id)  # it may be another value by now, or a class body's
            return node.id, True
        if value.text is None or (not bound and node.id in scopes.shared):
            raise LookupError(node.id)
        if value.type in _SCALARS and len(value.text) <= _NAME_WIDTH:
            return value.text, True
        if scopes.remembers and not bound and value.type not in _SCALARS:
            raise LookupError(node.id)  # it may have changed since
        return node.id, True


def expression_claims(context: StepContext, notes: Sequence[ExpressionValue], how: str, line: Line) -> Iterator[Claim]:
    """Claims about the parts of a statement, in the order in which they were computed.

    Args:
        context: what is known; it is kept up to date.
        notes: what was recorded.
        how: which are rendered, see `Detail.parts`.
        line: the statement's line.
    """
    scopes = scopes_of(context.program)
    many = _with_many_rounds(notes, scopes)
    for note, keys in _with_keys(notes):
        if keys:
            yield from _sort_keys(context, keys, how)
        if note is None:
            continue
        node, value = note.node, note.value.text
        made_by = scopes.binders.get(node)
        if made_by is not None:
            _bind(context, note, made_by, scopes)
            continue
        if isinstance(node, ast.NamedExpr):
            context.rebind(node, note.value)
        inside = bool(scopes.bound.get(node))
        if not isinstance(node, ast.expr) or value is None or node in scopes.is_silent or not _is_told(node, how, line, inside):
            continue
        if inside and (
            context.comprehension is None
            or (context.comprehension in many and context.rounds[context.comprehension] > _MANY_ROUNDS)
        ):
            continue
        text = context.text(node)
        if isinstance(node, ast.Name) and text is not None:
            text = node.id
        if text is None or text == value:
            continue
        if inside and context.pending:
            yield ComprehensionRound(tuple((name, bound.text) for name, bound in context.pending if bound.text is not None))
            context.pending = []
        source = texts_of(context.program).source(node)
        if inside or node in scopes.has_side_effect or node is line.whole or (source, value) not in context.mentioned:
            yield ValueClaim(text, value, whole=node is line.whole and line.consumes_value)
        context.mentioned.add((source, value))
        if len(value) <= _PART_WIDTH or node in scopes.has_side_effect:
            context.values[node] = value


def _with_keys(notes: Sequence[ExpressionValue]) -> Iterator[tuple[ExpressionValue | None, list[ExpressionValue]]]:
    """The notes that are no key of a sort, each with the keys that were computed just before it; at the end, keys alone."""
    keys: list[ExpressionValue] = []
    for note in notes:
        if isinstance(note.node, ast.keyword):
            keys.append(note)
        else:
            yield note, keys
            keys = []
    yield None, keys


def _sort_keys(context: StepContext, keys: Sequence[ExpressionValue], how: str) -> Iterator[Claim]:
    """The keys of a sort, where they are short and not inside a comprehension."""
    argument, texts = keys[0].node, [note.value.text for note in keys]
    assert isinstance(argument, ast.keyword)
    if how not in ("all", "calls") or len(keys) < 2 or scopes_of(context.program).bound.get(argument):
        return
    name, text = ast.unparse(argument.value), "[" + ", ".join(one or "" for one in texts) + "]"
    if None in texts or len(text) > _KEYS_WIDTH or not _DOTTED.fullmatch(name) or (name, text) in context.mentioned:
        return
    context.mentioned.add((name, text))
    yield SortKeys(name, text)


def _with_many_rounds(notes: Sequence[ExpressionValue], scopes: Scopes) -> set[ast.AST]:
    """Comprehensions and lambdas with so many rounds that only the first ones are rendered."""
    counts = Counter(note.node for note in notes if note.node in scopes.binders)
    return {scopes.binders[node] for node, count in counts.items() if count > _ROUNDS}


def _bind(context: StepContext, note: ExpressionValue, binder: ast.AST, scopes: Scopes) -> None:
    """A comprehension or lambda binds a name: another round of it begins, or goes on with its names."""
    name = note.node.id if isinstance(note.node, ast.Name) else note.node.arg  # type: ignore[attr-defined]
    around = scopes.bound.get(note.node, frozenset())
    if binder is not context.comprehension or note.node is scopes.firsts[binder]:
        context.pending = [pair for pair in context.pending if pair[0] in around]  # those of the round that this one is inside of
        context.rounds[binder] = context.rounds.get(binder, 0) + 1
    context.comprehension = binder
    context.pending.append((name, note.value))
    context.inner[name] = note.value
    for node in scopes.bound:  # what was computed in the round before is past
        context.values.pop(node, None)


def _is_told(node: ast.expr, how: str, line: Line, inside: bool) -> bool:
    if how == "none" or isinstance(node, ast.Attribute | ast.Constant | ast.NamedExpr):
        return False
    if node is line.whole:
        return True
    if how == "whole":
        return False
    return how == "all" or (not inside and isinstance(node, ast.Call | ast.Subscript | ast.Compare))
