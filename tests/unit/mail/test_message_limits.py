"""Hostile messages: linear time, no recursion, flat memory, and a defect that says what was given up."""

import mmap
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from blaze.core.mail import message
from blaze.core.mail.rebuild import rebuild


def nested(depth: int) -> bytes:
    return b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(depth))


def many(count: int) -> bytes:
    return b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * count + b"--b--\n"


def without_empty_lines(count: int) -> bytes:
    """Every part looks like a header that never ends; the boundary even looks like a field name."""
    return b"Content-Type: multipart/mixed; boundary=b:\n\n" + b"--b:\nX: y\n" * count + b"--b:--\n"


def candidates(count: int) -> bytes:
    return b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\n" + b"--\n" * count + b"--b--\n"


def messages(count: int) -> bytes:
    return b"Content-Type: message/rfc822\n\n" * count


def openings(count: int) -> bytes:
    """Multiparts none of which is ever divided, each looked for in all that follows."""
    part = b"--b\nContent-Type: multipart/mixed; boundary=c\n\n--d\n"
    return b"Content-Type: multipart/mixed; boundary=b\n\n" + part * count


@pytest.mark.parametrize("make", [nested, many, without_empty_lines, candidates, messages, openings])
def test_scan_is_linear(make) -> None:
    def seconds(count: int) -> float:
        octets = make(count)
        begin = time.process_time()
        root = message.parse(octets)
        assert root.parts
        return time.process_time() - begin

    seconds(1000)
    small = min(seconds(4_000) for _ in range(3))
    assert seconds(64_000) < 16 * 4 * small + 0.5


def test_too_many_parts_keep_their_octets() -> None:
    octets = many(message.MAX_PARTS + 1000)
    root = message.parse(octets)
    assert len(root.parts) == message.MAX_PARTS - 1
    assert [defect.name for defect in root.structure.defects] == ["too-many-parts"]
    assert root.structure.close is not None
    assert root.parts[-1].end - root.parts[-1].start > 7 * 1000
    assert b"".join(rebuild(root)) == octets


def test_too_many_parts_do_not_hide_the_end_of_outer_ones() -> None:
    inner = many(message.MAX_PARTS + 10).replace(b"--b", b"--in").replace(b"=b", b"=in")
    octets = b"Content-Type: multipart/mixed; boundary=b\n\n--b\n" + inner + b"--b--\nepilogue"
    root = message.parse(octets)
    assert octets[slice(*root.epilogue)] == b"epilogue"
    assert b"".join(rebuild(root)) == octets


def test_too_deep_is_a_leaf_and_the_rest_is_read() -> None:
    octets = (
        b"Content-Type: multipart/mixed; boundary=out\n\n--out\n"
        + nested(100_000)
        + b"\n--out\n\nlast\n--out--\n"
    )
    root = message.parse(octets)
    depth, deepest = max(message.walk(root), key=lambda pair: pair[0])
    assert depth == message.MAX_DEPTH
    assert "too-deep" in [defect.name for defect in deepest.structure.defects]
    assert octets[slice(*root.parts[-1].body)] == b"last"
    assert b"".join(rebuild(root)) == octets


def test_boundary_of_10_megabytes() -> None:
    boundary = b"x" * 10_000_000
    octets = (
        b'Content-Type: multipart/mixed; boundary="'
        + boundary
        + b'"\n\n--'
        + boundary
        + b"\n\n1\n--"
        + boundary
        + b"--\n"
    )
    begin = time.process_time()
    root = message.parse(octets)
    assert root.parts == []
    assert [defect.name for defect in root.structure.defects] == ["long-boundary"]
    assert b"".join(rebuild(root)) == octets
    assert time.process_time() - begin < 5


def test_delimiter_line_with_endless_padding_is_text() -> None:
    octets = b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\n--b" + b" " * 100_000 + b"\n--b--\n"
    assert len(message.parse(octets).parts) == 1


PRELUDE = """
import mmap, sys
from blaze.core.mail import message
from blaze.core.mail.rebuild import rebuild
with open(sys.argv[1], "rb") as file:
    buffer = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
root = message.parse(buffer)
"""

