"""Runs a function backward: from what it returns to its parameters, along the ways through it."""

import ast
import functools
from collections.abc import Iterator
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from execverify.cot.inversion.evaluate import Unknown, binary, bound, evaluate, ordered
from execverify.cot.inversion.expressions import Solver, item_of
from execverify.cot.inversion.needs import FREE, Items, Needs, merged
from execverify.cot.inversion.paths import Event, has_loop, paths
from execverify.programs.program import Program

MAX_ANSWERS = 6
_MAX_DEPTH = 2
_ROUNDS = 10


@dataclass(frozen=True)
class Derivation:
    """Values of parameters with which a function should return what is wanted.

    Attributes:
        needs: by parameter; free ones are missing.
        steps: from the last step back: line, visit, and the values that names must have before it.
    """

    needs: Needs
    steps: tuple[tuple[int, int, Needs], ...] = ()


@dataclass
class _State:
    """What is needed at a place on a way, going backward.

    Attributes:
        needs: of names.
        steps: what was needed before later steps.
        rounds: by loop, the items that its later rounds need, from the last one on.
    """

    needs: Needs
    steps: tuple[tuple[int, int, Needs], ...] = ()
    rounds: dict[int, tuple[Any, ...]] = field(default_factory=dict)


class Inverter:
    """Derives arguments of a program's functions."""

    def __init__(self, program: Program) -> None:
        self.functions = {node.name: node for node in program.tree.body if isinstance(node, ast.FunctionDef)}
        self.globals = _constants(program)
        self.depth = 0
        self.solver = Solver(self._call)

    def derivations(self, name: str, value: Any) -> Iterator[Derivation]:
        """Ways to have a function return a value, simple ones first."""
        function = self.functions.get(name)
        if function is None or function.args.vararg or function.args.kwarg or function.decorator_list:
            return
        parameters = [one.arg for one in function.args.args]
        options = [*_sizes(value), 1, 0, 2] if has_loop(function) else [0]
        for rounds in dict.fromkeys(options):
            for events in paths(function, rounds):
                for found in islice(self._path(events, value, parameters), 2):
                    needs = {one: part for one, part in found.needs.items() if one in parameters}
                    yield Derivation(needs, found.steps)

    def _call(self, name: str, value: Any, count: int) -> Iterator[list[Any]]:
        """Arguments with which a call of the program's own function should return a value."""
        if self.depth >= _MAX_DEPTH or name not in self.functions:
            return
        parameters = [one.arg for one in self.functions[name].args.args]
        if len(parameters) != count:
            return
        self.depth += 1
        try:
            found = list(islice(self.derivations(name, value), 3))
        finally:
            self.depth -= 1
        for one in found:
            given = [one.needs.get(each, FREE) for each in parameters]
            yield [each.filled(1) if isinstance(each, Items) else each for each in given]

    # ------------------------------------------------------------------------------------------------------ one way

    def _path(self, events: tuple[Event, ...], value: Any, parameters: list[str]) -> Iterator[_State]:
        known = self._forward(events, set(parameters))
        last = events[-1] if events else None
        if last is None or not isinstance(last.node, ast.Return) or last.node.value is None:
            return
        for needs in self.solver.solve(last.node.value, value, known[-1]):
            yield from self._back(events, known, len(events) - 2, self._noted(_State(needs), last, needs))

    def _back(self, events: tuple[Event, ...], known: list[dict[str, Any]], at: int, state: _State) -> Iterator[_State]:
        """The states before all events, from the one after event `at`."""
        if at < 0:
            yield state
            return
        for earlier in islice(self._before(events[at], known[at], state), 3):
            yield from islice(self._back(events, known, at - 1, earlier), 2)

    def _before(self, event: Event, known: dict[str, Any], state: _State) -> Iterator[_State]:
        """States before an event that lead to the state after it."""
        if any(name in known and not _has(known[name], value) for name, value in state.needs.items()) and not _may_bind(event):
            return
        match event.kind:
            case "test":
                assert isinstance(event.node, ast.If | ast.While)
                for needs in self.solver.truth(event.node.test, event.holds, {**known, **state.needs}):
                    yield from self._with(state, event, needs)
            case "round":
                yield from self._round(event, known, state)
            case "loop":
                yield from self._loop(event, known, state)
            case "statement":
                yield from self._statement(event, known, state)
            case _:
                yield state

    def _with(self, state: _State, event: Event, needs: Needs) -> Iterator[_State]:
        both = merged(state.needs, needs)
        if both is not None:
            yield self._noted(_State(both, state.steps, state.rounds), event, needs)

    @staticmethod
    def _noted(state: _State, event: Event, needs: Needs) -> _State:
        """The state with what an event needs, which is kept to be shown."""
        shown = {name: value.complete() if isinstance(value, Items) else value for name, value in needs.items()}
        shown = {name: value for name, value in shown.items() if value is not None}
        steps = (*state.steps, (event.line, event.visit, shown)) if shown else state.steps
        return _State(state.needs, steps, state.rounds)

    def _round(self, event: Event, known: dict[str, Any], state: _State) -> Iterator[_State]:
        assert isinstance(event.node, ast.For)
        names = {one.id for one in ast.walk(event.node.target) if isinstance(one, ast.Name)}
        given = _round_value(event.node, event.number, known)
        mine = {name: value for name, value in state.needs.items() if name in names}
        if any(name in given and not _has(given[name], value) for name, value in mine.items()):
            return
        rest = {name: value for name, value in state.needs.items() if name not in names}
        later = state.rounds.get(id(event.node), ())
        rounds = {**state.rounds, id(event.node): (item_of(event.node.target, mine), *later)}
        yield _State(rest, state.steps, rounds)

    def _loop(self, event: Event, known: dict[str, Any], state: _State) -> Iterator[_State]:
        assert isinstance(event.node, ast.For)
        items = list(state.rounds.get(id(event.node), ()))
        rounds = {key: value for key, value in state.rounds.items() if key != id(event.node)}
        without = _State(state.needs, state.steps, rounds)
        with suppress(Unknown):
            if len(evaluate(event.node.iter, known)) >= event.number:
                yield without
            return
        for needs in _range_over_length(event.node.iter, event.number):
            for both in self._with(without, event, needs):
                yield self._noted(both, event, {name: both.needs[name] for name in needs})
            return
        try:
            for needs in self.solver.iterated(event.node.iter, items, {**known, **state.needs}):
                yield from self._with(without, event, needs)
        except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError, Unknown):
            return

    def _statement(self, event: Event, known: dict[str, Any], state: _State) -> Iterator[_State]:
        bound_here = _bound_names(event)
        known = {**known, **{name: value for name, value in state.needs.items() if name not in bound_here}}
        try:
            yield from self._changed(event, known, state)
        except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError, Unknown):
            return

    def _changed(self, event: Event, known: dict[str, Any], state: _State) -> Iterator[_State]:
        match event.node:
            case ast.Assign(
                targets=[ast.Name(id=name)], value=ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr="pop"), args=args)
            ):
                yield from self._popped(event, owner, args, state.needs.get(name, FREE), known, _without(state, name))
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ):
                yield from self._set(event, [(name, value)], known, state)
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)) if len(targets) == len(values):
                pairs = [(one.id, value) for one, value in zip(targets, values, strict=True) if isinstance(one, ast.Name)]
                if len(pairs) == len(targets):
                    yield from self._set(event, pairs, known, state)
            case ast.Assign(targets=[ast.Tuple() as target], value=value):
                wanted = item_of(target, state.needs)
                names = [one.id for one in ast.walk(target) if isinstance(one, ast.Name)]
                if wanted is FREE:
                    yield _without(state, *names)
                elif FREE not in wanted:
                    for needs in [*self.solver.solve(value, wanted, known), *self.solver.solve(value, list(wanted), known)]:
                        yield from self._with(_without(state, *names), event, needs)
            case ast.Assign(targets=[ast.Subscript(value=ast.Name(id=name), slice=index)], value=value):
                yield from self._stored(event, name, index, value, known, state)
            case ast.AugAssign(target=ast.Name(id=name), op=op, value=value):
                yield from self._set(event, [(name, ast.BinOp(ast.Name(name), op, value))], known, state)
            case ast.AugAssign(target=ast.Subscript(value=ast.Name(id=name))):
                if name not in state.needs:
                    yield state
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=grouped, attr="append"), args=[item])) if (
                found := _group(grouped)
            ) is not None:
                yield from self._grouped(event, *found, item, known, state)
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=method), args=args)):
                yield from self._mutated(event, name, method, args, known, state)
            case ast.Expr() | ast.Pass() | ast.Break() | ast.Continue():
                yield state

    def _set(self, event: Event, pairs: list[tuple[str, ast.expr]], known: dict[str, Any], state: _State) -> Iterator[_State]:
        wanted = [(value, state.needs[name]) for name, value in pairs if name in state.needs]
        if any(isinstance(value, Items) for _, value in wanted):
            wanted = [(node, value.filled(1) if isinstance(value, Items) else value) for node, value in wanted]
        for needs in self.solver.all(wanted, known):
            yield from self._with(_without(state, *(name for name, _ in pairs)), event, needs)

    def _popped(
        self, event: Event, owner: str, args: list[ast.expr], value: Any, known: dict[str, Any], state: _State
    ) -> Iterator[_State]:
        index = evaluate(args[0], known) if args else -1
        rest = state.needs.get(owner, [])
        if isinstance(rest, list) and index in (0, -1):
            item = 1 if value is FREE else value
            yield from self._with(_without(state, owner), event, {owner: [item, *rest] if index == 0 else [*rest, item]})

    def _stored(
        self, event: Event, name: str, index: ast.expr, value: ast.expr, known: dict[str, Any], state: _State
    ) -> Iterator[_State]:
        """`d[k] = v`: the last entry of what is needed was set here; or an entry that is known by its key."""
        wanted = state.needs.get(name, FREE)
        if wanted is FREE:
            yield state
        elif isinstance(wanted, dict) and wanted and (step := _counted(name, index, value, known)) is not None:
            key = list(wanted)[-1]
            before = {one: part - step if one == key else part for one, part in wanted.items() if one != key or part != step}
            for needs in self.solver.solve(index, key, known):
                yield from self._with(_without(state, name), event, merged({name: before}, needs) or {name: before})
        elif isinstance(wanted, dict) and wanted:
            try:
                key = evaluate(index, known)
            except Unknown:
                key = list(wanted)[-1]
            before = {one: part for one, part in wanted.items() if one != key}
            for needs in self.solver.all([(index, key), (value, wanted[key])], known):
                yield from self._with(_without(state, name), event, merged({name: before}, needs) or {name: before})
        elif isinstance(wanted, list):
            key = evaluate(index, known)
            for needs in self.solver.solve(value, wanted[key], known):
                yield from self._with(_without(state, name), event, merged({name: wanted}, needs) or {name: wanted})

    def _grouped(
        self, event: Event, name: str, key: ast.expr, item: ast.expr, known: dict[str, Any], state: _State
    ) -> Iterator[_State]:
        """`d.setdefault(k, []).append(v)`: the last item of the last list was added here."""
        wanted = state.needs.get(name, FREE)
        if wanted is FREE:
            yield state
        elif isinstance(wanted, dict) and wanted:
            last = list(wanted)[-1]
            *rest, added = wanted[last]
            before = {one: rest if one == last else part for one, part in wanted.items() if one != last or rest}
            for needs in self.solver.all([(item, added), (key, last)], known):
                yield from self._with(_without(state, name), event, merged({name: before}, needs) or {name: before})

    def _mutated(
        self, event: Event, name: str, method: str, args: list[ast.expr], known: dict[str, Any], state: _State
    ) -> Iterator[_State]:
        wanted = state.needs.get(name, FREE)
        if wanted is FREE:
            yield state
            return
        wanted = wanted.filled(1) if isinstance(wanted, Items) else wanted
        for before, pairs in _before_call(method, wanted, args, known):
            for needs in self.solver.all(pairs, known):
                yield from self._with(_without(state, name), event, merged({name: before}, needs) or {name: before})

    # ------------------------------------------------------------------------------------------------------- forward

    def _forward(self, events: tuple[Event, ...], unknown: set[str]) -> list[dict[str, Any]]:
        """Before each event, the values that do not depend on the parameters."""
        known = {name: value for name, value in self.globals.items() if name not in unknown}
        found = []
        for event in events:
            found.append(dict(known))
            for name in _bound_names(event):
                known.pop(name, None)
            with suppress(Unknown, ArithmeticError, LookupError, TypeError, ValueError, AttributeError):
                known.update(_effect(event, found[-1]))
        return found


