"""What `blaze spf`, `blaze dmarc` and `blaze recv` share: the options of the SMTP session, names."""

from collections.abc import Callable
from functools import wraps
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING, Any

import click

from blaze.cli._app import option
from blaze.core.errors import UsageError

if TYPE_CHECKING:
    from blaze.core.net.authenticate import Envelope


class IPAddress(click.ParamType["IPv4Address | IPv6Address"]):
    """An IPv4 or IPv6 address."""

    name = "IP"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> IPv4Address | IPv6Address:
        """The address; brackets and an `IPv6:` tag around it are taken off."""
        if not isinstance(value, str):
            return value  # type: ignore[no-any-return]
        try:
            return ip_address(
                value.removeprefix("[").removesuffix("]").removeprefix("IPv6:").partition("%")[0]
            )
        except ValueError:
            self.fail(f"{value!r} is no IP address", param, ctx)


class Word(click.ParamType[str]):
    """Text for an envelope or a field: no control character, which could begin another line."""

    name = "TEXT"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The text, blanks and angle brackets around it taken off."""
        value = value.strip(" ")
        if any(character < " " or character == "\x7f" for character in value):
            self.fail(f"{value!r} holds a control character", param, ctx)
        text: str = value[1:-1] if value.startswith("<") and value.endswith(">") else value
        return text


WORD = Word()


def envelope_options(*, required: bool) -> Callable[[Any], Any]:
    """Add `--ip --sender --helo --spf-timeout`; the function gets `envelope` (None without --ip) and
    `spf_timeout`.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        @option("--ip", type=IPAddress(), required=required, help="The address the message came from.")
        @option("-s", "--sender", type=WORD, metavar="ADDRESS", help="The reverse-path; <> for the null one.")
        @option("--helo", type=WORD, metavar="NAME", help="The name the client gave in HELO or EHLO.")
        @option(
            "--spf-timeout",
            type=_duration(),
            default="20s",
            help="Let the look-ups of SPF take so long together.  [default: 20s]",
        )
        @wraps(function)
        def wrapper(
            *args: Any, ip: Any, sender: str | None, helo: str | None, spf_timeout: float, **values: Any
        ) -> Any:
            envelope = _envelope(ip, sender, helo)
            return function(*args, envelope=envelope, spf_timeout=spf_timeout, **values)

        return wrapper

    return decorate


def _envelope(ip: Any, sender: str | None, helo: str | None) -> "Envelope | None":
    from blaze.core.net.authenticate import Envelope

    if ip is None:
        if sender is not None or helo is not None:
            raise UsageError("--sender and --helo say nothing without --ip")
        return None
    if not sender and not helo:
        raise UsageError(
            "nobody to ask about", hint="Give --sender ADDRESS, or --helo NAME for a null sender."
        )
    if set((sender or "").rpartition("@")[2]) & set(" <>,;"):
        raise UsageError("not an address", where=sender, hint="Write name@domain alone.")
    return Envelope(ip, sender or "", helo or "")


def _duration() -> click.ParamType[float]:
    from blaze.cli._params import DURATION

    return DURATION


def own_name() -> str:
    """The name of this host, as it calls itself; nothing is looked up."""
    import socket

    return socket.gethostname() or "localhost"
