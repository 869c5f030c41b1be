"""Who answers: local models, servers, recorded answers and fakes, all behind one protocol. No engine is imported before it is used."""

from execverify.models.load import load
from execverify.models.model import Generation, Model, Request, Sampling
from execverify.models.recorded import Recorded
from execverify.models.scripted import Scripted
from execverify.models.store import stored

__all__ = ["Generation", "Model", "Recorded", "Request", "Sampling", "Scripted", "load", "stored"]
