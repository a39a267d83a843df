"""Received-SPF fields checked again, with what they tell of the session (RFC 7208 §9.1)."""

import re
from dataclasses import dataclass
from datetime import datetime

from blaze.core.auth import spf_received
from blaze.core.auth.resolver import Address, Resolver
from blaze.core.auth.spf import Identity, Result, Status, check
from blaze.core.mail.address import parse_list
from blaze.core.mail.header import Field, Header

MAX_FIELDS = 20
"""Fields of one message that are evaluated: anybody can write more, and each may ask for many names."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """One field: whose mail from which client it speaks of, the result it tells and the one found now.

    `sender` is the address checked, ``postmaster@`` the HELO name for a null reverse-path. `result` is None
    when the field does not tell enough; `problem` says what is missing.
    """

    sender: str | None
    ip: Address | None
    helo: str
    expected: Status | None
    result: Result | None = None
    problem: str | None = None


def analyze(field: Field, header: Header, *, resolver: Resolver, now: datetime) -> Analysis:
    """Evaluate again what one Received-SPF field of a message says.

    The sender is the field's ``envelope-from``, else the address of which its comment speaks (``domain of
    ADDRESS designates``, as large receivers write it), else the message's Return-Path; the HELO name when the
    field's identity is ``helo`` or the reverse-path is null.
    """
    told = spf_received.parse(field.raw)
    ip, helo = told.client_ip, told.helo
    sender = told.envelope_from
    if told.pairs.get("identity", "").lower() == Identity.HELO.value:
        sender = ""
    elif sender is None:
        sender = _commented(told.comment) or _return_path(header)
    problem = None
    if ip is None:
        problem = "the field has no client-ip that is an address"
    elif sender is None:
        problem = "neither the field nor a Return-Path tells the sender"
    elif not sender and not helo:
        problem = "the reverse-path is null and the field has no helo"
    shown = sender or (f"postmaster@{helo}" if helo else None)
    if problem or ip is None or sender is None:
        return Analysis(shown, ip, helo, told.result, problem=problem)
    result = check(
        ip, sender, helo=helo, resolver=resolver, now=now, receiver=told.pairs.get("receiver", "unknown")
    )
    return Analysis(shown, ip, helo, told.result, result)


def pass_over(field: Field) -> Analysis:
    """What one Received-SPF field says (RFC 7208 §9.1), not evaluated: it comes after `MAX_FIELDS` others.

    Never raises.
    """
    told = spf_received.parse(field.raw)
    problem = f"{MAX_FIELDS} fields of a message are evaluated, and this one comes after them"
    return Analysis(told.envelope_from, told.client_ip, told.helo, told.result, problem=problem)


def _commented(comment: str) -> str | None:
    match = re.search(r"\bdomain of (?:transitioning )?([^\s<>()]+@[^\s<>()]+)", comment)
    return match[1] if match else None


def _return_path(header: Header) -> str | None:
    """The reverse-path in the topmost Return-Path, None when there is none that can be read (RFC 5321
    §4.4).
    """
    field = header.get(b"return-path")
    if field is None:
        return None
    if field.unfolded.replace(b" ", b"") == b"<>":
        return ""
    mailboxes = parse_list(field.unfolded).mailboxes
    return mailboxes[0].addr_spec if len(mailboxes) == 1 else None
