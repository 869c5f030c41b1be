"""A set of keys that stays small: detects programs that were made before."""

import hashlib
from array import array

_FIRST = 1 << 12


def stable_hash(*texts: str) -> int:
    """A 64-bit number for texts: the same one everywhere, another one for other texts (but for one pair in 10^19)."""
    text = "\0".join(texts).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "big")


class HashSet:
    """A growing set of 64-bit numbers in an open-addressed table: 16 to 32 bytes for each, where Python's own takes 100."""

    def __init__(self) -> None:
        self._slots = array("Q", bytes(8 * _FIRST))  # 0 marks a free place
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, key: int) -> bool:
        return self._slots[self._place(key or 1)] != 0

    def add(self, key: int) -> bool:
        """Add a number; return whether it is new."""
        key = key or 1
        place = self._place(key)
        if self._slots[place]:
            return False
        self._slots[place] = key
        self._count += 1
        if 2 * self._count > len(self._slots):
            self._grow()
        return True

    def _place(self, key: int) -> int:
        """Where a number stands, or the free place where it would."""
        slots, mask = self._slots, len(self._slots) - 1
        place = key & mask
        while slots[place] and slots[place] != key:
            place = (place + 1) & mask
        return place

    def _grow(self) -> None:
        old = self._slots
        self._slots = array("Q", bytes(16 * len(old)))
        for key in old:
            if key:
                self._slots[self._place(key)] = key
