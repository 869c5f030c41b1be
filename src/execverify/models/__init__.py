"""Who answers: local models, servers, recorded answers and fakes, all behind one protocol. No engine is imported before it is used."""

from execverify.models.cache import generate_cached
from execverify.models.mock import MockModel
from execverify.models.model import Generation, Model, Request, Sampling
from execverify.models.registry import load
from execverify.models.replay import ReplayModel

__all__ = ["Generation", "MockModel", "Model", "ReplayModel", "Request", "Sampling", "generate_cached", "load"]