def _sizes(value: Any) -> Iterator[int]:
    """How many rounds of a loop could have made a value."""
    if isinstance(value, dict):
        counts = [len(one) if isinstance(one, list) else one if isinstance(one, int) else 1 for one in value.values()]
        if all(0 < count <= _ROUNDS for count in counts) and sum(counts) <= _ROUNDS:
            yield sum(counts)
    nested = isinstance(value, list | tuple) and value and all(isinstance(one, list | tuple | str) for one in value)
    if nested and (total := sum(map(len, value))) <= _ROUNDS:
        yield total
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _ROUNDS:
        yield value
    if isinstance(value, list | tuple | dict | set | str):
        yield min(len(value), _ROUNDS)


def _constants(program: Program) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for node in program.tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            with suppress(Unknown):
                found[node.targets[0].id] = evaluate(node.value, found)
    return found


def _group(node: ast.expr) -> tuple[str, ast.expr] | None:
    """The name and key of `d.setdefault(k, [])` and `d[k]`."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="setdefault"), args=[key, ast.List(elts=[])]):
            return name, key
        case ast.Subscript(value=ast.Name(id=name), slice=ast.expr() as key) if not isinstance(key, ast.Slice):
            return name, key
    return None


def _counted(name: str, index: ast.expr, value: ast.expr, known: dict[str, Any]) -> int | None:
    """By how much `d[k] = d.get(k, 0) + n` counts up; None for other statements."""
    match value:
        case ast.BinOp(
            left=ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr="get"), args=[key, ast.Constant(value=0)]),
            op=ast.Add(),
            right=ast.Constant(value=int(step)),
        ) if owner == name and ast.dump(key) == ast.dump(index):
            return step
    return None


def _has(value: Any, wanted: Any) -> bool:
    return wanted.fits(value) if isinstance(wanted, Items) else merged({"": value}, {"": wanted}) is not None


def _may_bind(event: Event) -> bool:
    return bool(_bound_names(event)) or event.kind in ("loop", "round")


def _without(state: _State, *names: str) -> _State:
    return _State({name: value for name, value in state.needs.items() if name not in names}, state.steps, state.rounds)


@functools.lru_cache(maxsize=4096)
def _bound_names(event: Event) -> set[str]:
    """Names that an event may change, in place too."""
    if event.kind == "round":
        assert isinstance(event.node, ast.For)
        return {one.id for one in ast.walk(event.node.target) if isinstance(one, ast.Name)}
    if event.kind != "statement":
        return set()
    names = {one.id for one in ast.walk(event.node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store | ast.Del)}
    for one in ast.walk(event.node):
        if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute) and isinstance(one.func.value, ast.Name):
            names.add(one.func.value.id)
        elif isinstance(one, ast.Subscript) and isinstance(one.ctx, ast.Store | ast.Del) and isinstance(one.value, ast.Name):
            names.add(one.value.id)
    return names


def _effect(event: Event, known: dict[str, Any]) -> dict[str, Any]:
    """What an event sets to a known value."""
    if event.kind == "round":
        assert isinstance(event.node, ast.For)
        return _round_value(event.node, event.number, known)
    match event.node:
        case ast.Assign(targets=[target], value=value) if event.kind == "statement":
            return bound(target, evaluate(value, known))
        case ast.AugAssign(target=ast.Name(id=name), op=op, value=value):
            return {name: binary(op, known[name], evaluate(value, known))}
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="append"), args=[item])):
            return {name: [*deepcopy(known[name]), evaluate(item, known)]}
    return {}


def _round_value(node: ast.For, number: int, known: dict[str, Any]) -> dict[str, Any]:
    """What the target of a loop is known to be in a round."""
    with suppress(Unknown, LookupError):
        return bound(node.target, ordered(evaluate(node.iter, known))[number])
    match node.iter:
        case ast.Call(func=ast.Name(id="range"), args=[_]):
            return bound(node.target, number)
        case ast.Call(func=ast.Name(id="range"), args=[start, _]):
            with suppress(Unknown):
                return bound(node.target, evaluate(start, known) + number)
        case ast.Call(func=ast.Name(id="enumerate"), args=[_]) if isinstance(node.target, ast.Tuple):
            return bound(node.target.elts[0], number)
    return {}


def _range_over_length(node: ast.expr, rounds: int) -> Iterator[Needs]:
    """`range(len(x))` needs no more of `x` than its length."""
    match node:
        case ast.Call(func=ast.Name(id="range"), args=[ast.Call(func=ast.Name(id="len"), args=[ast.Name(id=name)])]):
            yield {name: Items({}, rounds)}


def _before_call(
    method: str, wanted: Any, args: list[ast.expr], known: dict[str, Any]
) -> Iterator[tuple[Any, list[tuple[ast.expr, Any]]]]:
    """What a value was before a method changed it, and what the arguments must be."""
    match method, wanted:
        case "append", [*before, last]:
            yield before, [(args[0], last)]
        case "extend", list():
            with suppress(Unknown):
                fixed = ordered(evaluate(args[0], known))
                if not fixed or wanted[-len(fixed) :] == fixed:
                    yield wanted[: len(wanted) - len(fixed)], []
                return
            if isinstance(args[0], ast.List) and 0 < (size := len(args[0].elts)) <= len(wanted):
                yield wanted[:-size], [(args[0], wanted[-size:])]
                return
            yield [], [(args[0], wanted)]
            yield wanted, [(args[0], [])]
        case "insert", list():
            try:
                index = evaluate(args[0], known)
            except Unknown:
                if wanted:
                    yield wanted[1:], [(args[0], 0), (args[1], wanted[0])]
                return
            if 0 <= index < len(wanted):
                yield wanted[:index] + wanted[index + 1 :], [(args[1], wanted[index])]
        case "sort", list():
            yield wanted, []
        case "reverse", list():
            yield wanted[::-1], []
        case "remove", list():
            yield [evaluate(args[0], known), *wanted], []
        case "pop", list() if not args:
            yield [*wanted, 1], []
        case "pop", list():
            index = evaluate(args[0], known)
            yield [*wanted[:index], 1, *wanted[index:]] if index >= 0 else [*wanted, 1], []
        case "clear", _ if not wanted:
            yield wanted, []
        case "update", dict():
            yield {}, [(args[0], wanted)]
            yield wanted, [(args[0], {})]
        case "add", set() if wanted:
            *rest, last = sorted(wanted, key=repr)
            yield set(rest), [(args[0], last)]
            yield wanted, [(args[0], last)]
        case "setdefault", dict() if wanted:
            key = list(wanted)[-1]
            yield {one: part for one, part in wanted.items() if one != key}, [(args[0], key), (args[1], wanted[key])]
