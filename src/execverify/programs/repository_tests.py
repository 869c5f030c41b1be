"""A test of a repository as programs: its body is the call, and the program holds what it needs of the repository's modules.

A test function is the entry point itself. For a method, an instance is made and set up before the call:

    instance = TestStack("test_push")
    instance.setUp()

    def run_test_push():
        instance.test_push()

A test with parameters gives a program for each set of them.
"""

import ast
import itertools
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from execverify.errors import LiteralError, ProgramError
from execverify.programs.flatten import Flattener
from execverify.programs.literals import literal_of
from execverify.programs.program import arguments_text, module_names
from execverify.programs.records import ProgramRecord
from execverify.programs.repository import Module, is_test_case, read_repository, root_of, test_names

_Function = ast.FunctionDef
_Set = tuple[str, dict[str, object]]
"""One set of parameters: its id, and the values by name."""


def programs_of_test(test: str, imports: Collection[str] = ()) -> Iterator[ProgramRecord]:
    """The programs of one test, as pytest names it.

    Args:
        test: `FILE::test_name`, `FILE::TestClass::test_name`, either with `[id]` for one set of parameters; `.` serves as `::` between
            class and method.
        imports: installed packages that the program may import beside the standard library.

    Raises:
        RowError: there is no such file, or it stands in no readable repository.
        ProgramError: there is no such test, it takes a fixture, its parameters are no literals, or what it needs cannot be flattened.
    """
    file, _, name = test.partition("::")
    if not file or not name:
        raise ProgramError(f"{test!r} names no test: write it like tests/test_stack.py::TestStack::test_push")
    name, bracket, wanted = name.partition("[")
    name = name.replace("::", ".")
    path = Path(file)
    if not path.is_file():
        raise ProgramError(f"{file}: no such file")
    repository = read_repository(root_of(path))
    module = repository.module_of(path)
    class_name, _, method = name.rpartition(".")
    function, owner = _found(module, class_name, method)
    sets = list(_parameter_sets(module, function, is_method=owner is not None))
    if bracket:
        ids = [each for each, _ in sets]
        sets = [each for each in sets if each[0] == wanted.removesuffix("]")]
        if not sets:
            raise ProgramError(f"{name} has no parameters [{wanted}; there are {', '.join(ids[:8]) or 'none'}")
    source = Flattener(repository.modules, imports).flatten(module.name, [class_name or method])
    entry_point = method
    if owner is not None:
        source, entry_point = _with_instance(source, owner, function)
    for label, values in sets:
        shown = f"{path.name}::{name.replace('.', '::')}" + (f"[{label}]" if label else "")
        yield ProgramRecord(source, entry_point, arguments_text(((), values)), None, shown, f"{file}:{function.lineno}")


def _found(module: Module, class_name: str, method: str) -> tuple[_Function, ast.ClassDef | None]:
    """The test's function, and its class."""
    body: Sequence[ast.stmt] = module.tree.body
    owner = None
    if class_name:
        owner = next((node for node in body if isinstance(node, ast.ClassDef) and node.name == class_name), None)
        body = owner.body if owner else ()
    for node in body:
        if isinstance(node, ast.AsyncFunctionDef) and node.name == method:
            raise ProgramError(f"{method} is asynchronous: only plain tests can be traced")
        if isinstance(node, _Function) and node.name == method:
            return node, owner
    known = list(test_names(module.tree))
    raise ProgramError(
        f"{module.location} defines no test {f'{class_name}.' if class_name else ''}{method}; it defines {', '.join(known[:8]) or 'none'}"
    )


