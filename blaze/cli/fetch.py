"""`blaze fetch`: what is new in a maildrop or an archive, brought to disk."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

import click

from blaze.cli._account import (
    LogInOptions,
    Mechanism,
    Submission,
    configured_account,
    find_log_in,
    secret_options,
    warn_of_password,
    with_account,
)
from blaze.cli._app import App, command, option
from blaze.cli._params import DNS, ENDPOINT, Number, dns_options, null_option
from blaze.cli._transport import Connection, connection_options, make_options, make_target
from blaze.core.errors import BlazeError, ConfigurationError, UsageError

if TYPE_CHECKING:
    from blaze.core.net.fetch import FetchOptions, Watcher
    from blaze.core.net.pop3 import ConnectOptions
    from blaze.core.settings.accounts import Account
    from blaze.core.store.intake import Intake, Landed
    from blaze.core.store.landing import Landing

_PORTS = {"pop3": 110, "pop3s": 995}
_FORMAT = "blaze-%s.eml"


class Where(NamedTuple):
    """Where messages go, whether they are flushed to the disk, and how their files are told."""

    format: str | None
    maildir: str | None
    mbox: str | None
    pack: str | None
    sync: bool
    null: bool
    """The names of files that are printed end with NUL."""

    @property
    def newline(self) -> str | None:
        """The newlines that programs expect there; None for those of the message."""
        return "lf" if self.maildir or self.mbox else None

    def landing(self, state: str) -> "Landing":
        """The destination, made ready; `state` is the folder of what was fetched."""
        from blaze.core.store import landing

        if self.maildir:
            return landing.MaildirLanding(self.maildir, sync=self.sync)
        if self.mbox:
            return landing.MboxLanding(self.mbox, staging=state, sync=self.sync)
        if self.pack:
            return landing.PackLanding(self.pack, sync=self.sync)
        return landing.FileLanding(self.format or landing.FORMAT, sync=self.sync)


class Maildrop(NamedTuple):
    """A POP3 server and who has mail there; the password only where the URI has one."""

    server: Submission
    password: str | None


class Source(NamedTuple):
    """One thing to fetch from: its URI, and the account it is of."""

    uri: str
    account: "Account | None"


@command("fetch", reports=True)
@option("-f", "--format", "format_", metavar="FORMAT", help=f"Call files so.  [default: {_FORMAT}]")
@option("--maildir", metavar="DIR", help="Deliver into a Maildir.")
@option("--mbox", metavar="FILE", help="Append to an mbox.")
@option("--pack", metavar="FILE", help="Add to a pack.")
@option(
    "--newline", type=click.Choice(["lf", "crlf"]), help="End lines so.  [default: lf in Maildir and mbox]"
)
@option("--exclude", metavar="[pop3:]UID", multiple=True, help="Leave this message alone; may be repeated.")
@option("--keep", is_flag=True, help="Leave messages on the server; this is the default.")
@option(
    "--delete", is_flag=True, help="Delete from the server what is safe on disk, now or since earlier runs."
)
@option(
    "--delete-after",
    type=Number(0, kind=float),
    metavar="DAYS",
    help="Delete what was fetched so many days ago.",
)
@option(
    "--new", "only_new", is_flag=True, help="Leave what is there at the first run; fetch what comes later."
)
@option("--limit", type=Number(1), metavar="N", help="Fetch at most N messages, the oldest first.")
@option("--max-size", type=Number(1), metavar="OCTETS", help="Leave larger messages on the server.")
@option("--headers-only", is_flag=True, help="Fetch headers alone (TOP).")
@option("--no-sync", is_flag=True, help="Do not wait until messages are on the disk; faster, less safe.")
@null_option
@option(
    "--account", "accounts", metavar="NAME", multiple=True, help="Fetch for this account; may be repeated."
)
@secret_options(Mechanism("APOP", "USER"))
@connection_options
@dns_options
@click.argument("uris", metavar="[URI]...", nargs=-1)
def fetch(
    app: App,
    *,
    uris: tuple[str, ...],
    format_: str | None,
    maildir: str | None,
    mbox: str | None,
    pack: str | None,
    newline: str | None,
    exclude: tuple[str, ...],
    keep: bool,
    delete: bool,
    delete_after: float | None,
    only_new: bool,
    limit: int | None,
    max_size: int | None,
    headers_only: bool,
    no_sync: bool,
    null: bool,
    accounts: tuple[str, ...],
    who: LogInOptions,
    connection: Connection,
    dns: DNS,
) -> None:
    """Fetch new messages from a POP3 maildrop or a public archive.

    URI is pop3://[USER@]HOST[:PORT] or pop3s://..., or a public-inbox archive: git://, https:// or ssh://, or
    the path of one. Without URI, every account of the configuration that has `fetch = "URI"` is fetched from.
    What was fetched before is not fetched again; nothing is deleted that is not safe on disk. FORMAT has one
    %s, which becomes the message's unique-id. Each file written is printed.

    \b
    Examples:
      blaze fetch pop3s://ann@pop.example.org --maildir ~/Mail --password-command 'pass mail'
      blaze fetch --account work --mbox inbox --delete-after 30
      blaze fetch https://public-inbox.org/meta --maildir meta
    """
    from blaze.core.net.fetch import FetchOptions

    warn_of_password(app)
    if keep + delete + (delete_after is not None) > 1:
        raise UsageError("--keep, --delete and --delete-after exclude each other")
    if headers_only and (delete or delete_after is not None):
        raise UsageError("--headers-only leaves the messages on the server: nothing may be deleted")
    if sum(target is not None for target in (format_, maildir, mbox, pack)) > 1:
        raise UsageError("--format, --maildir, --mbox and --pack exclude each other")
    where = Where(format_, maildir, mbox, pack, not no_sync, null)
    options = FetchOptions(
        delete=delete,
        delete_after=delete_after,
        only_new=only_new,
        limit=limit,
        max_size=max_size,
        headers_only=headers_only,
        exclude=frozenset(uid.removeprefix("pop3:") for uid in exclude),
        newline=newline or where.newline,
    )
    for source in find_sources(uris, accounts):
        try:
            if not source.uri.lower().startswith(("pop3://", "pop3s://")):
                _fetch_archive(app, source.uri, options, where)
                continue
            drop = parse_maildrop(app, source)
            way = connect_options(app, drop, source, who, connection)
            _fetch_maildrop(app, drop, options, where, way, dns)
        except BlazeError as error:
            app.report(error)


def find_sources(uris: tuple[str, ...], accounts: tuple[str, ...]) -> Iterator[Source]:
    """What to fetch from: the URIs given, the accounts named, or every account that has a maildrop.

    Raises:
        ConfigurationError: there is nothing, or an account has no `fetch`.
    """
    from blaze.core.settings import config_path, place, read_config
    from blaze.core.settings.accounts import accounts_to_fetch

    if uris:
        account = configured_account(accounts[0]) if accounts else None
        yield from (Source(uri, account) for uri in uris)
        return
    path = config_path(os.environ)
    found = [configured_account(name) for name in accounts] or accounts_to_fetch(
        read_config(os.environ), path
    )
    if not found:
        hint = 'Name a URI, or give an [account.NAME] of the configuration fetch = "pop3s://USER@HOST".'
        raise ConfigurationError("nothing to fetch from", hint=hint)
    for account in found:
        if account is None or account.fetch is None:
            name = account.name if account else ""
            where = place(f"account.{name}", path)
            raise ConfigurationError("the account has no maildrop", where=where, hint='Add fetch = "URI".')
        yield Source(account.fetch, account)


def parse_maildrop(app: App, source: Source) -> Maildrop:
    """Read `pop3[s]://[USER[:PASSWORD]@]HOST[:PORT]`; `recent:NAME` is a user's name (Gmail).

    Raises:
        UsageError: it is no such thing.
    """
    scheme, _, rest = source.uri.partition("://")
    user, at, endpoint = rest.rstrip("/").rpartition("@")
    host, port = ENDPOINT.convert(endpoint, None, None)
    if not host or "/" in endpoint:
        raise UsageError("not the URI of a maildrop", where=endpoint, hint="Write pop3s://USER@HOST[:PORT].")
    password = None
    if at and ":" in user and not user.lower().startswith("recent:"):
        user, _, password = user.partition(":")
        app.out.warn("a password on the command line is visible to other users; use --password-file")
    port = port or _PORTS[scheme.lower()]
    tls = "implicit" if scheme.lower() == "pop3s" else "starttls"
    name = unquote(user) or (source.account.user if source.account else None)
    return Maildrop(Submission(host, port, tls, name), unquote(password) if password else None)


def connect_options(
    app: App, drop: Maildrop, source: Source, who: LogInOptions, connection: Connection
) -> "ConnectOptions":
    """How to talk to the server: inside TLS with a certificate that holds, or `--insecure`.

    Raises:
        UsageError: TLS was forbidden or made optional, and `--insecure` not given.
        ConfigurationError: nobody is named to log in as, or the secret cannot be read.
    """
    from blaze.core.net.pop3 import REPLY_TIMEOUT, ConnectOptions

    server = drop.server
    if connection.tls in ("none", "opportunistic") and not connection.insecure:
        raise UsageError(
            f"--tls {connection.tls} may let the password go in clear", hint="Say --insecure to allow it."
        )
    if drop.password is not None and who.password is None:
        who = who._replace(password=drop.password)
    connection = with_account(connection, source.account)
    log_in = find_log_in(who, server, source.account, connection, variable="POP3_PASSWORD")
    if log_in is None:
        raise ConfigurationError("nobody to log in as", where=server.host, hint="Name a user with -u.")
    general = make_options(app, connection, hello=None, insist=not connection.insecure)
    return ConnectOptions(
        tls="starttls" if connection.tls == "opportunistic" else connection.tls or server.tls or "starttls",
        insecure=connection.insecure,
        tls_options=general.tls_options,
        dial=general.dial,
        timeout=REPLY_TIMEOUT if connection.timeout is None else connection.timeout,
        log_in=log_in,
        warn=app.out.warn,
        inform=app.out.info,
    )


def _fetch_maildrop(
    app: App, drop: Maildrop, options: "FetchOptions", where: Where, connect: "ConnectOptions", dns: DNS
) -> None:
    from blaze.core.net.fetch import Fetch
    from blaze.core.net.pop3 import open_session

    assert connect.log_in
    server = drop.server
    endpoint = f"{f'[{server.host}]' if ':' in server.host else server.host}:{server.port}"
    place = f"pop3://{connect.log_in.credentials.user}@{endpoint}"
    target = make_target(endpoint, server.port, dns, connect.dial)
    session = open_session(target, connect)
    try:
        with (
            intake_for(app, place, where, part="headers-" if options.headers_only else "") as intake,
            watcher_for(app, endpoint) as watcher,
        ):
            Fetch(session, intake, options, watcher).run()
    finally:
        session.close()


def _fetch_archive(app: App, uri: str, options: "FetchOptions", where: Where) -> None:
    from blaze.core.net.archive import Archive, ArchiveFetch, locate
    from blaze.core.settings import state_folder

    if options.delete or options.delete_after is not None or options.headers_only:
        raise UsageError("from an archive nothing can be deleted, and messages come whole", where=uri)
    place = locate(uri)
    with intake_for(app, place.uri, where) as intake, watcher_for(app, uri) as watcher:
        archive = Archive(place, f"{state_folder(os.environ)}/archives", inform=watcher.inform)
        ArchiveFetch(archive, intake, options, watcher).run()


@contextmanager
def intake_for(app: App, place: str, where: Where, part: str = "") -> "Iterator[Intake]":
    """What takes messages in from `place`, and tells of each."""
    from blaze.core.settings import state_folder
    from blaze.core.store.intake import Intake
    from blaze.core.store.ledger import Ledger, file_name

    printed: set[str] = set()

    def landed(message: "Landed") -> None:
        if app.out.json:
            app.out.record("blaze.fetch/1", {"source": place, **message._asdict()})
        elif message.path not in printed:
            app.out.name(message.path, null=where.null)
        app.out.debug(f"{message.uid} of {message.size} octets: {message.path}")
        if where.mbox or where.pack:
            printed.add(message.path)

    path = f"{state_folder(os.environ)}/fetch/{part}{file_name(place)}"
    with Ledger(path, sync=where.sync) as ledger:
        destination = where.landing(os.path.dirname(path))
        try:
            yield Intake(ledger, destination, landed)
        finally:
            destination.close()


@contextmanager
def watcher_for(app: App, what: str) -> "Iterator[Watcher]":
    """Who shows how the work goes: a bar of messages and one of octets, once their number is known."""
    from contextlib import ExitStack

    from blaze.core.net.fetch import Watcher

    bars: list[Callable[[int], None]] = []
    with ExitStack() as stack:

        def planned(count: int, octets: int) -> None:
            app.out.info(f"{count} messages to fetch from {what}")
            if count:
                bars[:] = [
                    stack.enter_context(app.out.progress(f"{what}: messages", count, "message")),
                    stack.enter_context(app.out.progress(f"{what}: octets", octets or None)),
                ]

        yield Watcher(
            planned=planned,
            received=lambda octets: bars[1](octets),
            fetched=lambda: bars[0](1),
            failed=app.report,
            inform=app.out.info,
        )
