"""`blaze spf`: who may send mail for a domain (RFC 7208)."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from blaze.cli._app import App, Group, command, option
from blaze.cli._envelope import WORD, envelope_options, own_name
from blaze.cli._params import (
    DNS,
    DOMAIN,
    DURATION,
    Destination,
    dns_options,
    files_argument,
    is_one_of_many,
    message_argument,
    newline_option,
    now_option,
    output_options,
)
from blaze.cli._sign import read_signable, write_signed

if TYPE_CHECKING:
    from datetime import datetime

    from blaze.core.auth.spf import Result
    from blaze.core.auth.spf_analyze import Analysis
    from blaze.core.auth.spf_tree import Node
    from blaze.core.net.authenticate import Envelope


@command("check", reports=True)
@envelope_options(required=True)
@option("--record", type=WORD, metavar="TEXT", help="Try this record in place of the published one.")
@option("--trace", is_flag=True, help="Print every record and term that was looked at.")
@now_option
@dns_options
def _check(
    app: App,
    envelope: "Envelope",
    spf_timeout: float,
    record: str | None,
    trace: bool,
    now: "datetime",
    dns: DNS,
) -> int:
    """Tell whether a client may send mail for a sender.

    Prints pass, fail, softfail, neutral, none, temperror or permerror; -v says why on standard error. The
    exit status is 0 for pass, 75 for temperror, else 1.

    \b
    Examples:
      blaze spf check --ip 192.0.2.1 --sender ann@example.org
      blaze spf check --ip 192.0.2.1 --sender ann@example.org --record 'v=spf1 a mx -all' --trace
      blaze spf check --ip 2001:db8::1 --sender '<>' --helo mail.example.org
    """
    from blaze.core.auth import spf

    result = spf.check(
        envelope.ip,
        envelope.sender,
        helo=envelope.helo,
        resolver=dns.resolver().within(spf_timeout),
        now=now,
        receiver=own_name(),
        record=record.encode("utf-8", "surrogateescape") if record is not None else None,
    )
    if app.out.json:
        steps = [step._asdict() for step in result.trace]
        app.out.record("blaze.spf.check/1", {**_row(result), **({"trace": steps} if trace else {})})
    else:
        app.out.line(app.out.style(result.status, "green" if result.status == "pass" else "red"))
        for step in result.trace if trace else ():
            app.out.line(f"{'  ' * (step.depth + 1)}{_step(step.domain, step.text, step.outcome)}")
    app.out.info(result.reason)
    if result.explanation:
        app.out.info(f"{result.domain} explains: {result.explanation}")
    return _status(result.status)


@command("tree", reports=True)
@click.argument("domain", type=DOMAIN)
@dns_options
def _tree(app: App, domain: str, dns: DNS) -> int:
    """Draw a domain's policy and count its look-ups.

    Every include and redirect is followed. The number behind a term is its place among those that ask the
    DNS, and `N below` counts those in the record it leads to; ten are allowed (RFC 7208 §4.6.4), and the
    drawing goes on past that. The exit status is 1 when the limit is passed or a record is wrong.

    \b
    Example:
      blaze spf tree example.org
    """
    from blaze.core.auth import spf, spf_tree

    root = spf_tree.draw(domain, resolver=dns.resolver())
    if app.out.json:
        app.out.record("blaze.spf.tree/1", {"limit": spf.MAX_LOOKUPS, **_node(root)})
    else:
        app.out.line(f"{root.domain} [{root.problem}]" if root.problem else root.domain)
        for line in _iter_lines(root, app.out.utf_8):
            app.out.line(line)
        app.out.line(f"{root.lookups} look-ups, {spf.MAX_LOOKUPS} are allowed")
    return (
        1 if root.lookups > spf.MAX_LOOKUPS or any(node.problem for node in spf_tree.iter_nodes(root)) else 0
    )


@command("stamp")
@envelope_options(required=True)
@option(
    "-h",
    "--hostname",
    type=WORD,
    metavar="HOST",
    help="The name of the receiving host.  [default: this host's]",
)
@newline_option(None)
@now_option
@dns_options
@output_options
@message_argument()
def _stamp(
    app: App,
    envelope: "Envelope",
    spf_timeout: float,
    hostname: str | None,
    newline: str | None,
    now: "datetime",
    dns: DNS,
    destination: Destination,
    file: str,
) -> None:
    """Stamp a Received-SPF field on a message.

    It is put on top; every octet of the message is kept.

    \b
    Example:
      blaze spf stamp --ip 192.0.2.1 --sender ann@example.org --helo mail.example.org mail.eml
    """
    from blaze.core.auth import spf, spf_received, stamp

    message = read_signable(file)
    receiver = hostname or own_name()
    resolver = dns.resolver().within(spf_timeout)
    ip, sender, helo = envelope.ip, envelope.sender, envelope.helo
    result = spf.check(ip, sender, helo=helo, resolver=resolver, now=now, receiver=receiver)
    field = spf_received.build_field(
        result,
        ip,
        sender,
        helo=helo,
        receiver=receiver,
        newline=stamp.newline_of(message.buffer, message.header),
    )
    write_signed(app, destination, message, [field], newline)
    app.out.info(f"{result.status}: {result.reason}")


@command("analyze", reports=True)
@option(
    "--spf-timeout",
    type=DURATION,
    default="20s",
    help="Let the look-ups of one field take so long.  [default: 20s]",
)
@now_option
@dns_options
@files_argument()
def _analyze(app: App, spf_timeout: float, now: "datetime", dns: DNS, files: tuple[str, ...]) -> None:
    """Check the Received-SPF fields of messages again.

    Prints `ADDRESS from IP: RESULT (expected: RESULT)` for each field that tells the client and the sender;
    the sender is the Return-Path's where the field has none. Of one message the first 20 fields are checked.
    The exit status is 1 when a result differs or a message has no such field.

    \b
    Example:
      blaze spf analyze --dns-static recorded/ --offline mail.eml
    """
    from blaze.core.auth import spf_analyze
    from blaze.core.mail import header

    resolver = dns.resolver()
    for entry in app.messages(files):
        block = header.parse(entry.buffer, entry.start, entry.end)
        found = [
            spf_analyze.analyze(field, block, resolver=resolver.within(spf_timeout), now=now)
            if number < spf_analyze.MAX_FIELDS
            else spf_analyze.pass_over(field)
            for number, field in enumerate(block.get_all(b"received-spf"))
        ]
        if app.out.json:
            app.out.record(
                "blaze.spf.analyze/1", {"source": entry.name, "fields": [_analysis(one) for one in found]}
            )
        else:
            prefix = f"{entry.name}: " if is_one_of_many(entry, files) else ""
            for one in found:
                app.out.line(prefix + _analysis_line(one))
            if not found and not prefix:
                app.out.warn(f"{entry.name}: there is no Received-SPF field")
        app.note(max((_analysis_status(one) for one in found), default=1))


spf = Group("spf", help="Check, draw and stamp SPF policies.")
for _each in (_check, _tree, _stamp, _analyze):
    spf.add_command(_each)


def _row(result: "Result") -> dict[str, Any]:
    return {
        "result": result.status.value,
        "domain": result.domain,
        "mechanism": result.mechanism,
        "explanation": result.explanation,
        "lookups": result.lookups,
        "void_lookups": result.void_lookups,
        "reason": result.reason,
        "identity": result.identity.value,
    }


def _step(domain: str, text: str, outcome: str) -> str:
    return f"{domain}: {text}" if outcome == "record" else f"{text}: {outcome}"


def _status(result: str) -> int:
    return 0 if result == "pass" else 75 if result == "temperror" else 1


def _node(node: "Node") -> dict[str, Any]:
    terms = [
        {
            "term": branch.text,
            "number": branch.number or None,
            "over_limit": branch.over_limit,
            "target": _node(branch.target) if branch.target else None,
        }
        for branch in node.branches
    ]
    return {
        "domain": node.domain,
        "record": node.record,
        "problem": node.problem,
        "lookups": node.lookups,
        "terms": terms,
    }


def _iter_lines(node: "Node", utf_8: bool, indent: str = "") -> Iterator[str]:
    fork, last, bar = ("├── ", "└── ", "│   ") if utf_8 else ("|-- ", "`-- ", "|   ")
    for number, branch in enumerate(node.branches, 1):
        end = number == len(node.branches)
        target = branch.target
        below = f", {target.lookups} below" if target and target.lookups else ""
        past = ", past the limit" if branch.over_limit else ""
        counted = f" ({branch.number}{below}{past})" if branch.number else ""
        problem = f" [{target.problem}]" if target and target.problem else ""
        yield f"{indent}{last if end else fork}{branch.text}{counted}{problem}"
        if target:
            yield from _iter_lines(target, utf_8, indent + ("    " if end else bar))


def _analysis(one: "Analysis") -> dict[str, Any]:
    return {
        "sender": one.sender,
        "ip": str(one.ip) if one.ip else None,
        "helo": one.helo or None,
        "result": one.result.status.value if one.result else None,
        "expected": one.expected.value if one.expected else None,
        "reason": one.result.reason if one.result else one.problem,
    }


def _analysis_line(one: "Analysis") -> str:
    if one.result is None:
        return f"not checked: {one.problem}"
    return f"{one.sender} from {one.ip}: {one.result.status} (expected: {one.expected or 'unknown'})"


def _analysis_status(one: "Analysis") -> int:
    if one.result is None:
        return 1
    if one.result.status == one.expected:
        return 0
    return 75 if one.result.status == "temperror" else 1
