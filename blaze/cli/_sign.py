"""What `blaze dkim` and `blaze arc` share: keys from files, canonicalizations, signed messages out."""

import os
from collections.abc import Iterable
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from blaze.cli._app import App, option
from blaze.cli._clock import present
from blaze.cli._params import PATH, Destination, Number, write_result
from blaze.core.errors import BlazeError, DataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from blaze.core.auth.canon import Canonicalization
    from blaze.core.auth.dkim import Signable
    from blaze.core.auth.keys import PrivateKey, Record
    from blaze.core.mail.header import Field

_SMALL = 1 << 18  # octets of a message that is looked at whole
_MAX_LINE = 998  # octets, RFC 5322 §2.1.1
_OTHERS = 0o077  # permission bits of the group and of everybody


class Canonicalizations(click.ParamType["tuple[Canonicalization, Canonicalization]"]):
    """How the header and the body are made canonical, as `relaxed/simple`; one word is the header's."""

    name = "CANON[/CANON]"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> "tuple[Canonicalization, Canonicalization]":
        """The header's and the body's."""
        if isinstance(value, tuple):
            return value
        head, _, body = value.partition("/")
        words: dict[str, Canonicalization] = {"simple": "simple", "relaxed": "relaxed"}
        try:
            return words[head], words[body or "simple"]
        except KeyError:
            self.fail(f"{value!r} is not simple or relaxed, or two of them with a slash", param, ctx)


def canonicalization_option() -> "Callable[[Any], Any]":
    """Add `-c CANON/CANON`; the function gets `canon`, a pair."""
    return option(
        "-c",
        "--canon",
        type=Canonicalizations(),
        default="relaxed/relaxed",
        help="Canonicalize the header and the body so.  [default: relaxed/relaxed]",
    )


def names_option(function: "Callable[..., Any]") -> Any:
    """Add `-f NAME`, repeatable; the function gets `names`, a list, or None for the usual fields."""

    @option(
        "-f",
        "--field",
        "--fields",
        metavar="NAME",
        multiple=True,
        help="Sign this field; all that are given replace the usual set.",
    )
    @wraps(function)
    def wrapper(*args: Any, field: tuple[str, ...], **values: Any) -> Any:
        names = [name for text in field for name in text.split(":")] or None
        return function(*args, names=names, **values)

    return wrapper


def timestamp_option() -> "Callable[[Any], Any]":
    """Add `--timestamp T`; the function gets `timestamp`, in seconds since 1970."""
    return option(
        "--timestamp",
        metavar="T",
        type=Number(0, 999_999_999_999),
        callback=lambda _context, _option, value: int(present().timestamp()) if value is None else value,
        help="The time of signing, in seconds since 1970.  [default: now]",
    )


def extra_key_option(function: "Callable[..., Any]") -> Any:
    """Add `-e SELECTOR:DOMAIN:KEY`, repeatable; the function gets `extra`, key records by key name."""

    @option(
        "-e",
        "--extra-key",
        "--extra",
        metavar="SELECTOR:DOMAIN:KEY",
        multiple=True,
        help="Take this public key, a PEM file or base64, instead of the published one.",
    )
    @wraps(function)
    def wrapper(*args: Any, extra_key: tuple[str, ...], **values: Any) -> Any:
        return function(*args, extra=dict(map(_extra_key, extra_key)), **values)

    return wrapper


def _extra_key(text: str) -> "tuple[str, Record]":
    from blaze.core.auth import dkim, keys
    from blaze.core.store import octets

    selector, first, rest = text.partition(":")
    domain, second, value = rest.partition(":")
    if not (first and second and selector and domain and value):
        raise UsageError(f"{text!r} is not SELECTOR:DOMAIN:KEY")
    try:
        data = octets.read(value)[:] if os.path.exists(value) else value.encode()
        public = keys.parse_public(data)
        return dkim.key_name(selector.lower(), domain.lower().removesuffix(".")), keys.Record(
            public, public.type
        )
    except BlazeError as error:
        hint = error.hint or "KEY is a PEM file that exists, or the base64 of a record's p=."
        raise UsageError(f"no public key in {text!r}: {error.what}", hint=hint) from None


def password_option() -> "Callable[[Any], Any]":
    """Add `--password-file`; the function gets `password_file`."""
    return option(
        "--password-file",
        metavar="FILE",
        type=PATH,
        help="The password of encrypted keys is FILE's first line; it is asked for otherwise.",
    )


def read_key(app: App, path: str, password_file: str | None = None) -> "PrivateKey":
    """The private key in the file at `path`; a password it needs is read, or asked for on the terminal."""
    from blaze.core.auth import keys
    from blaze.core.store import octets

    buffer = octets.read(path)

    def password() -> bytes:
        if password_file is not None:
            lines = octets.read(password_file)[:].splitlines()
            return lines[0] if lines else b""
        return _ask_password(path)

    try:
        key = keys.parse_private(buffer[:], password)
    except DataError as error:
        raise DataError(error.what, where=path, hint=error.hint) from None
    if os.path.isfile(path) and os.stat(path).st_mode & _OTHERS:
        app.out.warn(f"others can read the private key {path}; chmod 600 keeps it private")
    return key


def read_signable(file: str) -> "Signable":
    """The one message in `file`, ready to be signed or stamped."""
    from blaze.core.auth.dkim import Signable
    from blaze.core.store import source

    entry = source.read_message(file, with_from_line=True)
    return Signable(entry.buffer, entry.start, entry.end)


def warn_of_changes(app: App, message: "Signable") -> None:
    """Say so when servers will change the message that is about to be signed (RFC 6376 §5.3)."""
    if _is_plainly_fit(message):
        return
    from blaze.core.mail import relay, window

    traits = relay.survey(window.iter_chunks(message.buffer, message.header.start, message.end))
    found = {
        "CRs that no LF follows": traits.bare_return,
        f"lines over {relay.MAX_LINE} octets": traits.long_line,
    }
    if any(found.values()):
        words = " and ".join(words for words, there in found.items() if there)
        app.out.warn(f"the message has {words}: mail servers will change it, and break the signature")


def _is_plainly_fit(message: "Signable") -> bool:
    """True for a small message that a look shows to be fit, which spares the import of the whole survey."""
    start, end = message.header.start, message.end
    if end - start > _SMALL:
        return False
    octets = message.buffer[start:end]
    return octets.count(b"\r") == octets.count(b"\r\n") and max(map(len, octets.split(b"\n"))) <= _MAX_LINE


def write_signed(
    app: App,
    destination: Destination,
    message: "Signable",
    fields: Iterable[bytes],
    newline: str | None,
    *,
    removed: "Sequence[Field]" = (),
) -> None:
    """Write a message with `fields` in front and without those `removed`; every other octet of it is kept
    unless `newline` (lf, crlf) is given.
    """
    from blaze.core.auth.stamp import iter_stamped

    chunks = iter_stamped(message.buffer, message.header, message.end, fields=tuple(fields), removed=removed)
    if newline is not None:
        from blaze.core.mail.compose import iter_with_newline

        chunks = iter_with_newline(chunks, b"\r\n" if newline == "crlf" else b"\n")
    write_result(app, destination, chunks, total=message.end - message.header.start)


def _ask_password(path: str) -> bytes:
    """Ask on the terminal, not on standard input: that may be the message."""
    from getpass import getpass

    try:
        with open("/dev/tty", "rb"):
            return getpass(f"Password of {path}: ").encode()
    except (OSError, EOFError):
        hint = "Give --password-file FILE, or run it on a terminal."
        raise DataError("the private key is encrypted, and there is nobody to ask", hint=hint) from None
