"""What the fuzz targets are fed: pieces that mean something to a grammar, mixed, cut, repeated, flipped."""

import importlib
import logging
import pkgutil
import random
import time
from collections.abc import Callable
from pathlib import Path

from tests import fuzz

Target = Callable[[bytes], None]

_DICTIONARY = Path(__file__).resolve().parents[1] / "data" / "fuzz" / "pieces.txt"
PIECES = [bytes([octet]) for octet in range(256)] + [
    line.encode("latin-1").decode("unicode_escape").encode("latin-1")
    for line in _DICTIONARY.read_text("ascii").splitlines()
]
"""All octets, and the lines of the dictionary with their escapes undone."""


def targets() -> dict[str, Target]:
    """Every `fuzz_*` function of this folder by its name."""
    found: dict[str, Target] = {}
    for info in pkgutil.iter_modules(fuzz.__path__):
        if info.name.startswith("fuzz_"):
            module = importlib.import_module(f"tests.fuzz.{info.name}")
            found |= {name: made for name, made in vars(module).items() if name.startswith("fuzz_")}
    return found


def mutated(source: random.Random, seeds: list[bytes]) -> bytes:
    """One input: a seed or a mix of pieces, then a few mutations."""
    if seeds and source.random() < 0.5:
        data = bytearray(source.choice(seeds))
    else:
        data = bytearray(b"".join(source.choices(PIECES, k=source.randrange(1, 30))))
    for _ in range(source.randrange(6)):
        at = source.randrange(len(data) + 1)
        match source.randrange(5):
            case 0:
                del data[at : at + source.randrange(1, 20)]
            case 1:
                data[at:at] = source.choice(PIECES) * source.choice((1, 1, 1, 2, 50))
            case 2 if at < len(data):
                data[at] ^= 1 << source.randrange(8)
            case 3:
                length = source.randrange(1, 60)
                other = source.randrange(len(data) + 1)
                data[at:at] = data[other : other + length]
            case _:
                del data[at:]
    return bytes(data)


def run(target: Target, seconds: float, seeds: list[bytes], *, seed: int = 0) -> int:
    """Feed `target` for so long; the number of inputs. A finding is raised, with its input as a note."""
    source = random.Random(seed)
    count = 0
    end = time.monotonic() + seconds
    logging.disable()  # pytest would keep each warning: minutes of them fill the memory
    try:
        while time.monotonic() < end:
            data = mutated(source, seeds)
            count += 1
            try:
                target(data)
            except Exception as error:
                error.add_note(f"input {count} of seed {seed}: {data!r}")
                raise
    finally:
        logging.disable(logging.NOTSET)
    return count
