"""What a model's answer holds: a program with its call, or calls. It is read as text, and nothing of it is run.

An answer may have several blocks, prose in any language, a block that is not closed, or nothing of use. The program is the last block
with functions of which some call with literal arguments stands in the answer. Comments, docstrings and annotations are taken out;
statements beside the functions are left out where no function reads what they define.
"""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from execverify.errors import LiteralError, ProgramError
from execverify.programs.program import Program, arguments_text, call_values, parse_source, read_arguments
from execverify.rewards.code.extract import MAX_CODE_ANSWER, code_blocks
from execverify.utils.messages import count_phrase

MAX_ANSWER = 2 * MAX_CODE_ANSWER
"""Longest completion that is read, in characters."""

MAX_DEPTH = 100
"""Deepest syntax tree of a program that is used, in nodes: what reads programs later goes down into them."""

_MAX_LINES, _MAX_LINE = 400, 4_000
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_DROPPED = (ast.Expr, ast.Assert, ast.Assign, ast.AnnAssign, ast.If)


@dataclass(frozen=True, slots=True)
class Unusable:
    """Why an answer has no program.

    Attributes:
        reason: in a few words that many answers share.
        detail: what exactly.
    """

    reason: str
    detail: str = ""


def parse_program(completion: str) -> Program | Unusable:
    """The program of an answer, with its call."""
    if len(completion) > MAX_ANSWER:
        return Unusable("the answer is too long", f"{count_phrase(len(completion), 'character')}")
    blocks = code_blocks(completion)
    if not blocks:
        return Unusable("the answer has no code")
    trees: list[tuple[str, ast.Module]] = []
    error = ""
    for text in blocks:
        try:
            trees.append((text, parse_source(text)))
        except ProgramError as problem:
            error = str(problem)
    if not trees:
        return Unusable("the code is not Python", error)
    defining = [pair for pair in trees if any(isinstance(node, _FUNCTIONS) for node in pair[1].body)]
    if not defining:
        return Unusable("the code has no function")
    reason = Unusable("the answer has no call with literal arguments")
    for text, tree in reversed(defining):
        if _is_deep(tree):
            reason = Unusable("the program cannot be used", f"it is nested more than {MAX_DEPTH} nodes deep")
            continue
        own_first = [tree, *(other for _, other in trees if other is not tree)]
        for name, arguments in _calls(own_first, _function_names(tree)):
            try:
                return Program(_functions_only(text, tree), name, arguments)
            except (ProgramError, RecursionError) as problem:
                reason = Unusable("the program cannot be used", str(problem))
    return reason


def _is_deep(tree: ast.AST) -> bool:
    """Whether a tree is deeper than `MAX_DEPTH`; goes down level by level, so that depth costs no stack."""
    nodes: list[ast.AST] = [tree]
    for _ in range(MAX_DEPTH):
        nodes = [child for node in nodes for child in ast.iter_child_nodes(node)]
    return bool(nodes)


def parse_inputs(completion: str, program: Program, most: int) -> list[str]:
    """The arguments of other calls of a program in an answer, as canonical texts, each once; at most `most`.

    Calls with other numbers of arguments than the program takes, or with arguments that are no literals, are left out.
    """
    found: dict[str, None] = {}
    positional, named = program.call_arguments
    own = arguments_text((positional, named))
    for line in completion[:MAX_ANSWER].splitlines()[:_MAX_LINES]:
        text = _call_in(line[:_MAX_LINE], program.entry_point)
        if text is None:
            continue
        try:
            values = read_arguments(text)
            arguments = arguments_text(values)
            Program(program.source, program.entry_point, arguments)
        except (ProgramError, LiteralError, RecursionError):
            continue
        same_shape = len(values[0]) == len(positional) and values[1].keys() == named.keys()
        if same_shape and arguments != own:
            found.setdefault(arguments)
        if len(found) == most:
            break
    return list(found)


def _call_in(line: str, name: str) -> str | None:
    """The text between the brackets of the first call of a function in a line; None where there is none."""
    start = re.search(rf"(?<![\w.]){re.escape(name)}\(", line)
    if start is None:
        return None
    depth, quote, at = 1, "", start.end()
    while at < len(line):
        letter = line[at]
        if quote:
            at += letter == "\\"
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        else:
            depth += (letter in "([{") - (letter in ")]}")
            if not depth:
                return line[start.end() : at]
        at += 1
    return None


def _function_names(tree: ast.Module) -> frozenset[str]:
    return frozenset(node.name for node in tree.body if isinstance(node, _FUNCTIONS))


def _calls(trees: Sequence[ast.Module], names: frozenset[str]) -> Iterator[tuple[str, str]]:
    """The calls of some functions beside the functions, with arguments that are literals or names of literals."""
    for tree in trees:
        values: dict[str, ast.expr] = {}
        for node in _beside_functions(tree.body):
            for call in ast.walk(node):
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in names:
                    try:
                        yield call.func.id, arguments_text(call_values(_with_values(call, values)))
                    except (LiteralError, ProgramError, RecursionError):
                        continue
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                values[node.targets[0].id] = node.value


def _beside_functions(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements beside functions, those under `if __name__ == "__main__"` included."""
    for node in body:
        if isinstance(node, ast.If) and "__name__" in ast.unparse(node.test):
            yield from _beside_functions(node.body)
        elif not isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            yield node


def _with_values(call: ast.Call, values: dict[str, ast.expr]) -> ast.Call:
    """The call with names replaced by what was assigned to them."""

    def known(node: ast.expr) -> ast.expr:
        return values.get(node.id, node) if isinstance(node, ast.Name) else node

    keywords = [ast.keyword(keyword.arg, known(keyword.value)) for keyword in call.keywords]
    return ast.Call(call.func, [known(argument) for argument in call.args], keywords)


def _functions_only(text: str, tree: ast.Module) -> str:
    """The source of the functions, and of what they read beside them, without comments, docstrings and annotations."""
    read = {
        part.id
        for node in tree.body
        if isinstance(node, _FUNCTIONS)
        for part in ast.walk(node)
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load)
    }
    kept = [node for node in tree.body if not isinstance(node, _DROPPED) or _bound(node) & read]
    segments = [ast.get_source_segment(text, node) or "" for node in kept]
    if all(map(_is_bare, segments, kept)):
        return "\n\n".join(segments) + "\n"
    return "\n\n".join(ast.unparse(_Bare().visit(node)) for node in kept) + "\n"


def _bound(node: ast.stmt) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}


def _is_bare(segment: str, node: ast.stmt) -> bool:
    """Whether a statement has no comment, docstring, annotation or decorator."""
    if "#" in segment or not segment:
        return False
    return not any(
        (
            isinstance(part, _FUNCTIONS)
            and (part.decorator_list or part.returns or ast.get_docstring(part, clean=False) is not None)
        )
        or (isinstance(part, ast.arg) and part.annotation)
        for part in ast.walk(node)
    )


class _Bare(ast.NodeTransformer):
    """Takes docstrings and annotations out of functions; `ast.unparse` leaves out comments."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.generic_visit(node)
        if ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        node.returns = None
        return node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node
