"""The functions of this room that execute jobs inside the sandbox's workers.

They are registered together, so that the fork server loads all of them whichever is needed first.
"""

from execverify.sandbox.job import register_runner

RECORD = register_runner("execverify.tracing.recorder", "record")
"""Traces a program."""

SETTRACE_CHECK = register_runner("execverify.tracing.settrace_check", "record")
"""Runs a program under CPython's trace function, to check a trace."""

COVER = register_runner("execverify.tracing.coverage_runs", "cover_runner")
"""Calls a program with many inputs, and reports the branch outcomes of each call."""

RECORD_EXPRESSIONS = register_runner("execverify.tracing.expressions", "record")
"""Traces a program with the values of its expressions."""

WATCH_EXPRESSIONS = register_runner("execverify.tracing.expression_watch", "record")
"""Evaluates given expressions at each visit of given lines."""

EVALUATE_EXPRESSIONS = register_runner("execverify.tracing.expression_probe", "evaluate")
"""Evaluates given expressions in given states."""

RECORD_EVENTS = register_runner("execverify.tracing.events", "record")
"""Records the line events of CPython's trace function."""

RECORD_CWM = register_runner("execverify.tracing.cwm", "record")
"""Records the events of a run as CWM's format has them."""
