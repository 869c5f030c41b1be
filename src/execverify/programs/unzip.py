"""Unpacking a file that somebody else packed, within bounds: 300 KB of gzip can become gigabytes."""

import gzip
import io

from execverify.errors import RowError

MAX_UNPACKED = 1 << 30
"""Most bytes that a packed file may become."""


def unzipped(data: bytes, path: object, most: int = MAX_UNPACKED) -> bytes:
    """What gzip packed; never holds more than `most` bytes.

    Args:
        data: the file's bytes.
        path: its name, for messages.

    Raises:
        RowError: it becomes more than that.
        gzip.BadGzipFile, EOFError, zlib.error: it is not gzip, or not whole.
    """
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
        found = file.read(most + 1)
    if len(found) > most:
        raise RowError(
            f"{path} becomes more than {most:,} bytes when it is unpacked: unpack it, and give the part that is needed"
        )
    return found
