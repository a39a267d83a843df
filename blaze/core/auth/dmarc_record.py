"""DMARC policy records (RFC 9989 §4.7, §4.8)."""

import re
from dataclasses import dataclass
from enum import StrEnum

from blaze.core.auth import tags
from blaze.core.errors import DataError

REMOVED = frozenset({b"pct", b"rf", b"ri"})  # tags of RFC 7489 that RFC 9989 has no more
_KNOWN = frozenset(b"v p sp np adkim aspf psd t rua ruf fo".split())
_VERSION = re.compile(rb"[Vv][ \t]*=[ \t]*DMARC1[ \t]*(?:;|\Z)")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[\x21\x22-\x2b\x2d-\x3a\x3c-\x7e]+")
_FAILURE_OPTIONS = re.compile(r"[01ds](?::[01ds]){0,2}")


class Policy(StrEnum):
    """What a domain owner wants done with mail that fails, from weak to strict."""

    NONE = "none"
    QUARANTINE = "quarantine"
    REJECT = "reject"


class RecordError(DataError):
    """The text is no DMARC policy record."""


@dataclass(frozen=True, slots=True)
class Record:
    """The tags of a record as values, defaults filled in.

    `sp` and `np` are None where they are not given. `usable` is false when a policy is malformed and no
    report is asked for: then DMARC is not applied (RFC 9989 §4.10.1). `notes` tell what was ignored: removed,
    unknown, repeated and malformed tags.
    """

    text: str
    p: Policy = Policy.NONE
    sp: Policy | None = None
    np: Policy | None = None
    strict_dkim: bool = False
    strict_spf: bool = False
    psd: str = "u"
    testing: bool = False
    rua: tuple[str, ...] = ()
    ruf: tuple[str, ...] = ()
    fo: str = "0"
    usable: bool = True
    notes: tuple[str, ...] = ()


def is_record(text: bytes) -> bool:
    """True for a TXT record whose first tag is ``v=DMARC1``, the value in these letters (RFC 9989 §4.7)."""
    return bool(_VERSION.match(text))


def parse(text: bytes) -> Record:
    """Read a record. What is malformed after the version is ignored, with a note (RFC 9989 §4.7).

    Names of tags may be in any letter case, as all of an ABNF that is not marked ``%s`` (RFC 9989 §4.8).

    Raises:
        RecordError: the text does not begin with the version.
    """
    shown = text.decode("utf-8", "replace")
    if not is_record(text):
        raise RecordError("no DMARC record", where=shown[:80])
    listed = tags.scan(text, any_case=True)
    reader = _Reader(listed)
    policies = {name: reader.choice(name, tuple(Policy)) for name in ("p", "sp", "np")}
    malformed = [name for name, value in policies.items() if value is None and name.encode() in listed]
    rua = reader.uris("rua")
    if malformed:
        reader.note(
            f"{'=, '.join(malformed)}= malformed: "
            + ("taken as p=none" if rua else "the record has no effect")
        )
        policies = {"p": None, "sp": None, "np": None}
    return Record(
        shown,
        p=Policy(policies["p"] or "none"),
        sp=Policy(policies["sp"]) if policies["sp"] else None,
        np=Policy(policies["np"]) if policies["np"] else None,
        strict_dkim=reader.choice("adkim", ("r", "s")) == "s",
        strict_spf=reader.choice("aspf", ("r", "s")) == "s",
        psd=reader.choice("psd", ("u", "y", "n")) or "u",
        testing=reader.choice("t", ("n", "y")) == "y",
        rua=rua,
        ruf=reader.uris("ruf"),
        fo=reader.failure_options(),
        usable=not malformed or bool(rua),
        notes=(*reader.notes, *_general_notes(listed)),
    )


def _general_notes(listed: tags.TagList) -> list[str]:
    notes = []
    for tag in listed:
        if tag.name in REMOVED:
            notes.append(f"{tag.name.decode()}= was removed by RFC 9989 and is ignored")
        elif tag.name not in _KNOWN:
            notes.append(f"{tag.name.decode()}= is unknown and is ignored")
    notes += [
        f"{name.decode()}= stands again and is ignored there" for name in dict.fromkeys(listed.duplicates)
    ]
    notes += [f"octet {offset}: {name}, ignored" for name, offset in listed.defects if name != "empty-tag"]
    return notes


class _Reader:
    def __init__(self, listed: tags.TagList) -> None:
        self._listed = listed
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def choice(self, name: str, words: tuple[str, ...]) -> str | None:
        """The word that a tag holds in any letter case, or None when it is another or there is no such
        tag.
        """
        value = self._text(name)
        if value is None:
            return None
        word = value.lower()
        if word in words:
            return word
        if name not in ("p", "sp", "np"):
            self.note(f"{name}={value[:40]} is malformed, {words[0]} is taken")
        return None

    def uris(self, name: str) -> tuple[str, ...]:
        """The URIs of a list that are well formed (RFC 3986); a size limit of RFC 7489 is cut off."""
        value = self._text(name)
        if value is None:
            return ()
        parts = [part.strip() for part in value.split(",")]
        found = tuple(re.sub(r"![0-9]+[kmgt]?\Z", "", part) for part in parts if _URI.fullmatch(part))
        if len(found) < len(parts):
            self.note(f"{name}= holds what is no URI, ignored")
        return found

    def failure_options(self) -> str:
        """The value of `fo=` (RFC 9989 §4.7), 0 where it is missing or malformed."""
        value = self._text("fo")
        if value is None:
            return "0"
        options = value.lower().split(":")
        distinct = len(set(options)) == len(options) and not {"0", "1"} <= set(options)
        if distinct and _FAILURE_OPTIONS.fullmatch(value.lower()):
            return value.lower()
        self.note(f"fo={value[:40]} is malformed, 0 is taken")
        return "0"

    def _text(self, name: str) -> str | None:
        value = self._listed.get(name.encode())
        return None if value is None else value.decode("utf-8", "replace")