def _parameter_sets(module: Module, function: _Function, is_method: bool) -> Iterator[_Set]:
    """Every set of parameters by `pytest.mark.parametrize`, in pytest's order; one without a name where there are none."""
    marks = [
        each
        for each in function.decorator_list
        if isinstance(each, ast.Call) and ast.unparse(each.func).endswith("mark.parametrize")
    ]
    lists = [list(_sets_of(module, mark, function.name)) for mark in reversed(marks)]
    names = {name for sets in lists for _, values in sets[:1] for name in values}
    spec = function.args
    arguments = [each.arg for each in (*spec.posonlyargs, *spec.args, *spec.kwonlyargs)][is_method:]
    missing = [name for name in arguments if name not in names]
    if missing:
        raise ProgramError(
            f"{function.name} takes the fixture {missing[0]!r}: only tests without fixtures can be traced; make the value in the test"
        )
    for chosen in itertools.product(*lists[::-1]):
        ids = [label for label, _ in reversed(chosen)]
        yield "-".join(ids), {name: value for _, values in chosen for name, value in values.items()}


def _sets_of(module: Module, mark: ast.Call, test: str) -> Iterator[_Set]:
    given = {keyword.arg: keyword.value for keyword in mark.keywords}
    first, second = [*mark.args, None, None][:2]
    names_node, values_node = first or given.get("argnames"), second or given.get("argvalues")
    if isinstance(values_node, ast.Name):  # a constant of the test's module
        wanted = values_node.id
        values_node = next(
            (node.value for node in module.tree.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == wanted),
            values_node,
        )
    try:
        if not isinstance(values_node, ast.List | ast.Tuple) or names_node is None:
            raise LiteralError("is no list")
        names_given = literal_of(names_node)
        names = [each.strip() for each in names_given.split(",")] if isinstance(names_given, str) else list(names_given)  # type: ignore[call-overload]
        for index, node in enumerate(values_node.elts):
            values, label = _values(node, single=isinstance(names_given, str) and len(names) == 1)
            label = label or "-".join(_label(name, value, index) for name, value in zip(names, values, strict=True))
            yield label, dict(zip(names, values, strict=True))
    except (LiteralError, ValueError) as error:
        raise ProgramError(
            f"the parameters of {test} must be literals: {ast.unparse(values_node or mark)[:60]} ({error})"
        ) from None


def _values(node: ast.expr, single: bool) -> tuple[list[object], str]:
    """The values of one set, and its id where it has one."""
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.param":
        labels = [literal_of(keyword.value) for keyword in node.keywords if keyword.arg == "id"]
        return [literal_of(each) for each in node.args], str(labels[0]) if labels else ""
    value = literal_of(node)
    return ([value] if single else list(value)), ""  # type: ignore[call-overload]


def _label(name: str, value: object, index: int) -> str:
    """The part of a set's id for one value, as pytest writes it."""
    return str(value) if isinstance(value, str | int | float | None) else f"{name}{index}"


def _with_instance(source: str, owner: ast.ClassDef, function: _Function) -> tuple[str, str]:
    """The program with an instance of the test's class, set up, and a function that calls the test; and the function's name."""
    import_names = module_names(ast.parse(source))
    entry_point, instance = f"run_{function.name}", "instance"
    while instance in import_names:
        instance += "_"
    defined = {node.name for node in owner.body if isinstance(node, _Function)}
    is_case = is_test_case(owner)
    lines = [f"{owner.name}.{name}()" for name in ("setUpClass", "setup_class") if name in defined]
    lines.append(f"{instance} = {owner.name}({function.name!r})" if is_case else f"{instance} = {owner.name}()")
    if is_case:
        lines.append(f"{instance}.setUp()")
    elif "setup_method" in defined:
        setup = next(node for node in owner.body if isinstance(node, _Function) and node.name == "setup_method")
        lines.append(f"{instance}.setup_method({f'{instance}.{function.name}' if len(setup.args.args) > 1 else ''})")
    names = ", ".join(each.arg for each in function.args.args[1:])
    passed = ", ".join(f"{each.arg}={each.arg}" for each in function.args.args[1:])
    text = f"{source}\n\n" + "\n".join(lines) + f"\n\n\ndef {entry_point}({names}):\n    {instance}.{function.name}({passed})\n"
    return text, entry_point
