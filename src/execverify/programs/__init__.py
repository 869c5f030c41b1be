"""What to run: programs, and the literals that their arguments and results are written in."""

from execverify.programs.literals import parse_literal
from execverify.programs.program import Program, parse_call
from execverify.programs.records import ProgramRecord, read_programs
from execverify.programs.values import Value, to_value

__all__ = ["Program", "ProgramRecord", "Value", "parse_call", "parse_literal", "read_programs", "to_value"]
