"""Every error that execverify raises on purpose.

One tree, so that a caller can catch `ExecVerifyError` and be sure that the message is a single line which names the
mistake and the mend::

    ExecVerifyError
    ├── ProgramError       a program that cannot be used: its source, entry point or arguments
    ├── LiteralError       a text that is not a literal
    ├── SandboxError       our own failure: the confined process could not be started or kept
    │   └── InsufficientIsolationError   untrusted code is refused here, because a layer of the sandbox is missing
    ├── QuestionError      a question or task that cannot be asked
    ├── RowError           a row or a file of rows, programs or completions that is malformed
    ├── DatasetError       a dataset that cannot be made as asked, written or continued
    ├── ModelError         a model that cannot be had, or settings and files of answers that it cannot work with
    │   └── RunStopped         a run that asks a model stopped before its end, and can be resumed
    ├── EvaluationError    a benchmark, its data, or a run of it that is not what it should be
    └── TrainingError      a preset, a stage or an experiment that cannot be run as asked, or not here
"""


class ExecVerifyError(Exception):
    """Base of all errors raised on purpose."""


class ProgramError(ExecVerifyError):
    """The program cannot be used as given."""


class LiteralError(ExecVerifyError):
    """The text is not the literal of a plain built-in value."""


class SandboxError(ExecVerifyError):
    """The confined process could not be started or kept: our failure, never the program's or the model's."""


class InsufficientIsolationError(SandboxError):
    """Untrusted code is refused, because a layer that it needs is missing here; the message names the layer and the mend."""


class QuestionError(ExecVerifyError):
    """The question or task cannot be asked of this trace."""


class RowError(ExecVerifyError):
    """A row, or a file of rows, programs or completions, is not what it should be."""


class DatasetError(ExecVerifyError):
    """A dataset cannot be made as asked, written where asked, or continued."""


class ModelError(ExecVerifyError):
    """A model cannot be had or asked like this, or a file of answers is not what it should be."""


class RunStopped(ModelError):
    """A run stopped before its end: its budget is spent, too many requests failed, or the server is down. It can be resumed."""


class EvaluationError(ExecVerifyError):
    """A benchmark, its data, or a run of it is not what it should be."""


class TrainingError(ExecVerifyError):
    """A preset, a stage of training or an experiment cannot be run as asked, or not on this machine."""
