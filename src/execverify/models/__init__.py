"""Language models behind one protocol: local backends, servers, recorded answers and mocks. No backend is imported before it is used."""

from execverify.models.cache import generate_cached
from execverify.models.mock import MockModel
from execverify.models.model import Generation, Model, Request, Sampling
from execverify.models.registry import BACKENDS, load, register_backend
from execverify.models.replay import ReplayModel

__all__ = [
    "BACKENDS",
    "Generation",
    "MockModel",
    "Model",
    "ReplayModel",
    "Request",
    "Sampling",
    "generate_cached",
    "load",
    "register_backend",
]
