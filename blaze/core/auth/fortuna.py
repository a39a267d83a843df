"""Fortuna's generator: octets that follow from a seed (Ferguson, Schneier, *Practical Cryptography*)."""

import hashlib
from collections.abc import Iterator

from blaze.core.auth.keys import aes256_ecb

BLOCK = 16  # octets of one AES block, and of the counter
KEY = 32  # octets of the key of AES-256

MAX_REQUEST = 1 << 16
"""Octets drawn under one key; a longer request changes the key in between."""


class Generator:
    """The generator of Fortuna without its entropy pools, as mirage-crypto-rng has it.

    AES-256 encrypts a counter of 128 bits. The counter is big-endian, as in mirage-crypto; others chose
    little-endian. Every request ends with a change of the key.
    """

    def __init__(self) -> None:
        self._key = bytes(KEY)
        self._counter = 0

    def reseed(self, seed: bytes) -> None:
        """Mix `seed`, of any length, into the key: SHA-256 twice over the key and the seed."""
        self._key = hashlib.sha256(hashlib.sha256(self._key + seed).digest()).digest()
        self._counter += 1

    def iter_octets(self, length: int) -> Iterator[bytes]:
        """One request for `length` octets, in chunks of at most `MAX_REQUEST`; memory is constant."""
        while length > 0:
            size = min(length, MAX_REQUEST)
            yield self._draw(size)
            length -= size

    def _draw(self, size: int) -> bytes:
        count = -(-size // BLOCK)
        blocks = count + KEY // BLOCK
        stream = b"".join((self._counter + n).to_bytes(BLOCK, "big") for n in range(blocks))
        octets = aes256_ecb(self._key).update(stream)
        self._counter += blocks
        self._key = octets[-KEY:]
        return octets[:size]
