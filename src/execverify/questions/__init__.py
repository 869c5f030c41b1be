"""What we ask: questions about a run, and the tasks that hold them."""

from execverify.questions.question import KINDS, Question
from execverify.questions.rows import VERSION, from_row, to_row
from execverify.questions.select import ask
from execverify.questions.task import TASK_KINDS, Difficulty, Task, task

__all__ = ["KINDS", "TASK_KINDS", "VERSION", "Difficulty", "Question", "Task", "ask", "from_row", "task", "to_row"]
