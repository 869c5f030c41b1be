"""What happened: the steps of a run, and the values that variables had."""

from execverify.programs.values import Value
from execverify.tracing.trace import Frame, Step, Trace, trace, trace_many

__all__ = ["Frame", "Step", "Trace", "Value", "trace", "trace_many"]
