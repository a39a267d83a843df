"""What there is to know of each part of a message, as plain values for JSON."""

import hashlib
from typing import Any

from blaze.core.mail.message import Part, walk

DEFAULT_CHARSET = "us-ascii"  # of a text that names none, RFC 2046 §4.1.2


def describe(root: Part, *, with_text: bool = False) -> dict[str, Any]:
    """The part tree as nested dictionaries, with the keys that `blaze descr --json` prints.

    Offsets count from `root.start`. `size` and `sha256` are of the decoded body, which is read in chunks;
    `text` is None unless it is asked for and the part is a text: then it is held in memory as a whole.
    `defects` names each fault once, those that only decoding shows included.
    """
    described: list[dict[str, Any]] = []
    for depth, part in walk(root):
        row = _describe(part, root.start, with_text)
        del described[depth:]
        if described:
            described[-1]["parts"].append(row)
        described.append(row)
    return described[0]


def _describe(part: Part, origin: int, with_text: bool) -> dict[str, Any]:
    content_type, disposition = part.content_type, part.disposition
    is_text = content_type.type == "text"
    defects = [defect.name for defect in part.defects]
    size, digest = 0, hashlib.sha256()
    for chunk in part.iter_octets(defects):
        size += len(chunk)
        digest.update(chunk)
    decoded = part.decoded_text() if with_text and is_text else None
    if decoded:
        defects += decoded.defects
    start, end = part.body
    return {
        "type": str(content_type),
        "params": dict(content_type.params),
        "charset": content_type.params.get("charset", DEFAULT_CHARSET).lower() if is_text else None,
        "encoding": part.encoding,
        "disposition": disposition.type if disposition else None,
        "filename": part.filename,
        "id": part.content_id,
        "language": ", ".join(part.languages) or None,
        "headers": [part.header.start - origin, part.header.end - origin],
        "body": [start - origin, end - origin],
        "size": size,
        "sha256": digest.hexdigest(),
        "text": decoded.text if decoded else None,
        "parts": [],
        "defects": list(dict.fromkeys(defects)),
    }
