"""Any octets as an mbox: every message read, its marks too, and what is written reads back."""

from blaze.core.errors import BlazeError
from blaze.core.store import mbox, mboxwrite
from blaze.core.store.delivery import Delivery, of_entry
from blaze.core.store.source import Reading


def fuzz_mbox(data: bytes) -> None:
    for kind in (None, *mbox.KINDS):
        _read(data, kind)
        _read(b"From a Thu Jan  1 00:00:00 1970\n" + data, kind)


def _read(data: bytes, kind: str | None) -> None:
    reading = Reading(kind)
    try:
        entries = list(mbox.iter_entries("fuzz", data, reading))
    except BlazeError:
        return
    assert all(0 <= doubt.offset < len(data) for doubt in reading.doubts)
    written_kind = kind or "mboxrd"
    deliveries = [of_entry(entry) for entry in entries]
    written = b"".join(chunk for each in deliveries for chunk in mboxwrite.iter_message(each, written_kind))
    back = [of_entry(entry) for entry in mbox.iter_entries("back", written, Reading(written_kind))]
    assert [each.digest() for each in back] == [
        mboxwrite.digest_in(each, written_kind) for each in deliveries
    ]
    assert [_comparable(each) for each in back] == [_comparable(each) for each in deliveries]


def _comparable(delivery: Delivery) -> tuple[str, set[str], bool]:
    """The marks; labels come from the message's own fields, so that none is lost."""
    return (
        delivery.marks.flags,
        set(delivery.marks.labels),
        delivery.marks.is_new and "S" not in delivery.marks.flags,
    )
