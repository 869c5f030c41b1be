"""Programs made by a grammar of idioms: seeded, typed, without a model."""

from execverify.synthesis.grammar import VERSION, GeneratedProgram, synthesize

__all__ = ["VERSION", "GeneratedProgram", "synthesize"]
