"""`blaze dmarc`: does the author's domain stand behind a message? (RFC 9989)"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from blaze.cli._app import App, Group, command, option
from blaze.cli._envelope import WORD, envelope_options, own_name
from blaze.cli._params import (
    DNS,
    Destination,
    dns_options,
    files_argument,
    is_one_of_many,
    message_argument,
    newline_option,
    now_option,
    output_options,
)
from blaze.cli._sign import write_signed
from blaze.core.errors import ConfigurationError

if TYPE_CHECKING:
    from datetime import datetime

    from blaze.core.auth.authres import AuthenticationResults, MethodResult
    from blaze.core.auth.dkim import Signable
    from blaze.core.auth.psl import PublicSuffixes
    from blaze.core.net.authenticate import Authentication, Envelope

_SUFFIX_LISTS = (
    Path("/usr/share/publicsuffix/public_suffix_list.dat"),
)  # Debian, Fedora, Arch and their kin


@command("verify", reports=True)
@option(
    "-h", "--hostname", type=WORD, metavar="AUTHSERV-ID", help="Stamp in this name.  [default: this host's]"
)
@envelope_options(required=False)
@option("--psl", is_flag=True, help="Use a public suffix list and the rules of RFC 7489, to compare.")
@option("--psl-file", metavar="FILE", help="The list for --psl.  [default: the system's]")
@newline_option(None)
@now_option
@dns_options
@output_options
@message_argument()
def _verify(
    app: App,
    hostname: str | None,
    envelope: "Envelope | None",
    spf_timeout: float,
    psl: bool,
    psl_file: str | None,
    newline: str | None,
    now: "datetime",
    dns: DNS,
    destination: Destination,
    file: str,
) -> int:
    """Check SPF, DKIM and DMARC, and stamp the results.

    An Authentication-Results field is put on top of the message. Fields that claim to come from the same
    AUTHSERV-ID, or name no server, are taken out; every other octet is kept. Without --ip there is no SPF.
    With --json the verdict is printed, with -q nothing, and the message only with -o. The exit status is 0
    for pass, 75 when the DNS could not answer, else 1.

    \b
    Examples:
      blaze dmarc verify --ip 192.0.2.1 --sender ann@example.org --helo mail.example.org mail.eml
      blaze dmarc verify --json mail.eml
      blaze dmarc verify --json --psl mail.eml
    """
    from blaze.core.auth import dkim, stamp
    from blaze.core.net import authenticate
    from blaze.core.store import source

    suffixes = _read_suffixes(psl_file) if psl or psl_file else None
    entry = source.read_message(file, with_from_line=True)
    message = dkim.Signable(entry.buffer, entry.start, entry.end)
    found = authenticate.authenticate(
        message, envelope, resolver=dns.resolver(), now=now, suffixes=suffixes, spf_timeout=spf_timeout
    )
    if app.out.json:
        app.out.record("blaze.dmarc.verify/1", {"source": entry.name, **_row(found)})
    if destination.path is not None or not (app.out.json or app.out.quiet):
        authserv_id = hostname or own_name()
        removed = stamp.find_forged(message.header, authserv_id)
        write_signed(
            app, destination, message, [_field(message, found, authserv_id)], newline, removed=removed
        )
        if removed:
            app.out.info(
                f"{len(removed)} fields that claim to come from {authserv_id} or nobody are taken out"
            )
    for line in _reasons(found):
        app.out.info(line)
    return {"pass": 0, "temperror": 75}.get(found.dmarc.status, 1)


@command("collect", reports=True)
@files_argument()
def _collect(app: App, files: tuple[str, ...]) -> None:
    """Tabulate the Authentication-Results of messages.

    What each server says is listed. Anybody may have written such a field: only those of servers you trust,
    that remove what comes from outside, mean anything. The exit status is 1 when a message has none.

    \b
    Example:
      blaze dmarc collect mail.eml
    """
    from blaze.core.auth import authres
    from blaze.core.mail import header

    for entry in app.messages(files):
        block = header.parse(entry.buffer, entry.start, entry.end)
        found = [authres.parse(field.raw) for field in block.get_all(b"authentication-results")]
        if app.out.json:
            servers = [_server(one) for one in found]
            app.out.record("blaze.dmarc.collect/1", {"source": entry.name, "servers": servers})
        elif found:
            if is_one_of_many(entry, files):
                app.out.line(app.out.style(f"==> {entry.name} <==", "dim"))
            rows = [row for one in found for row in _table_rows(one)]
            app.out.table(("server", "method", "result", "properties", "reason"), rows)
        elif not is_one_of_many(entry, files):
            app.out.warn(f"{entry.name}: there is no Authentication-Results field")
        app.note(0 if found else 1)


dmarc = Group("dmarc", help="Check whether the author's domain stands behind a message.")
for _each in (_verify, _collect):
    dmarc.add_command(_each)


def _read_suffixes(file: str | None) -> "PublicSuffixes":
    from blaze.core.auth import psl
    from blaze.core.store import octets

    path = file or next((str(path) for path in _SUFFIX_LISTS if path.exists()), None)
    if path is None:
        raise ConfigurationError(
            "there is no public suffix list on this system",
            where=str(_SUFFIX_LISTS[0]),
            hint="Install the package publicsuffix, or give --psl-file FILE.",
        )
    return psl.parse(octets.read(path)[:])


def _field(message: "Signable", found: "Authentication", authserv_id: str) -> bytes:
    from blaze.core.auth import stamp

    results = stamp.results(found.spf, found.dkim, found.dmarc)
    return stamp.results_field(authserv_id, results, newline=stamp.newline_of(message.buffer, message.header))


def _row(found: "Authentication") -> dict[str, Any]:
    verdict = found.dmarc
    return {
        "result": verdict.status.value,
        "policy": verdict.policy.value if verdict.policy else None,
        "disposition": verdict.disposition.value,
        "from": verdict.author_domain,
        "record_domain": verdict.record_domain,
        "organizational_domain": verdict.organizational_domain,
        "record": verdict.record.text if verdict.record else None,
        "dkim": [
            {
                "domain": one.signature.domain,
                "selector": one.signature.selector,
                "result": one.status.value,
                "reason": one.reason or None,
            }
            for one in found.dkim
        ],
        "spf": {
            "result": found.spf.status.value if found.spf else "none",
            "domain": found.spf.domain if found.spf else None,
            "reason": found.spf.reason if found.spf else "the client is not known",
        },
        "aligned": {"dkim": verdict.dkim_aligned, "spf": verdict.spf_aligned},
        "reason": verdict.reason,
        "notes": list(verdict.notes),
    }


def _reasons(found: "Authentication") -> list[str]:
    lines = (
        [f"SPF {found.spf.status}: {found.spf.reason}"]
        if found.spf
        else ["SPF none: the client is not known"]
    )
    lines += [f"DKIM {one.status}: {one.reason or one.signature.domain}" for one in found.dkim]
    lines.append(f"DMARC {found.dmarc.status}: {found.dmarc.reason}")
    return lines + list(found.dmarc.notes)


def _server(one: "AuthenticationResults") -> dict[str, Any]:
    results = [
        {
            "method": result.method,
            "result": result.result,
            "reason": result.reason,
            "comment": result.comment,
            "properties": _first_values(result),
            "property_list": [{"name": name, "value": value} for name, value in _named(result)],
        }
        for result in one.results
    ]
    return {"authserv_id": one.authserv_id, "results": results, "defects": list(one.defects)}


def _named(result: "MethodResult") -> list[tuple[str, str]]:
    return [(f"{kind}.{name}", value) for kind, name, value in result.properties]


def _first_values(result: "MethodResult") -> dict[str, str]:
    """The properties by name; of one that stands again the first value, which is the one that counts."""
    values: dict[str, str] = {}
    for name, value in _named(result):
        values.setdefault(name, value)
    return values


def _table_rows(one: "AuthenticationResults") -> list[tuple[str, ...]]:
    if not one.results:
        return [(one.authserv_id, "none", "", "", "")]
    return [
        (
            one.authserv_id,
            result.method,
            result.result,
            " ".join(f"{name}={value}" for name, value in _named(result)),
            result.reason or result.comment or "",
        )
        for result in one.results
    ]
