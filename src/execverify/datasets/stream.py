"""Tasks without end, made in this process as they are asked for."""

from collections.abc import Iterator, Sequence
from itertools import count

from execverify.datasets.chunks import CHUNK_SIZE
from execverify.datasets.collect import MAX_CONSECUTIVE_MISSES, RowCollector
from execverify.datasets.config import DatasetConfig, check_size, levels_of
from execverify.datasets.generate import ItemGenerator
from execverify.errors import DatasetError
from execverify.questions.prompts import DEFAULT
from execverify.questions.task import TASK_KINDS, Task
from execverify.utils.validation import list_of, names, whole_number


def generate_tasks(
    size: int | None = None,
    seed: int = 0,
    *,
    levels: Sequence[int] | str = (),
    kinds: Sequence[str] | str = TASK_KINDS,
    builtins: Sequence[str] | str = (),
    value_types: Sequence[str] | str = (),
    max_integer: int = 0,
    inputs_per_program: int = 1,
    max_questions: int = 10,
    prompt_template: str = DEFAULT,
) -> Iterator[Task]:
    """Synthesized tasks, the same ones for the same arguments: those that `execverify dataset build` writes.

    Args:
        size: how many; None for as many as anyone takes.
        seed: another one gives other programs.
        levels: of 1 to 6, as numbers or as text such as "1-2" or "1,3"; all by default.
        kinds: of "white_box", "input_prediction" and "code_generation", in the shares of `KIND_WEIGHTS`; the first two by default.
        builtins: names in the catalog that may be under test; all by default.
        value_types: of values that programs may write, such as "int" and "list"; all by default.
        max_integer: the largest number in programs and values; 0 means any.
        inputs_per_program: tasks of one program, at most, each on other arguments.
        max_questions: most questions a task.
        prompt_template: name or folder of the prompt template.

    Raises:
        DatasetError, QuestionError, ProgramError: an argument that is unknown or out of range; or there are no more.
        SandboxError: programs cannot be run here (our failure).
    """
    if size is not None:
        check_size(whole_number(size, "size", DatasetError))
    recipe = DatasetConfig(
        whole_number(seed, "seed", DatasetError),
        kinds=names(kinds, "names of kinds", DatasetError),
        levels=levels_of(levels) if isinstance(levels, str) else tuple(list_of(levels, "levels such as [1, 2]", DatasetError)),
        builtins=names(builtins, "names of built-ins", DatasetError),
        value_types=names(value_types, "names of types", DatasetError),
        max_integer=whole_number(max_integer, "max_integer", DatasetError),
        inputs_per_program=inputs_per_program,
        max_questions=max_questions,
        prompt_template=prompt_template,
    )
    return _taken(ItemGenerator(recipe), RowCollector(recipe, size, MAX_CONSECUTIVE_MISSES))


def _taken(maker: ItemGenerator, harvest: RowCollector) -> Iterator[Task]:
    start = 0
    for turn in count():
        span = min(CHUNK_SIZE, 8 << turn)  # the first ones come soon
        for item in maker.items(range(start, start + span)):
            yield from item.tasks[: harvest.add(item.result)]
            if harvest.full:
                return
        start += span
