"""Fortuna's generator, against AES in counter mode as another library has it, and against itself."""

import hashlib

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from blaze.core.auth.fortuna import MAX_REQUEST, Generator


def keystream(key: bytes, counter: int, length: int) -> bytes:
    encryptor = Cipher(algorithms.AES256(key), modes.CTR(counter.to_bytes(16, "big"))).encryptor()
    return encryptor.update(bytes(length))


def seeded(seed: bytes) -> Generator:
    generator = Generator()
    generator.reseed(seed)
    return generator


@pytest.mark.parametrize("length", [1, 15, 16, 17, 32, 71, 4096, MAX_REQUEST])
def test_first_request_is_aes_in_counter_mode(length: int) -> None:
    key = hashlib.sha256(hashlib.sha256(bytes(32) + b"seed").digest()).digest()
    assert b"".join(seeded(b"seed").iter_octets(length)) == keystream(key, 1, length)


def test_second_request_has_the_key_that_followed_the_first() -> None:
    generator = seeded(b"")
    list(generator.iter_octets(20))  # 2 blocks, then 2 of key
    key = keystream(hashlib.sha256(hashlib.sha256(bytes(32)).digest()).digest(), 1, 64)[32:]
    assert b"".join(generator.iter_octets(5)) == keystream(key, 5, 5)


def test_long_request_changes_the_key_every_64_kib() -> None:
    whole = b"".join(seeded(b"x").iter_octets(2 * MAX_REQUEST + 7))
    generator = seeded(b"x")
    pieces = [b"".join(generator.iter_octets(length)) for length in (MAX_REQUEST, MAX_REQUEST, 7)]
    assert whole == b"".join(pieces)


def test_reseed_counts() -> None:
    generator = seeded(b"x")
    generator.reseed(b"y")
    key = seeded(b"x")._key
    key = hashlib.sha256(hashlib.sha256(key + b"y").digest()).digest()
    assert b"".join(generator.iter_octets(16)) == keystream(key, 2, 16)


def test_no_octets() -> None:
    assert list(seeded(b"x").iter_octets(0)) == []
