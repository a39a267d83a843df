"""Comparing a private key with the record that publishes its public half (RFC 6376 §3.6)."""

from dataclasses import dataclass

from blaze.core.auth import keys, tags
from blaze.core.auth.dkim_signature import Signature, Status, key_name
from blaze.core.auth.dkim_verify import find_keys, record_fault
from blaze.core.auth.keys import KeyType, PrivateKey, PublicKey, Record
from blaze.core.auth.resolver import Resolver

RECOMMENDED_RSA_BITS = 2048  # RFC 8301 §3.2


@dataclass(frozen=True, slots=True)
class Published:
    """What the DNS says of a key.

    `status` is pass when a signature made with the key would verify; `name` is where the record is looked
    for; `record` the one that matches, or the first; `notes` are what the owner may want to know.
    """

    status: Status
    reason: str
    name: str
    record: Record | None = None
    notes: tuple[str, ...] = ()


def check_published(key: PrivateKey, selector: str, domain: str, *, resolver: Resolver) -> Published:
    """Compare a private key with what `selector` and `domain` publish.

    Raises:
        DataError: the domain or the selector is no name that IDNA allows.
    """
    name = key_name(selector, domain)
    signature = Signature(tags.scan(b""), domain, selector, f"@{domain}", f"{key.type}-sha256", key.type)
    found = find_keys([signature], resolver)[name]
    if found.fault:
        return Published(*found.fault, name)
    public = key.public
    for record in found.records:
        if record.public == public:
            fault = record_fault(record, signature)
            status, reason = fault or (Status.PASS, "")
            return Published(status, reason, name, record, _notes(record, len(found.records)))
    record = found.records[0]
    if record.public is not None and record.type is not key.type:
        reason = f"the record publishes a key of type {record.type}, the private key is of type {key.type}"
        return Published(Status.PERMERROR, reason, name, record)
    if fault := record_fault(record, signature):
        return Published(*fault, name, record)
    return Published(Status.FAIL, "the record at this name publishes another key", name, record)


def advise_on_length(key: PublicKey) -> str | None:
    """What to say of an RSA key that is long enough to verify, and shorter than it should be."""
    if key.type is not KeyType.RSA or key.bits >= RECOMMENDED_RSA_BITS:
        return None
    return f"the RSA key has {key.bits} bits, and should have {RECOMMENDED_RSA_BITS} (RFC 8301 §3.2)"


def zone_text(name: str, record: Record) -> str:
    """A record as zone-file text, its strings of at most 255 octets (RFC 1035 §3.3.14, §5.1).

    `name` is the owner, absolute or relative to the zone; empty for that of the line before.
    """
    strings = [f'"{part.decode()}"' for part in keys.split_strings(record.to_bytes())]
    if len(strings) == 1:
        return f"{name}\tIN\tTXT\t{strings[0]}"
    joined = "\n\t".join(strings)
    return f"{name}\tIN\tTXT\t(\n\t{joined} )"


def _notes(record: Record, count: int) -> tuple[str, ...]:
    notes = []
    if count > 1:
        notes.append(
            f"there are {count} records at this name, of which verifiers may take any (RFC 6376 §3.6.2.2)"
        )
    if record.testing:
        notes.append("the record says that the domain is only testing DKIM (t=y)")
    if record.public is not None and (note := advise_on_length(record.public)):
        notes.append(note)
    return tuple(notes)
