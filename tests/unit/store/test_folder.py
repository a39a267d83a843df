"""A folder of .eml and its manifest."""

import os
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from blaze.core.errors import BlazeError
from blaze.core.store import folder, manifest
from blaze.core.store.delivery import Delivery, newline_of, of_octets
from blaze.core.store.flags import Marks
from blaze.core.store.manifest import Overlay, Record
from blaze.core.store.source import Entry, iter_entries

MESSAGE = b"Subject: hi\n\nHello\n"


def deliver(root: Path, *deliveries: Delivery) -> list[str]:
    with folder.Writer(str(root)) as writer:
        names = [writer.deliver(delivery) for delivery in deliveries]
        writer.commit()
    return names


def entries(root: Path) -> list[Entry]:
    return [found for found in iter_entries([f"eml:{root}"]) if not isinstance(found, BlazeError)]


def test_deliver_then_read_gives_everything_back(tmp_path: Path) -> None:
    marks = [Marks("FS", ("work", "two words", "é")), Marks(is_new=True), Marks("", ())]
    deliveries = [
        of_octets(b"%d" % number, marks=mark, date_ns=number * 10**18 + 7)
        for number, mark in enumerate(marks)
    ]
    assert deliver(tmp_path / "eml", *deliveries) == ["000001.eml", "000002.eml", "000003.eml"]
    assert [
        (entry.octets, Marks(entry.flags, entry.labels, entry.is_new), entry.date_ns)
        for entry in entries(tmp_path / "eml")
    ] == [(delivery.buffer, delivery.marks, delivery.date_ns) for delivery in deliveries]


def test_manifest_gives_the_order_and_outlives_the_files_time(tmp_path: Path) -> None:
    deliveries = [
        Delivery(MESSAGE, 0, len(MESSAGE), date_ns=5, name=name) for name in ("z.eml", "a.eml", "z.eml")
    ]
    assert deliver(tmp_path, *deliveries) == ["z.eml", "a.eml", "000001.eml"]
    (tmp_path / "new.eml").write_bytes(MESSAGE)
    os.utime(tmp_path / "z.eml", (9, 9))
    assert [(Path(entry.path).name, entry.date_ns) for entry in entries(tmp_path)][:3] == [
        ("z.eml", 5),
        ("a.eml", 5),
        ("000001.eml", 5),
    ]


def test_deliver_never_writes_over_a_file(tmp_path: Path) -> None:
    (tmp_path / "000001.eml").write_bytes(b"other")
    (tmp_path / "000002.eml").symlink_to("nowhere")
    assert deliver(tmp_path, of_octets(MESSAGE)) == ["000003.eml"]
    assert (tmp_path / "000001.eml").read_bytes() == b"other"


@pytest.mark.parametrize(
    "name", ["../x.eml", "/etc/x.eml", "..", ".eml", "a/../../x.eml", "x\n\0.eml", "é" * 300 + ".eml"]
)
@pytest.mark.parametrize("subfolder", ["", "..", "../..", "/", "a/./b", "\x1b[1m"])
def test_deliver_stays_inside_the_folder(tmp_path: Path, name: str, subfolder: str) -> None:
    root = tmp_path / "eml"
    deliver(root, Delivery(MESSAGE, 0, len(MESSAGE), name=name, folder=subfolder))
    assert [path.name for path in tmp_path.iterdir()] == ["eml"]
    assert [entry.octets for entry in entries(root)] == [MESSAGE]


@given(st.text(max_size=400))
def test_safe_name(name: str) -> None:
    safe = folder.safe_name(name)
    assert safe and "/" not in safe and "\0" not in safe and not safe.startswith(".")
    assert safe.isprintable()
    assert len(os.fsencode(safe)) <= 255
    assert folder.safe_name(safe) == safe


records = st.builds(
    Record,
    st.text(),
    st.sampled_from(["", "lf", "crlf"]),
    st.text("DFPRST"),
    st.lists(st.text()).map(tuple),
    st.none() | st.integers(-(10**18), 2**62),
    st.text(),
    is_new=st.booleans(),
)


@given(records)
def test_record_round_trip(record: Record) -> None:
    line = record.to_bytes()
    assert line.count(b"\n") == 1
    assert manifest.parse(line) == record


def test_record_keeps_octets_that_are_no_utf_8() -> None:
    record = Record("a\udcff.eml", name="\udc80")
    assert b"\\udcff" in record.to_bytes()
    assert manifest.parse(record.to_bytes()) == record


@pytest.mark.parametrize(
    "line",
    [b"", b"{", b"[]", b"null", b'{"id": 1}', b'{"name": "x"}', b"\xff", b'{"id": "x"', b"[" * 5000],
)
def test_parse_passes_over_what_is_no_record(line: bytes) -> None:
    assert manifest.parse(line) is None


@pytest.mark.parametrize(
    ("line", "record"),
    [
        (b'{"id": "x"}', Record("x")),
        (b'{"id": "x", "flags": 5, "labels": "no", "date": "soon", "new": "yes", "more": {}}', Record("x")),
        (b'{"id": "x", "labels": ["a", 1, null, "b"]}', Record("x", labels=("a", "b"))),
        (b'{"id": "x", "date": "2002-08-22T12:36:23+02:00"}', Record("x", date_ns=1030012583 * 10**9)),
        (b'{"id": "x", "date": "2002-08-22T12:36:23.5Z"}', Record("x", date_ns=1030019783_500000000)),
    ],
)
def test_parse_takes_what_makes_sense(line: bytes, record: Record) -> None:
    assert manifest.parse(line) == record


def test_torn_line_is_cut_off_before_another_follows(tmp_path: Path) -> None:
    path = tmp_path / "manifest.jsonl"
    whole = Record("a").to_bytes()
    for torn in (b"", b'{"id": "b', b"x" * 200_000):
        path.write_bytes(whole + torn)
        fd = manifest.open_for_append(str(path))
        manifest.append_record(fd, Record("c"))
        os.close(fd)
        assert [record.id for record in manifest.read_manifest(str(path))] == ["a", "c"]
    path.write_bytes(b'{"id": "b')
    os.close(manifest.open_for_append(str(path)))
    assert path.read_bytes() == b""


def test_overlay_of_nothing_is_empty(tmp_path: Path) -> None:
    overlay = Overlay(f"{tmp_path}/none")
    assert not overlay
    assert overlay.labels("x") == ()


@pytest.mark.parametrize(
    ("message", "newline"),
    [(b"A: b\r\n\r\n", "crlf"), (b"A: b\n\n", "lf"), (b"", "lf"), (b"\n", "lf"), (b"a", "lf")],
)
def test_newline_of(message: bytes, newline: str) -> None:
    assert newline_of(of_octets(message)) == newline


def test_planted_pipe_or_device_is_no_message(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.eml")
    (tmp_path / "b.eml").symlink_to("/dev/zero")
    assert [str(found) for found in iter_entries([f"eml:{tmp_path}"])] == [
        f"cannot read: not a file: {tmp_path}/a.eml",
        f"cannot read: not a file: {tmp_path}/b.eml",
    ]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-62_135_596_801, None),
        (-62_135_596_800, "0001-01-01T00:00:00Z"),
        (-1, "1969-12-31T23:59:59Z"),
        (253_402_300_799, "9999-12-31T23:59:59Z"),
        (253_402_300_800, None),
        (2**62, None),
    ],
)
def test_times_at_the_ends_of_the_calendar(seconds: int, text: str | None) -> None:
    assert manifest.format_time(seconds * 10**9) == text
    if text is not None:
        assert manifest.parse_time(text) == seconds * 10**9
