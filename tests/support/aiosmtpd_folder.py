"""A handler for aiosmtpd that does what our sink does: each message in a file of a folder, none flushed."""

import argparse
from itertools import count
from typing import Any


class Folder:
    """`python -m aiosmtpd -c tests.support.aiosmtpd_folder.Folder DIR`."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._numbers = count(1)

    @classmethod
    def from_cli(cls, parser: argparse.ArgumentParser, *words: str) -> "Folder":
        """The handler with the folder of the command line."""
        if len(words) != 1:
            parser.error("one folder is needed")
        return cls(words[0])

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Write the message."""
        with open(f"{self._folder}/{next(self._numbers)}.eml", "wb") as file:
            file.write(envelope.content)
        return "250 OK"
