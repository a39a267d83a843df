"""Reading messages: header fields from files, and the whole part tree with its texts."""

import email
import email.policy
import importlib.util
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path

from tests.bench import corpus
from tests.bench.frame import Row, blaze, python, spawn

STDLIB_HEADERS = """
import os, sys
from email.parser import BytesHeaderParser
parse = BytesHeaderParser().parsebytes
for entry in os.scandir(sys.argv[1]):
    with open(entry, "rb") as file:
        print(parse(file.read())["subject"])
"""


def rows(folder: Path) -> Iterator[Row]:
    yield header_fields(folder)
    yield whole_parse()


def header_fields(folder: Path) -> Row:
    maildir = corpus.maildir(folder)
    peers = {"BytesHeaderParser": spawn(python(), "-c", STDLIB_HEADERS, str(maildir / "cur"))}
    if mhdr := shutil.which("mhdr"):
        listing = "\n".join(str(path) for path in sorted((maildir / "cur").iterdir())).encode()
        peers["mhdr"] = spawn(mhdr, "-h", "subject", stdin=listing, statuses=(0, 1))
    return Row(
        "header fields of a Maildir: hdr -h subject",
        spawn(blaze(), "hdr", "-h", "subject", str(maildir), statuses=(0, 1)),
        peers,
        {"mhdr": 5.0, "BytesHeaderParser": 0.25},
    )


def whole_parse() -> Row:
    messages = corpus.messages()
    peers = {"stdlib policy.default": lambda: stdlib_texts(messages)}
    if importlib.util.find_spec("fast_mail_parser"):
        peers["fast_mail_parser"] = lambda: rust_texts(messages)
    return Row(
        "whole parse with text decoded",
        lambda: our_texts(messages),
        peers,
        {"stdlib policy.default": 1 / 12, "fast_mail_parser": 1 / 0.4},
        runs=3,
    )


def our_texts(messages: list[bytes]) -> int:
    from blaze.core.mail import message

    size = 0
    for octets in messages:
        for _, part in message.walk(message.parse(octets)):
            if part.content_type.type == "text":
                size += len(part.text())
    return size


def stdlib_texts(messages: list[bytes]) -> int:
    size = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for octets in messages:
            try:
                parsed = email.message_from_bytes(octets, policy=email.policy.default)
                for part in parsed.walk():
                    if part.get_content_maintype() == "text":
                        size += len(part.get_content())
            except Exception:  # noqa: BLE001  the peer raises on real mail; that costs it the message
                continue
    return size


def rust_texts(messages: list[bytes]) -> int:
    from fast_mail_parser import ParseError, parse_email

    size = 0
    for octets in messages:
        try:
            parsed = parse_email(octets)
            size += sum(len(text) for text in (*parsed.text_plain, *parsed.text_html))
        except ParseError:
            continue
    return size
