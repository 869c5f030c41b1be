"""Programs made by a grammar of idioms: seeded, typed, without a model."""

from execverify.synthesis.grammar import VERSION, Sketch, synthesize

__all__ = ["VERSION", "Sketch", "synthesize"]
