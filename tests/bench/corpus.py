"""The corpus of the bench, as a list, as a Maildir and as an mbox."""

import functools
import lzma
import os
import re
from pathlib import Path


@functools.cache
def messages() -> list[bytes]:
    """The corpus doubled: 6,046 messages, 32 MB. `BLAZE_CORPUS` names another mboxrd, packed or not."""
    shared = os.environ.get("BLAZE_SHARED") or Path(__file__).resolve().parents[3] / "shared"
    path = Path(os.environ.get("BLAZE_CORPUS") or Path(shared) / "corpus" / "spamassassin.mbox.xz")
    data = path.read_bytes()
    if path.suffix == ".xz":
        data = lzma.decompress(data)
    found = [
        re.sub(rb"(?m)^>(>*From )", rb"\1", body) for body in re.split(rb"(?:\A|\n)From [^\n]*\n", data)[1:]
    ]
    return found * max(1, round(6046 / len(found)))


def maildir(folder: Path) -> Path:
    """The corpus as a Maildir, made once."""
    path = folder / "Maildir"
    if not path.exists():
        for name in ("cur", "new", "tmp"):
            (path / name).mkdir(parents=True)
        for number, message in enumerate(messages()):
            (path / "cur" / f"{1_000_000_000 + number}.M{number}P1.bench:2,S").write_bytes(message)
    return path


def mbox(folder: Path) -> Path:
    """The corpus as an mboxrd, made once."""
    path = folder / "bench.mbox"
    if not path.exists():
        with path.open("wb") as file:
            for message in messages():
                file.write(b"From bench@example.org Thu Jan  1 00:00:00 2026\n")
                file.write(re.sub(rb"(?m)^(>*From )", rb">\1", message).rstrip(b"\n") + b"\n\n")
    return path
