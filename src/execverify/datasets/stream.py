"""Tasks without end, made in this process as they are asked for."""

from collections.abc import Iterator, Sequence
from itertools import count

from execverify.datasets.harvest import PATIENCE, Harvest
from execverify.datasets.maker import Maker
from execverify.datasets.recipe import Recipe, check_size
from execverify.datasets.spans import SPAN
from execverify.questions.prompts import DEFAULT
from execverify.questions.task import TASK_KINDS, Task


def tasks(
    size: int | None = None,
    seed: int = 0,
    *,
    levels: Sequence[int] = (),
    kinds: Sequence[str] = TASK_KINDS,
    methods: Sequence[str] = (),
    types: Sequence[str] = (),
    inputs: int = 1,
    limit: int = 10,
    template: str = DEFAULT,
) -> Iterator[Task]:
    """Synthesized tasks, the same ones for the same arguments: those that `execverify build` writes.

    Args:
        size: how many; None for as many as anyone takes.
        seed: another one gives other programs.
        levels: of 1 to 6; all by default.
        kinds: of "white_box", "input_prediction" and "code_generation", in the shares of `Recipe`; the first two by default.
        methods: names in the catalogue that may be under test; all by default.
        types: of values that programs may write, such as "int" and "list"; all by default.
        inputs: tasks of one program, at most, each on other arguments.
        limit: most questions a task.
        template: name or folder of the prompt template.

    Raises:
        DatasetError, QuestionError, ProgramError: an argument that is unknown or out of range; or there are no more.
        SandboxError: programs cannot be run here (our failure).
    """
    if size is not None:
        check_size(size)
    chosen = (kinds,) if isinstance(kinds, str) else tuple(kinds)
    under_test = (methods,) if isinstance(methods, str) else tuple(methods)
    recipe = Recipe(
        seed,
        kinds=chosen,
        levels=tuple(levels),
        methods=under_test,
        types=tuple(types),
        inputs=inputs,
        limit=limit,
        template=template,
    )
    return _taken(Maker(recipe), Harvest(recipe, size, PATIENCE))


def _taken(maker: Maker, harvest: Harvest) -> Iterator[Task]:
    start = 0
    for turn in count():
        span = min(SPAN, 8 << turn)  # the first ones come soon
        for item in maker.items(range(start, start + span)):
            yield from item.tasks[: harvest.take(item.fate)]
            if harvest.full:
                return
        start += span
