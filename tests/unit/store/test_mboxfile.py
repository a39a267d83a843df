"""A large mbox is read as the small one is, and what is done to it meanwhile is noticed."""

import random
from pathlib import Path

import pytest

from blaze.core.errors import TemporaryError
from blaze.core.store import atomic, mbox, mboxfile
from blaze.core.store.source import Entry, Found, Reading, iter_entries

PIECES = (
    b"From a@example.org Mon Jan  1 00:00:00 2024\n",
    b"From nowhere\n",
    b">From quoted\n",
    b">>From b Mon Jan  1 00:00:00 2024\n",
    b"\nFrom c Tue Jan  2 00:00:00 2024\nSubject: x\n\n",
    b"\r\n\r\nFrom d Tue Jan  2 00:00:00 2024\r\nSubject: x\r\n\r\n",
    b"Subject: x\n",
    b"Content-Length: 12\n",
    b"Content-Length: 40\n",
    b"\n",
    b"\r\n",
    b"text\n",
    b"long " * 30,
)


def _many(count: int = 200) -> bytes:
    mail = "From a Mon Jan  1 00:00:00 2024\nSubject: {0}\nMessage-ID: <{0}@x>\n\n" + "line {0}\n" * 9 + "\n"
    return "".join(mail.format(number) for number in range(count)).encode()


def _read(path: Path, kind: str | None = None) -> list[object]:
    reading = Reading(kind)
    found = [
        (entry.name, entry.octets, entry.offset, entry.flags) if isinstance(entry, Entry) else str(entry)
        for entry in iter_entries([f"mbox:{path}"], reading)
    ]
    return [*found, reading.doubts, reading.omitted]


@pytest.fixture
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every mbox is a large one, and windows are small."""
    monkeypatch.setattr(atomic, "SMALL", 40)
    monkeypatch.setattr(mboxfile, "WINDOW", 300)
    monkeypatch.setattr(mboxfile, "_NEAR", 80)
    monkeypatch.setattr(mboxfile, "_MARK", 20)
    monkeypatch.setattr(mbox, "_HEADER", 60)
    monkeypatch.setattr(mbox, "_HELD", 80)


@pytest.mark.parametrize("kind", [None, *mbox.KINDS])
def test_read_in_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str | None) -> None:
    chance = random.Random(4711)
    boxes = [tmp_path / f"{number}" for number in range(60)]
    for box in boxes:
        box.write_bytes(PIECES[0] + b"".join(chance.choices(PIECES, k=chance.randrange(60))))
    whole = [_read(box, kind) for box in boxes]
    monkeypatch.setattr(atomic, "SMALL", 40)
    for window in (60, 64, 71, 300):
        monkeypatch.setattr(mboxfile, "WINDOW", window)
        monkeypatch.setattr(mboxfile, "_NEAR", window - 7)
        monkeypatch.setattr(mbox, "_HEADER", window // 2)
        assert [_read(box, kind) for box in boxes] == whole


def _read_while(path: Path, change: bytes) -> list[Found]:
    """What is found when the file becomes `change`, in place, after the second message."""
    entries = iter_entries([str(path)])
    found = [next(entries), next(entries)]
    path.write_bytes(change)
    return [*found, *entries]


@pytest.mark.usefixtures("small_windows")
def test_read_cut_off_meanwhile(tmp_path: Path) -> None:
    path, box = tmp_path / "box", _many()
    for size in (0, 100, len(box) // 2, len(box) - 1):
        path.write_bytes(box)
        *whole, error = _read_while(path, box[:size])
        assert isinstance(error, TemporaryError)
        assert 2 <= len(whole) < 200
        assert all(isinstance(entry, Entry) and entry.octets in box for entry in whole)


@pytest.mark.usefixtures("small_windows")
def test_read_expunged_meanwhile(tmp_path: Path) -> None:
    """As mutt does: later messages move to the front, and then new ones come."""
    path, box = tmp_path / "box", _many()
    path.write_bytes(box)
    second = box.index(b"From ", 1)
    *whole, error = _read_while(path, box[second:] + _many(9))
    assert isinstance(error, TemporaryError)
    assert all(isinstance(entry, Entry) and entry.octets in box for entry in whole)


@pytest.mark.usefixtures("small_windows")
def test_read_added_to_meanwhile(tmp_path: Path) -> None:
    path, box = tmp_path / "box", _many()
    path.write_bytes(box)
    found = _read_while(path, box + _many(5))
    assert len(found) == 200
    assert b"".join(entry.octets for entry in found if isinstance(entry, Entry)).count(b"Subject: ") == 200


def test_read_large_message(tmp_path: Path) -> None:
    """A message of several windows, and its quoting, through a copy."""
    path = tmp_path / "box"
    body = b">From the middle\n" + b"line of a large text\n" * 500_000
    path.write_bytes(_many(3) + b"From a Mon Jan  1 00:00:00 2024\nSubject: x\n\n" + body + b"\n" + _many(2))
    found = [entry for entry in iter_entries([str(path)]) if isinstance(entry, Entry)]
    assert len(found) == 6
    assert found[3].octets == b"Subject: x\n\n" + body[1:]
