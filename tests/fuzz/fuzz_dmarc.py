"""Any text is a DMARC record or a From field, judged in both ways."""

from blaze.core.auth import dmarc, dmarc_record, psl
from blaze.core.auth.dmarc import Identifiers
from blaze.core.errors import BlazeError
from blaze.core.mail import header
from blaze.core.net.dns_static import StaticResolver

SUFFIXES = psl.parse(b"com\nco.uk\n*.ck\n")


def fuzz_dmarc(data: bytes) -> None:
    try:
        dmarc_record.parse(data)
        psl.parse(data)
    except BlazeError:
        pass
    record = b"txt:v=DMARC1;" + data.replace(b"\n", b" ")
    resolver = StaticResolver({"_dmarc.example.com": record, "_dmarc.com": record})
    for message in (b"From: " + data, b"From: a@b.example.com\r\n" + data):
        for suffixes in (None, SUFFIXES):
            block = header.parse(message)
            dmarc.verify(block, Identifiers("example.com"), resolver=resolver, suffixes=suffixes)
