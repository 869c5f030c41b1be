"""The seed of each sample, so that a draw depends on what is asked and not on when or beside what."""

import hashlib
import secrets


def sample_seed(seed: int | None, request: str, sample: int) -> int:
    """A number below 2**63 from the run's seed, the request's id and the sample's number; a fresh one where the seed is None."""
    if seed is None:
        return secrets.randbits(63)
    told = f"{seed}/{sample}/{request}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.sha256(told).digest()[:8]) >> 1
