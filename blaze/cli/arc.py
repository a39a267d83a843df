"""`blaze arc`: validate and seal chains (RFC 8617)."""

from typing import TYPE_CHECKING, Any

from blaze.cli._app import App, Group, command, option
from blaze.cli._params import (
    DNS,
    DOMAIN,
    PATH,
    Destination,
    dns_options,
    files_argument,
    is_one_of_many,
    message_argument,
    newline_option,
    now_option,
    output_options,
)
from blaze.cli._sign import (
    canonicalization_option,
    extra_key_option,
    names_option,
    password_option,
    read_key,
    read_signable,
    timestamp_option,
    warn_of_changes,
    write_signed,
)
from blaze.core.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from blaze.core.auth.arc import Result, SetResult
    from blaze.core.auth.canon import Canonicalization
    from blaze.core.auth.dkim import Signable
    from blaze.core.auth.keys import Record


@command("verify", reports=True)
@extra_key_option
@now_option
@dns_options
@files_argument()
def _verify(app: App, extra: "dict[str, Record]", now: "datetime", dns: DNS, files: tuple[str, ...]) -> None:
    """Validate the chains of messages.

    Prints the author and each domain that sealed the message, oldest first, with a mark of whether its seal
    holds (and, for the newest, its signature of the message); -v says why on standard error, and what changed
    the message since it was signed. With several messages a line begins with the message's name. The exit
    status is 0 when the chain passes, 1 when it fails or there is none, 75 when the DNS could not answer.

    ARC is an experiment (RFC 8617) on its way to historic: a chain says who handled the message, not whether
    they are to be trusted.

    \b
    Examples:
      blaze arc verify mail.eml
      blaze arc verify -e 2026a:example.org:public.pem mail.eml
    """
    from blaze.core.auth import arc, dkim

    resolver = dns.resolver()
    for entry in app.messages(files):
        message = dkim.Signable(entry.buffer, entry.start, entry.end)
        result = arc.verify(message, resolver=resolver, now=now, extra=extra)
        author = _author(message)
        prefix = f"{entry.name}: " if is_one_of_many(entry, files) else ""
        if app.out.json:
            values: dict[str, Any] = {"source": entry.name, "from": author, "result": result.status.value}
            values |= {"reason": result.reason or None, "oldest_pass": result.oldest_pass}
            app.out.record("blaze.arc.verify/1", {**values, "sets": [_row(one) for one in result.sets]})
        else:
            app.out.text(_drawn(app, prefix + (author or "(no author)"), result))
        _explain(app, message, result, prefix)
        app.note(75 if result.temporary else 0 if result.status.value == "pass" else 1)


@command("sign")
@option(
    "-h", "--hostname", "domain", type=DOMAIN, metavar="DOMAIN", required=True, help="The domain that seals."
)
@option("--authserv-id", metavar="ID", help="Take over the results of this server.  [default: DOMAIN]")
@option("--seal-selector", metavar="S", required=True, help="The name of the seal's key within the domain.")
@option("--seal", metavar="KEY", required=True, type=PATH, help="The private key of the seal.")
@option(
    "--signature-selector",
    metavar="S",
    help="The name of the message signature's key.  [default: the seal's]",
)
@option(
    "--signature",
    metavar="KEY",
    type=PATH,
    help="The private key of the message signature.  [default: the seal's]",
)
@names_option
@option(
    "--received",
    metavar="FILE",
    type=PATH,
    help="Validate the chain on this message: the one that was received, if it has been changed since.",
)
@canonicalization_option()
@timestamp_option()
@password_option()
@newline_option(None)
@now_option
@dns_options
@output_options
@message_argument()
def _sign(
    app: App,
    domain: str,
    authserv_id: str | None,
    seal_selector: str,
    seal: str,
    signature_selector: str | None,
    signature: str | None,
    names: list[str] | None,
    received: str | None,
    canon: "tuple[Canonicalization, Canonicalization]",
    timestamp: int,
    password_file: str | None,
    newline: str | None,
    now: "datetime",
    dns: DNS,
    file: str,
    destination: Destination,
) -> None:
    """Add a set to a message's chain.

    The chain is validated first, on --received FILE if the message has been changed since. The set is put in
    front of the message, of which every octet is kept: the results of the Authentication-Results fields of
    ID, a signature of the message, and a seal of the chain. A chain whose newest seal says that it has
    failed, or that has 50 sets, gets no more: the message is written as it is, with a warning.

    ARC is an experiment (RFC 8617) on its way to historic.

    \b
    Example:
      blaze arc sign -h example.org --seal-selector 2026a --seal 2026a.example.org.pem mail.eml
    """
    if (signature is None) != (signature_selector is None):
        raise UsageError("--signature and --signature-selector go together")
    from blaze.core.auth import arc

    seal_key = read_key(app, seal, password_file)
    signature_key = read_key(app, signature, password_file) if signature else None
    options = arc.Options(
        domain, seal_selector, signature_selector, authserv_id, *canon, names=names, timestamp=timestamp
    )
    message = read_signable(file)
    warn_of_changes(app, message)
    sealed = arc.sign(
        message,
        seal_key,
        options,
        resolver=dns.resolver(),
        now=now,
        signature_key=signature_key,
        received=read_signable(received) if received else None,
    )
    if not sealed.fields:
        app.out.warn(f"no set is added: {sealed.chain.reason}")
    elif sealed.chain.reason:
        app.out.warn(f"sealed with cv={sealed.chain.status}: {sealed.chain.reason}")
    write_signed(app, destination, message, [sealed.fields] if sealed.fields else [], newline)


