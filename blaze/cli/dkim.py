"""`blaze dkim`: make keys, sign, verify (RFC 6376)."""

import os
from typing import TYPE_CHECKING, Any

import click

from blaze.cli._app import App, Group, command, option
from blaze.cli._params import (
    DNS,
    DOMAIN,
    PATH,
    Destination,
    Number,
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

    from blaze.core.auth.canon import Canonicalization
    from blaze.core.auth.dkim import Result, Signable
    from blaze.core.auth.keys import PrivateKey, Record

_ALGORITHMS = click.Choice(["rsa", "ed25519"])


@command("gen", reports=True)
@option("-a", "--algorithm", type=_ALGORITHMS, default="rsa", help="The kind of key.  [default: rsa]")
@option(
    "-b",
    "--bits",
    type=Number(1),
    metavar="BITS",
    default=2048,
    help="The length of an RSA key.  [default: 2048]",
)
@option("-s", "--selector", metavar="SELECTOR", help="The name of the key within the domain.")
@option("-h", "--hostname", "domain", type=DOMAIN, metavar="DOMAIN", help="The domain that will sign.")
@option("--raw", is_flag=True, help="Print the text of the record alone, on one line.")
@output_options
@click.argument("public", metavar="[PUBLIC.pem]", required=False, type=PATH)
def _gen(
    app: App,
    algorithm: str,
    bits: int,
    selector: str | None,
    domain: str | None,
    raw: bool,
    public: str | None,
    destination: Destination,
) -> None:
    """Make a key and print the TXT record to publish.

    The private key is written to -o FILE, or to SELECTOR.DOMAIN.pem, readable by you alone; the public key to
    PUBLIC.pem if that is given. The record is printed as a line of a zone file, in strings of at most 255
    octets.

    \b
    Examples:
      blaze dkim gen -s 2026a -h example.org
      blaze dkim gen -a ed25519 -s ed2026 -h example.org -o ed2026.pem --raw
    """
    from blaze.core.auth import dkim_check, keys
    from blaze.core.auth.dkim_sign import check_name
    from blaze.core.store import atomic

    selector = check_name(selector, "selector") if selector else None
    domain = check_name(domain, "domain") if domain else None
    path = destination.path or _key_file(selector, domain)
    if public is not None and os.path.realpath(public) == os.path.realpath(path):
        raise UsageError("the private and the public key would be one file", where=path)
    for target in (path, public):
        if target is not None and not destination.force:
            atomic.refuse_existing(target)
    key = keys.generate(keys.KeyType(algorithm), bits)
    if advice := dkim_check.advise_on_length(key.public):
        app.out.warn(advice)
    atomic.write_file(path, [key.to_pem()], force=destination.force, private=True)
    if public is not None:
        atomic.write_file(public, [key.public.to_pem()], force=destination.force)
    owner = f"{selector}._domainkey" if selector else ""
    name = f"{owner}.{domain}." if owner and domain else owner
    record = keys.Record(key.public, key.type)
    if app.out.json:
        values = {"selector": selector, "domain": domain, "name": name or None}
        values |= {"record": record.to_bytes().decode(), "private_key": path, "public_key": public}
        app.out.record("blaze.dkim.gen/1", {**values, "algorithm": algorithm, "bits": key.bits})
    else:
        text = record.to_bytes().decode() if raw else dkim_check.zone_text(name, record)
        app.out.text(f"{text}\n")


def _key_file(selector: str | None, domain: str | None) -> str:
    """The file of a private key that -o does not name."""
    if not (selector and domain):
        hint = "Give -o FILE, or -s SELECTOR and -h DOMAIN."
        raise UsageError("nowhere to write the private key", hint=hint)
    return f"{selector}.{domain}.pem"


@command("check", reports=True)
@option("-p", "--private-key", "key", metavar="KEY", required=True, type=PATH, help="The private key.")
@option("-s", "--selector", metavar="SELECTOR", required=True, help="The name of the key within the domain.")
@option(
    "-h", "--hostname", "domain", type=DOMAIN, metavar="DOMAIN", required=True, help="The domain that signs."
)
@password_option()
@dns_options
def _check(app: App, key: str, selector: str, domain: str, password_file: str | None, dns: DNS) -> int:
    """Compare a private key with the published one.

    The exit status is 0 when signatures made with the key will verify, 1 when they will not, 75 when the DNS
    could not answer.

    \b
    Example:
      blaze dkim check -p 2026a.example.org.pem -s 2026a -h example.org
    """
    from blaze.core.auth import dkim_check
    from blaze.core.auth.dkim_sign import check_name

    private = read_key(app, key, password_file)
    selector = check_name(selector, "selector")
    found = dkim_check.check_published(private, selector, domain, resolver=dns.resolver())
    for note in found.notes:
        app.out.warn(note)
    if app.out.json:
        values = {"name": found.name, "result": found.status.value, "reason": found.reason or None}
        bits = found.record.public.bits if found.record and found.record.public else None
        app.out.record("blaze.dkim.check/1", {**values, "key_bits": bits})
    else:
        app.out.line(_verdict(app, found.name, found.reason))
    return _status([found.status.value])


@command("sign")
@option(
    "-s",
    "--selector",
    metavar="SELECTOR",
    multiple=True,
    required=True,
    help="The name of the key within the domain.",
)
@option(
    "-h", "--hostname", "domain", type=DOMAIN, metavar="DOMAIN", required=True, help="The domain that signs."
)
@option("-p", "--private-key", "key", metavar="KEY.pem", multiple=True, required=True, type=PATH,
        help="The private key; -s and -p may be repeated to sign twice.")  # fmt: skip
@option("-a", "--algorithm", type=_ALGORITHMS, multiple=True, help="Insist on this kind of key.")
@canonicalization_option()
@names_option
@option("--expire", metavar="SECONDS", type=Number(1), help="Let the signature expire then.")
@timestamp_option()
@password_option()
@newline_option(None)
@output_options
@message_argument()
def _sign(
    app: App,
    selector: tuple[str, ...],
    domain: str,
    key: tuple[str, ...],
    algorithm: tuple[str, ...],
    canon: "tuple[Canonicalization, Canonicalization]",
    names: list[str] | None,
    expire: int | None,
    timestamp: int,
    password_file: str | None,
    newline: str | None,
    file: str,
    destination: Destination,
) -> None:
    """Sign a message.

    The signature is put in front of the message, of which every octet is kept. From, To, Cc, Subject, Date,
    Message-ID, Reply-To, MIME-Version, Content-Type and Content-Transfer-Encoding are signed so that none can
    be added; Sender, In-Reply-To, References, List-*, Content-ID and Content-Disposition when they are there.
    From is signed also when -f does not name it.

    \b
    Examples:
      blaze dkim sign -s 2026a -h example.org -p 2026a.example.org.pem mail.eml > signed.eml
      blaze make ... | blaze dkim sign -s a -p rsa.pem -s b -p ed25519.pem -h example.org | blaze send ...
    """
    if len(selector) != len(key):
        raise UsageError("-s and -p go in pairs", where=f"{len(selector)} -s, {len(key)} -p")
    from blaze.core.auth import dkim

    pairs = [
        (_typed(read_key(app, path, password_file), path, algorithm, number), name)
        for number, (path, name) in enumerate(zip(key, selector, strict=True))
    ]
    message = read_signable(file)
    warn_of_changes(app, message)
    fields = []
    for private, name in pairs:
        expiration = timestamp + expire if expire else None
        options = dkim.Options(domain, name, *canon, names, timestamp, expiration)
        fields.append(dkim.sign(message, private, options))
    write_signed(app, destination, message, fields, newline)


@command("verify", reports=True)
@option("--fields", is_flag=True, help="List the fields that each signature covers.")
@extra_key_option
@now_option
@dns_options
@files_argument()
def _verify(
    app: App,
    fields: bool,
    extra: "dict[str, Record]",
    now: "datetime",
    dns: DNS,
    files: tuple[str, ...],
) -> None:
    """Check the signatures of messages.

    Prints a line for each signature: `[OK]: DOMAIN`, or `[ER]: DOMAIN` and the reason in brackets; -v says on
    standard error what was hashed, what may have changed and what to do; with --json it is `explanation`.
    With several messages a line begins with the message's name. A message is good, and the exit status 0,
    when one of its signatures passes; 75 when none does and the DNS could not answer.

    \b
    Examples:
      blaze dkim verify mail.eml
      blaze dkim verify -v --dns-static keys/ --offline --now 2024-05-01T00:00:00Z mail.eml
      blaze dkim verify -e test:example.org:public.pem mail.eml
    """
    from blaze.core.auth import dkim

    resolver = dns.resolver()
    for entry in app.messages(files):
        message = dkim.Signable(entry.buffer, entry.start, entry.end)
        results = dkim.verify(message, resolver=resolver, now=now, extra=extra)
        results = dkim.note_defects(message, results)
        explained = _explained(message, results) if app.out.verbose else []
        if app.out.json:
            rows = [_row(result) for result in results]
            for row, lines in zip(rows, explained, strict=False):
                row["explanation"] = lines
            app.out.record("blaze.dkim.verify/1", {"source": entry.name, "signatures": rows})
        else:
            prefix = f"{entry.name}: " if is_one_of_many(entry, files) else ""
            _print(app, results, prefix, fields)
            for result, lines in zip(results, explained, strict=False):
                app.out.info(f"{prefix}{result.signature.domain or '(no domain)'}: {result.status}")
                for line in lines:
                    app.out.info(f"  {line}")
        if not results:
            tell = app.out.info if is_one_of_many(entry, files) or app.out.json else app.out.warn
            tell(f"{entry.name}: there is no signature")
        app.note(_status([result.status.value for result in results]))


dkim = Group("dkim", help="Sign and verify messages with DKIM.")
for _each in (_gen, _check, _sign, _verify):
    dkim.add_command(_each)


def _typed(key: "PrivateKey", path: str, algorithms: tuple[str, ...], number: int) -> "PrivateKey":
    wanted = algorithms[min(number, len(algorithms) - 1)] if algorithms else key.type.value
    if key.type.value != wanted:
        raise UsageError(f"the key is {key.type}, not {wanted}", where=path)
    return key


def _print(app: App, results: "list[Result]", prefix: str, fields: bool) -> None:
    for result in results:
        signature = result.signature
        app.out.line(prefix + _verdict(app, signature.domain or "(no domain)", result.reason))
        for note in result.notes:
            app.out.warn(f"{signature.domain}: {note}")
        if fields:
            for name in dict.fromkeys(signature.headers):
                app.out.line(f"  {name}")


def _verdict(app: App, name: str, reason: str) -> str:
    if not reason:
        return f"{app.out.style('[OK]', 'green')}: {name}"
    return f"{app.out.style('[ER]', 'red')}: {name} [{reason}]"


def _explained(message: "Signable", results: "list[Result]") -> list[list[str]]:
    from blaze.core.auth.dkim_explain import explain

    return explain(message, results)


def _row(result: "Result") -> dict[str, Any]:
    signature = result.signature
    known = signature.fault is None
    return {
        "domain": signature.domain,
        "selector": signature.selector,
        "identity": signature.identity,
        "algorithm": signature.algorithm,
        "canon": signature.canonicalization if known else None,
        "headers": list(signature.headers),
        "length": signature.length,
        "timestamp": signature.timestamp,
        "expiration": signature.expiration,
        "key_bits": result.record.public.bits if result.record and result.record.public else None,
        "result": result.status.value,
        "reason": result.reason or None,
        "notes": list(result.notes),
    }


def _status(verdicts: list[str]) -> int:
    if "pass" in verdicts:
        return 0
    return 75 if "temperror" in verdicts else 1
