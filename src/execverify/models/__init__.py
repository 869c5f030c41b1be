"""Who answers: local models, servers, recorded answers and fakes, all behind one protocol. No engine is imported before it is used."""

from execverify.models.cache import stored
from execverify.models.mock import Scripted
from execverify.models.model import Generation, Model, Request, Sampling
from execverify.models.registry import load
from execverify.models.replay import Recorded

__all__ = ["Generation", "Model", "Recorded", "Request", "Sampling", "Scripted", "load", "stored"]
