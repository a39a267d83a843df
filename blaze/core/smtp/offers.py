"""What a server offers, and what it says to each command: pure functions of a session's options and state."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from blaze.core import sasl
from blaze.core.smtp.commands import (
    Auth,
    Bdat,
    Command,
    Data,
    Ehlo,
    Expn,
    Helo,
    Help,
    Lhlo,
    Mail,
    Noop,
    Quit,
    Rcpt,
    Rset,
    StartTLS,
    Vrfy,
)
from blaze.core.smtp.grammar import Reply
from blaze.core.smtp.parameters import MAIL_PARAMETERS, RCPT_PARAMETERS, refuse_parameters

if TYPE_CHECKING:
    from blaze.core.smtp.server import ServerConnection

_OK = Reply(250, "OK", "2.0.0")
_SENDER_OK = Reply(250, "Sender OK", "2.1.0")
_RECIPIENT_OK = Reply(250, "Recipient OK", "2.1.5")
_NOT_OFFERED = Reply(502, "Command not offered", "5.5.1")
_UNKNOWN_HELLO = Reply(500, "Command not recognized", "5.5.1")
_TOO_BIG = Reply(552, "Message size exceeds the limit", "5.3.4")
_TOO_MANY_RECIPIENTS = Reply(452, "Too many recipients", "4.5.3")
_TOO_MANY_MESSAGES = Reply(421, "Too many messages in one session", "4.7.0")
_AUTH_REQUIRED = Reply(530, "Authentication required", "5.7.0")
_TLS_REQUIRED = Reply(530, "Must issue a STARTTLS command first", "5.7.0")
_ENCRYPTION_REQUIRED = Reply(538, "Encryption required for the mechanism", "5.7.11")
_UNKNOWN_MECHANISM = Reply(504, "Mechanism not offered", "5.5.4")
_NEEDS_SMTPUTF8 = Reply(553, "A non-ASCII address needs SMTPUTF8", "5.6.7")
_NEEDS_BDAT = Reply(503, "BODY=BINARYMIME needs BDAT", "5.5.1")
_FIXED: dict[type, Reply] = {
    Rset: _OK,
    Noop: _OK,
    Bdat: _OK,
    Mail: _SENDER_OK,
    Rcpt: _RECIPIENT_OK,
    Data: Reply(354, "End data with <CRLF>.<CRLF>"),
    Quit: Reply(221, "Bye", "2.0.0"),
    Help: Reply(214, "EHLO MAIL RCPT DATA BDAT RSET NOOP AUTH STARTTLS QUIT", "2.0.0"),
    Vrfy: Reply(252, "Send it, and see", "2.1.5"),
    Expn: Reply(502, "Lists are not shown", "5.5.1"),
    StartTLS: Reply(220, "Ready to start TLS", "2.0.0"),
}
_BEFORE_TLS = frozenset({Ehlo, Helo, Lhlo, Noop, StartTLS, Quit, Rset})

_ALWAYS_OFFERED = (
    "PIPELINING",
    "8BITMIME",
    "SMTPUTF8",
    "CHUNKING",
    "BINARYMIME",
    "DSN",
    "ENHANCEDSTATUSCODES",
)


@dataclass(frozen=True, slots=True, eq=False)
class ServerOptions:
    """How a server presents itself, and its limits. Sizes are in octets.

    One object serves all sessions: what follows from it is worked out once.
    """

    hostname: str = "localhost"
    lmtp: bool = False
    max_size: int | None = None
    max_recipients: int = 1000
    max_messages: int | None = None
    starttls: bool = False
    require_tls: bool = False
    """Refuse mail before STARTTLS."""
    mechanisms: tuple[str, ...] = ()
    """SASL mechanisms to offer."""
    require_auth: bool = False
    clear_text_auth: bool = False
    """Offer the mechanisms that hand over the secret itself outside TLS too."""
    normalize_newlines: bool = False
    """Take bare CR and LF in DATA as CRLF, where they are refused otherwise."""
    without: frozenset[str] = frozenset()
    """Extensions not to offer, by keyword."""


@functools.lru_cache(maxsize=64)
def greeting(options: ServerOptions) -> Reply:
    """The first reply of a session."""
    return Reply(220, f"{options.hostname} {'LMTP' if options.lmtp else 'ESMTP'}")


def extensions(session: "ServerConnection") -> Mapping[str, str]:
    """The extensions of this moment, with their arguments, in the order of the reply to EHLO."""
    return _offer(session.options, session.tls, session.binding is not None).extensions


class _Offer(NamedTuple):
    """What is offered in one situation, and the reply to EHLO that says so."""

    mechanisms: tuple[str, ...]
    extensions: Mapping[str, str]
    reply: Reply


@functools.lru_cache(maxsize=64)
def _offer(options: ServerOptions, is_secure: bool, is_bound: bool) -> _Offer:
    mechanisms = tuple(
        name
        for name in options.mechanisms
        if (is_secure or options.clear_text_auth or name not in sasl.CLEAR_TEXT)
        and (is_bound or not name.endswith("-PLUS"))
    )
    offered = dict.fromkeys(_ALWAYS_OFFERED, "")
    offered["SIZE"] = str(options.max_size) if options.max_size else ""
    limits = [f"RCPTMAX={options.max_recipients}"]
    if options.max_messages:
        limits.append(f"MAILMAX={options.max_messages}")
    offered["LIMITS"] = " ".join(limits)
    if options.starttls and not is_secure:
        offered["STARTTLS"] = ""
    if is_secure:
        offered["REQUIRETLS"] = ""
    if mechanisms:
        offered["AUTH"] = " ".join(mechanisms)
    extensions = {keyword: text for keyword, text in offered.items() if keyword not in options.without}
    lines = [f"{keyword} {text}" if text else keyword for keyword, text in extensions.items()]
    return _Offer(mechanisms, extensions, Reply(250, "\n".join([options.hostname, *lines])))


def mechanisms_now(session: "ServerConnection") -> tuple[str, ...]:
    """The SASL mechanisms of this moment: none that would show the secret in clear."""
    return _offer(session.options, session.tls, session.binding is not None).mechanisms


def refuse(session: "ServerConnection", command: Command) -> Reply | None:
    """The negative reply that a command in its right place deserves, or None."""
    if session.options.require_tls and not session.tls and type(command) not in _BEFORE_TLS:
        return _TLS_REQUIRED
    check = _CHECKS.get(type(command))
    return check(session, command) if check else None


def _refuse_hello(session: "ServerConnection", command: Command) -> Reply | None:
    return _UNKNOWN_HELLO if isinstance(command, Lhlo) != session.options.lmtp else None


def _refuse_mail(session: "ServerConnection", command: Command) -> Reply | None:
    assert isinstance(command, Mail)
    options = session.options
    if options.require_auth and session.identity is None:
        return _AUTH_REQUIRED
    if options.max_messages is not None and session.messages >= options.max_messages:
        return _TOO_MANY_MESSAGES
    given = command.parameters
    if given:
        if refusal := refuse_parameters(given, MAIL_PARAMETERS, session.offered):
            return refusal
        if options.max_size and int(given.get("SIZE") or 0) > options.max_size:
            return _TOO_BIG
    if not command.reverse_path.isascii() and "SMTPUTF8" not in given:
        return _NEEDS_SMTPUTF8
    return None


def _refuse_rcpt(session: "ServerConnection", command: Command) -> Reply | None:
    assert isinstance(command, Rcpt)
    if len(session.transaction.recipients) >= session.options.max_recipients:
        return _TOO_MANY_RECIPIENTS
    if command.parameters and (
        refusal := refuse_parameters(command.parameters, RCPT_PARAMETERS, session.offered)
    ):
        return refusal
    if not command.forward_path.isascii() and "SMTPUTF8" not in session.transaction.parameters:
        return _NEEDS_SMTPUTF8
    return None


def _refuse_data(session: "ServerConnection", _: Command) -> Reply | None:
    # RFC 3030 §3
    body = session.transaction.parameters.get("BODY") or ""
    return _NEEDS_BDAT if body.upper() == "BINARYMIME" else None


def _refuse_bdat(session: "ServerConnection", _: Command) -> Reply | None:
    return None if "CHUNKING" in session.offered else _NOT_OFFERED


def _refuse_starttls(session: "ServerConnection", _: Command) -> Reply | None:
    if session.tls:
        return Reply(503, "TLS is on already", "5.5.1")
    return None if session.options.starttls else _NOT_OFFERED


def _refuse_auth(session: "ServerConnection", command: Command) -> Reply | None:
    assert isinstance(command, Auth)
    if session.identity is not None:
        return Reply(503, "Authenticated already", "5.5.1")
    if not session.options.mechanisms:
        return _NOT_OFFERED
    if command.mechanism in mechanisms_now(session):
        return None
    if command.mechanism in session.options.mechanisms and command.mechanism in sasl.CLEAR_TEXT:
        return _ENCRYPTION_REQUIRED
    return _UNKNOWN_MECHANISM


_CHECKS: Mapping[type, Callable[["ServerConnection", Command], Reply | None]] = {
    Ehlo: _refuse_hello,
    Helo: _refuse_hello,
    Lhlo: _refuse_hello,
    Mail: _refuse_mail,
    Rcpt: _refuse_rcpt,
    Data: _refuse_data,
    Bdat: _refuse_bdat,
    StartTLS: _refuse_starttls,
    Auth: _refuse_auth,
}


def answer(session: "ServerConnection", command: Command) -> Reply:
    """What is said to a command that nothing speaks against."""
    fixed = _FIXED.get(type(command))
    if fixed is not None:
        return fixed
    if isinstance(command, Helo):
        return Reply(250, session.options.hostname)
    return _offer(session.options, session.tls, session.binding is not None).reply