arc = Group("arc", help="Validate and seal chains of handlers with ARC.")
arc.add_command(_verify)
arc.add_command(_sign)


def _author(message: "Signable") -> str | None:
    from blaze.core.mail import address

    for field in message.fields(b"from"):
        for mailbox in address.parse_list(field.raw).mailboxes:
            return mailbox.addr_spec
    return None


def _drawn(app: App, author: str, result: "Result") -> str:
    """The author and the sets, arrows between them, folded at the width."""
    good, bad = ("✓", "✗") if app.out.utf_8 else ("v", "x")
    text, width = author, len(author)
    for one in result.sets:
        holds = _holds(one, newest=one is result.sets[-1])
        mark = app.out.style(good, "green") if holds else app.out.style(bad, "red")
        name = f"{one.instance:02}:{_one_word(one.domain) or '(no domain)'}"
        added = len(f" -x-> {name}")
        if width + added > app.out.width:
            text, width = f"{text}\n ", 1
        text += f" -{mark}-> {name}"
        width += added
    return text + "\n"


def _one_word(domain: str | None) -> str | None:
    """The domain, unless it has blanks, with which it could look like another set."""
    return domain if domain is not None and len(domain.split()) == 1 else None


def _holds(one: "SetResult", *, newest: bool) -> bool:
    """True when a set's seal is good, and for the newest its signature of the message too."""
    verdicts = [one.seal, one.signature] if newest else [one.seal]
    return all(verdict is not None and verdict.status.value == "pass" for verdict in verdicts)


def _explain(app: App, message: "Signable", result: "Result", prefix: str) -> None:
    if not app.out.verbose:
        return
    from blaze.core.auth.dkim_explain import explain_failures

    broken = {
        one.instance: one.details for one in result.sets if one.details and one.details.status.value == "fail"
    }
    changes = dict(zip(broken, explain_failures(message, list(broken.values())), strict=True))
    app.out.info(f"{prefix}chain: {result.status}" + (f", {result.reason}" if result.reason else ""))
    if result.oldest_pass:
        app.out.info(f"the message was changed before i={result.oldest_pass} signed it")
    for one in result.sets:
        for name, verdict in (("seal", one.seal), ("signature", one.signature)):
            if verdict is None:
                app.out.info(f"i={one.instance} {name}: not checked")
            else:
                reason = f", {verdict.reason}" if verdict.reason else ""
                app.out.info(f"i={one.instance} {name}: {verdict.status}{reason}")
        for line in changes.get(one.instance, ()):
            app.out.info(f"  {line}")


def _row(one: "SetResult") -> dict[str, Any]:
    return {
        "instance": one.instance,
        "domain": one.domain,
        "selector": one.selector,
        "cv": one.cv,
        "seal": one.seal.status.value if one.seal else None,
        "signature": one.signature.status.value if one.signature else None,
    }
