"""How results, progress and errors look: plain, JSON or coloured. The only importer of rich and tqdm."""

import os
import sys
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from blaze.core.errors import BlazeError, InputOutputError

_STYLES = {"red": "31", "green": "32", "yellow": "33", "blue": "34", "bold": "1", "dim": "2"}
_CELL = dict.fromkeys(map(ord, "\t\r\n"), " ")  # what parts columns and rows
_CELL_WIDTH = 8  # the least for a column of a table with its border


class Output:
    """Results on standard output, everything else on standard error.

    Text is written as UTF-8, surrogate escapes as the octets they stand for. Where the output is a terminal,
    control and bidirectional characters are shown as visible escapes; a pipe gets them unchanged.
    """

    def __init__(
        self,
        *,
        quiet: bool = False,
        verbose: int = 0,
        color: str = "auto",
        utf_8: bool | None = None,
        progress: bool = True,
        json: bool = False,
    ) -> None:
        self.quiet = quiet
        self.verbose = verbose
        self.json = json
        self.is_terminal = _is_terminal(sys.stdout)
        self.utf_8 = _speaks_utf_8() if utf_8 is None else utf_8
        self.color = _wants_color(color, self.is_terminal)
        # Stands for the ESC [ of our own styles until a line is written; no data can hold it.
        self._mark = f"<{os.urandom(16).hex()}>" if self.color else ""
        self._progress = progress and not quiet and _is_terminal(sys.stderr)

    def line(self, text: str) -> None:
        """One line of a result; a newline that data brings along is shown as an escape, and begins none."""
        if "\n" in text:
            text = text.replace("\n", "\\n")
        self.text(text + "\n")

    def text(self, text: str) -> None:
        """Text of a result, its newlines its own."""
        if self.quiet:
            return
        if self.color:
            pieces = text.split(self._mark)
            text = "\x1b[".join(map(visible, pieces) if self.is_terminal else pieces)
        elif self.is_terminal:
            text = visible(text)
        _write(text.encode("utf-8", "surrogateescape"))

    def name(self, name: str, *, null: bool) -> None:
        """A name of a list, for people and scripts; with `null` NUL ends it instead of a newline."""
        if null:
            self.text(name + "\0")
        else:
            self.line(name)

    def octets(self, chunks: Iterable[bytes]) -> None:
        """A result that is a message or a part of one: byte for byte, but on a terminal as text."""
        text = VisibleText() if self.is_terminal else None
        for chunk in chunks:
            _write(text.feed(chunk) if text else chunk)
        if text:
            _write(text.finish())

    def record(self, schema: str, values: Mapping[str, Any]) -> None:
        """One JSON object on a line of its own; `schema` is its name with version (`blaze.hdr/1`)."""
        if not self.quiet:
            _write(_json({"schema": schema, **values}))

    def warn(self, text: str) -> None:
        """Something the user should know, on standard error."""
        if not self.quiet:
            self._say(f"warning: {text}")

    def remark(self, text: str) -> None:
        """Something beside the results for everyone, on standard error."""
        if not self.quiet:
            self._say(text)

    def info(self, text: str) -> None:
        """Something for those who asked with -v."""
        if self.verbose >= 1:
            self._say(text)

    def debug(self, text: str) -> None:
        """Something for those who asked with -vv."""
        if self.verbose >= 2:
            self._say(text)

    def error(self, path: str, error: BlazeError) -> None:
        """An error of the command `path` (`blaze hdr`): one line, and one with advice where there is any."""
        if self.json:
            shown = {"what": error.what, "where": error.where, "hint": error.hint, "exit": error.status}
            self._say_octets(_json({"schema": "blaze.error/1", **shown}))
        elif not self.quiet:
            self._say(f"{path}: {error}")
            if error.hint:
                self._say(error.hint)

    def style(self, text: str, *styles: str) -> str:
        """`text` in a colour or weight, when colours are on; to be written by `line` or `text`."""
        if not self.color:
            return text
        codes = ";".join(_STYLES[name] for name in styles)
        return f"{self._mark}{codes}m{text}{self._mark}0m"

    @property
    def width(self) -> int:
        """The columns of the terminal, COLUMNS before what it says; 80 where it does not say or is none."""
        if not self.is_terminal:
            return 80
        from shutil import get_terminal_size

        return get_terminal_size().columns

    @contextmanager
    def progress(self, what: str, total: int | None, unit: str = "B") -> Iterator[Callable[[int], None]]:
        """A progress bar on a terminal's standard error; yields the function that moves it on.

        `unit` is `B` for octets, which are shown scaled, or the name of what is counted.
        """
        if not self._progress:
            yield lambda _: None
            return
        from tqdm import tqdm

        counts_octets = unit == "B"
        shown = "B" if counts_octets else f" {unit}"
        with tqdm(
            desc=what,
            total=total,
            unit=shown,
            unit_scale=counts_octets,
            unit_divisor=1024,
            leave=False,
            delay=0.5,
        ) as bar:

            def advance(amount: int) -> None:
                bar.update(amount)

            yield advance

    def table(self, columns: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
        """A table: boxed by rich on a terminal, elsewhere tab-separated under a line of names.

        Where a cell has no room it is folded, never cut; where there is no room for columns there is no box.
        Tabs and newlines inside a cell become blanks, so that no cell can add a column or a row.
        """
        names = list(columns)
        if not (self.is_terminal and self.utf_8 and self.width >= _CELL_WIDTH * len(names)):
            self.line("\t".join(names))
            for row in rows:
                self.line("\t".join(cell.translate(_CELL) for cell in row))
            return
        from rich.console import Console
        from rich.table import Column, Table
        from rich.text import Text

        table = Table(*(Column(name, overflow="fold") for name in names))
        for row in rows:
            table.add_row(*(Text(visible(cell)) for cell in row))
        Console(color_system="standard" if self.color else None, width=self.width).print(table)

    def flush(self) -> None:
        """Hand over what is buffered, so that a closed pipe or a full disk is met here."""
        if sys.stdout is not None:
            try:
                sys.stdout.flush()
            except OSError as error:
                raise _named(error) from error

    def _say(self, text: str) -> None:
        # One line, whatever a file is called or a message says, so that no data can look like another.
        text = text.replace("\r", "\\r").replace("\n", "\\n")
        if _is_terminal(sys.stderr):
            text = visible(text)
        self._say_octets(text.encode("utf-8", "surrogateescape") + b"\n")

    def _say_octets(self, line: bytes) -> None:
        self.flush()
        if sys.stderr is None:
            return
        try:
            sys.stderr.buffer.write(line)
            sys.stderr.buffer.flush()
        except BrokenPipeError:
            raise
        except OSError:  # a full disk: there is nobody to tell, and the exit status still counts
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def visible(text: str) -> str:
    """`text` with whatever could steer a terminal shown as an escape (`\\x1b`, `\\u202e`).

    Newlines and tabs stay, and what text in other languages is written with: blanks of any width, the
    joiners of Persian, Indic scripts and emoji, characters younger than Python's tables.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable() or character in "\n\t" or _is_harmless(character)
        else character.encode("unicode_escape", "surrogatepass").decode("ascii")
        for character in text
    )


class VisibleText:
    """Octets of messages on their way to a terminal, in chunks cut anywhere: text that steers nothing.

    CRLF is a newline; octets that are no UTF-8 are shown as escapes, as `visible` shows the rest.
    """

    def __init__(self) -> None:
        self._decoder = getincrementaldecoder("utf-8")("surrogateescape")
        self._return = ""

    def feed(self, octets: bytes) -> bytes:
        """Take the next octets, and give what can be shown by now."""
        return self._shown(self._decoder.decode(octets))

    def finish(self) -> bytes:
        """What is left when nothing more comes."""
        rest = self._shown(self._decoder.decode(b"", final=True))
        return rest + visible(self._return).encode()

    def _shown(self, text: str) -> bytes:
        text = self._return + text
        self._return = "\r" if text.endswith("\r") else ""
        return visible(text.removesuffix("\r").replace("\r\n", "\n")).encode()


def _is_harmless(character: str) -> bool:
    from unicodedata import category

    return character in "\u200c\u200d" or category(character) in {"Zs", "Cn"}


def _json(values: Mapping[str, Any]) -> bytes:
    import json

    text = json.dumps(values, ensure_ascii=False, default=_plain)
    return text.encode("utf-8", "backslashreplace") + b"\n"


def _plain(value: Any) -> Any:
    from datetime import datetime

    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"not for JSON: {type(value).__name__}")


def _write(octets: bytes) -> None:
    if sys.stdout is None:
        raise InputOutputError("standard output is closed")
    try:
        sys.stdout.buffer.write(octets)
    except OSError as error:
        raise _named(error) from error


def _named(error: OSError) -> OSError:
    """The same error, which tells that it is standard output that could not be written."""
    return OSError(error.errno, error.strerror, "standard output")


def _is_terminal(stream: Any) -> bool:
    return stream is not None and stream.isatty()


def _speaks_utf_8() -> bool:
    return _is_terminal(sys.stdout) and (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"


def _wants_color(choice: str, is_terminal: bool) -> bool:
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR") or os.environ.get("CLICOLOR_FORCE", "0") not in ("", "0"):
        return True
    return is_terminal and os.environ.get("TERM") != "dumb" and os.environ.get("CLICOLOR") != "0"