PEAK = """
with open("/proc/self/status") as status:  # unlike ru_maxrss, it knows nothing of the parent
    print(*(line.split()[1] for line in status if line.startswith("VmHWM")))
"""

needs_proc = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="no /proc to read the peak memory from"
)


def peak_memory(path: Path, program: str) -> int:
    """The kilobytes that `program` needed at most, in a process of its own, with `path` mapped as `root`."""
    command = [sys.executable, "-c", PRELUDE + textwrap.dedent(program) + PEAK, str(path)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@needs_proc
def test_mapped_file_is_read_in_windows(tmp_path: Path) -> None:
    """A 200 MB attachment between two texts, through parse, rebuild, text and decoding."""
    path = tmp_path / "large.eml"
    line = b"A" * 76 + b"\n"
    with path.open("wb") as file:
        file.write(
            b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nfirst\n"
            b"--b\nContent-Transfer-Encoding: base64\n\n"
        )
        for _ in range(200):
            file.write(line * (1_000_000 // len(line)))
        file.write(b"--b\n\nlast\n--b--\n")
    program = """
        first, attachment, last = root.parts
        assert (first.text(), last.text()) == ("first", "last")
        assert sum(map(len, rebuild(root))) == len(buffer)
        assert sum(map(len, attachment.iter_octets())) > 140_000_000
    """
    assert peak_memory(path, program) < 60_000


@needs_proc
def test_endless_header_is_read_in_windows(tmp_path: Path) -> None:
    path = tmp_path / "header.eml"
    with path.open("wb") as file:
        for start in range(0, 1_000_000, 1000):
            file.write(b"".join(b"X-%d: %s\n" % (number, b"z" * 90) for number in range(start, start + 1000)))
        file.write(b"Subject: last\n\nbody")
    program = """
        assert root.text() == "body"
        assert root.header.get(b"subject").unfolded == b"last"
        assert root.header.get(b"x-missing") is None
        assert sum(map(len, rebuild(root))) == len(buffer) > 100_000_000
    """
    assert peak_memory(path, program) < 60_000


@pytest.mark.parametrize("offset", range(-6, 3))
def test_delimiter_across_the_seam_of_two_windows(tmp_path: Path, offset: int) -> None:
    from blaze.core.mail.window import WINDOW

    start = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n"
    filler = b"x" * (2 * WINDOW + offset - len(start))
    octets = start + filler + b"\r\n--b\r\n\r\nlast\r\n--b--\r\n"
    path = tmp_path / "seam.eml"
    path.write_bytes(octets)
    descriptor = os.open(path, os.O_RDONLY)
    with mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ) as buffer:
        root = message.parse(buffer)
        assert [part.body[1] - part.body[0] for part in root.parts] == [len(filler), 4]
        assert b"".join(rebuild(root)) == octets
    os.close(descriptor)


HOSTILE_VALUES = {
    "parameters": b"text/plain; boundary=b" + b"; a=b" * 2_000_000,
    "sections": b"text/plain; boundary=b" + b"; name*0*=%41" * 800_000,
    "semicolons": b"text/plain" + b";" * 10_000_000,
    "comments": b"text/plain" + b"()" * 5_000_000,
    "one comment": b"text/plain" + b"(" * 10_000_000,
    "quotes": b'text/plain; boundary="' + b"\\" * 10_000_000,
    "words": b"text/plain; name=" + b"=?utf-8?q?=C3=A9?= " * 500_000,
    "folds": b"text/plain;" + b"\n a" * 3_000_000,
}


@needs_proc
@pytest.mark.parametrize("name", HOSTILE_VALUES)
def test_10_megabytes_of_a_mime_field_cost_little(name: str, tmp_path: Path) -> None:
    fields = (b"Type", b"Disposition", b"ID")
    octets = b"".join(b"Content-%s: %s\n" % (field, HOSTILE_VALUES[name]) for field in fields)
    path = tmp_path / "hostile.eml"
    path.write_bytes(octets + b"\nbody")
    program = """
        assert len(root.content_type.params) + len(root.disposition.params) < 5
        assert len(root.content_id) < 1_000_000
        assert "long-value" in [defect.name for defect in root.defects]
        assert root.parts == []
    """
    begin = time.process_time()
    assert peak_memory(path, program) < 80_000
    assert time.process_time() - begin < 20
