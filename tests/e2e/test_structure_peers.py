"""The parts of real messages, as mblaze and mpack see them."""

import hashlib
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from blaze.core.mail import message

pytestmark = [pytest.mark.e2e, pytest.mark.corpus]


@pytest.mark.skipif(shutil.which("mshow") is None, reason="mblaze is not installed")
def test_parts_are_those_of_mshow(corpus: list[bytes], tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.eml" for number in range(len(corpus))]
    for path, octets in zip(paths, corpus, strict=True):
        path.write_bytes(octets)
    run = subprocess.run(
        ["mshow", "-t"],
        input="".join(f"{path}\n" for path in paths).encode(),
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        check=True,
    )
    blocks = re.split(r"(?m)^(?=/)", run.stdout.decode("utf-8", "replace"))[1:]
    assert len(blocks) == len(corpus)
    for octets, block in zip(corpus, blocks, strict=True):
        if re.search(rb'(?i)boundary=[ \t]+"', octets):
            continue  # mshow wants no blank there (RFC 2045 §5.1 has none either), and finds no parts
        found = re.findall(r"(?m)^( +)\d+: (\S+)", block)
        expected = [(depth, str(part.content_type)) for depth, part in message.walk(message.parse(octets))]
        assert [(len(indent) // 2 - 1, name.lower()) for indent, name in found] == expected


@pytest.mark.skipif(shutil.which("munpack") is None, reason="mpack is not installed")
def test_attachments_are_those_of_munpack(corpus: list[bytes], tmp_path: Path) -> None:
    compared = 0
    for number, octets in enumerate(corpus):
        wanted = set()
        for _, part in message.walk(message.parse(octets)):
            defects: list[str] = []
            body = b"".join(part.iter_octets(defects))
            if part.filename and part.encoding == "base64" and not defects and body:
                wanted.add(hashlib.sha256(body).digest())
        if not wanted:
            continue
        folder = tmp_path / str(number)
        folder.mkdir()
        subprocess.run(
            ["munpack", "-q", "-f", "-C", str(folder)], input=octets, capture_output=True, check=False
        )
        found = {hashlib.sha256(path.read_bytes()).digest() for path in folder.rglob("*") if path.is_file()}
        assert wanted <= found, number
        compared += len(wanted)
    assert compared > 20
