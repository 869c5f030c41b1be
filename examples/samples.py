"""Writes docs/samples.md: the first five programs of each level of one seed, as the builder takes them.

python examples/samples.py > docs/samples.md
"""

from collections import defaultdict

import execverify as ev

SEED = 2026
PER_LEVEL = 5

HEAD = """\
# Thirty samples

The first five programs of each level of `ev.generate_tasks(seed={seed})`, as they come: none was chosen. Each stands with the built-in
that it is about, its call, and its result. `python examples/samples.py > docs/samples.md` writes this page.
"""


def samples() -> dict[int, list[ev.Task]]:
    """The first tasks of each level."""
    found: dict[int, list[ev.Task]] = defaultdict(list)
    for task in ev.generate_tasks(seed=SEED):
        assert task.level is not None
        if len(found[task.level]) < PER_LEVEL:
            found[task.level].append(task)
        if len(found) == 6 and all(len(tasks) == PER_LEVEL for tasks in found.values()):
            return found
    return found


def page(found: dict[int, list[ev.Task]]) -> str:
    """The page, as Markdown."""
    parts = [HEAD.format(seed=SEED)]
    for level in sorted(found):
        parts.append(f"## Level {level}\n")
        for task in found[level]:
            method = (task.constraint or "").partition(" with ")[2]
            parts.append(
                f"`{method}`\n\n```python\n{task.program.source}\n\n{task.program.one_line_call}  # {task.result.text}\n```\n"
            )
    return "\n".join(parts)


if __name__ == "__main__":
    print(page(samples()), end="")
