"""`blaze send` and `blaze submit`: messages to mail exchangers, or through an account."""

from typing import TYPE_CHECKING

from blaze.cli._account import (
    LogInOptions,
    Submission,
    configured_account,
    find_log_in,
    find_submission,
    log_in_options,
    sender_of_account,
    submission_options,
    warn_of_password,
    with_account,
)
from blaze.cli._app import App, command, option
from blaze.cli._params import DNS, Number, dns_options
from blaze.cli._sending import Plan, deliver, dry_run, iter_jobs, plan_by_mx, probe, transcript_to
from blaze.cli._transport import (
    Addressed,
    Connection,
    Notification,
    connection_options,
    delivery_options,
    envelope_options,
    make_options,
    make_target,
    refuse_less_than_required,
)
from blaze.core.errors import UsageError

if TYPE_CHECKING:
    from blaze.core.net.delivery import Courier, DeliveryOptions, Target

_SMTP_PORT = 25
_LMTP_PORT = 24


@command("send", reports=True)
@envelope_options(sender="Sender or From", server="MX")
@option(
    "--port",
    type=Number(1, 65535),
    metavar="PORT",
    help="The port to connect to where MX names none.  [default: 25]",
)
@option("--socket", metavar="PATH", help="Connect to this Unix socket.")
@option("--lmtp", is_flag=True, help="Speak LMTP (RFC 2033) to MX, on port 24 where none is named.")
@delivery_options
@connection_options
@dns_options
def send(
    app: App,
    *,
    addressed: Addressed,
    server: str | None,
    hostname: str | None,
    port: int | None,
    socket: str | None,
    lmtp: bool,
    no_downgrade: bool,
    transcript: str | None,
    quit_after: str | None,
    notification: Notification,
    connection: Connection,
    dns: DNS,
) -> None:
    """Send messages straight to their mail exchangers.

    MAIL is a message or a store of messages. MX is the host[:port] or the Unix socket to send to, in place of
    the recipients' own mail exchangers; `-` prints the dialogue that would be held, and connects nowhere.

    TLS is used where a mail exchanger offers it. What the domain publishes is obeyed: TLSA records (DANE),
    else its MTA-STS policy, which is kept until its time is over. With --require-tls a message goes only to
    hosts that offer REQUIRETLS, show a certificate that holds, and are named by DNSSEC or by that policy.

    \b
    Examples:
      blaze send -s ann@example.org -r bob@example.com mail.eml
      blaze send --json --transcript log.txt outbox/ mx.example.com:2525
      blaze send -s ann@example.org mail.eml -
    """
    server = _one_server(server, socket, lmtp=lmtp)
    refuse_less_than_required(connection, notification)
    port = port or (_LMTP_PORT if lmtp else _SMTP_PORT)
    with transcript_to(app, transcript, dry=server == "-") as record:
        options = make_options(
            app,
            connection,
            hello=hostname,
            insist=connection.tls_verify or connection.pin is not None or notification.require_tls,
            record=record,
            lmtp=lmtp,
            may_change=not no_downgrade,
        )
        jobs = iter_jobs(app, addressed, notification)
        if server == "-":
            dry_run(app, jobs, options, quit_after)
            return
        target = make_target(server, port, dns, options.dial) if server is not None else None
        if quit_after:
            probe(
                app,
                jobs,
                lambda job: Plan([target], job.envelope) if target else plan_by_mx(job, port, dns),
                options,
                quit_after,
            )
        else:
            deliver(app, "blaze.send/1", jobs, _courier(target, port, dns, options))


def _one_server(server: str | None, socket: str | None, *, lmtp: bool) -> str | None:
    """The server that MX or --socket names, or None for the recipients' own."""
    if socket:
        if server is not None:
            raise UsageError("--socket and MX are two servers", where=server)
        return socket if "/" in socket else f"./{socket}"
    if lmtp and server is None:
        raise UsageError("--lmtp needs MX", hint="Name the host[:port] or the socket that speaks LMTP.")
    return server


def _courier(target: "Target | None", port: int, dns: DNS, options: "DeliveryOptions") -> "Courier":
    from blaze.core.net.delivery import HostCourier

    if target is not None:
        return HostCourier(target, options)
    import os
    import time

    from blaze.core.net.relaying import MXCourier
    from blaze.core.net.stscache import PolicyCache
    from blaze.core.settings import cache_folder

    cache = PolicyCache(f"{cache_folder(os.environ)}/mta-sts.jsonl", time.time)
    return MXCourier(dns.resolver(), options, port, offline=dns.offline, cache=cache)


@command("submit", reports=True)
@envelope_options(sender="the account's, Sender or From", server="SUBMISSION")
@log_in_options
@delivery_options
@connection_options
@dns_options
def submit(
    app: App,
    *,
    addressed: Addressed,
    server: str | None,
    hostname: str | None,
    no_downgrade: bool,
    transcript: str | None,
    quit_after: str | None,
    notification: Notification,
    who: LogInOptions,
    connection: Connection,
    dns: DNS,
) -> None:
    """Submit messages through a server that knows you.

    MAIL is a message or a store of messages. SUBMISSION is HOST[:PORT] or
    [submission|submissions|smtp|smtps]://[USER@]HOST[:PORT]; left out, it is that of the environment
    (SMTP_URL, MAIL_URL, or SMTP_HOST with SMTP_PORT and SMTP_USER) or the account's. TLS is used from the
    start on port 465, by STARTTLS elsewhere, and its certificate must hold. `-` prints the dialogue that
    would be held, and connects nowhere.

    The password comes from the options below or the account, else from netrc, SMTP_PASSWORD, or a prompt.

    \b
    Examples:
      blaze submit --account work mail.eml
      blaze submit -u ann --password-command 'pass mail' mail.eml submission://smtp.example.org
      blaze submit -u ann@gmail.com --token-command get-token mail.eml smtps://smtp.gmail.com
    """
    warn_of_password(app)
    refuse_less_than_required(connection, notification)
    account = configured_account(who.account)
    if addressed.sender is None:
        addressed = addressed._replace(sender=sender_of_account(account))
    from dataclasses import replace

    from blaze.core.net.delivery import HostCourier

    dry = server == "-"
    submission = Submission("-", 0, None, None) if dry else find_submission(server, account, who)
    connection = with_account(connection, account)
    options = submission_options(
        app, connection, submission, find_log_in(who, submission, account, connection)
    )
    with transcript_to(app, transcript, dry=dry) as record:
        options = replace(options, hello=hostname, transcript=record, may_change=not no_downgrade)
        jobs = iter_jobs(app, addressed, notification)
        if dry:
            dry_run(app, jobs, options, quit_after)
            return
        target = make_target(submission.host, submission.port, dns, options.dial)
        if quit_after:
            probe(app, jobs, lambda job: Plan([target], job.envelope), options, quit_after)
        else:
            deliver(app, "blaze.submit/1", jobs, HostCourier(target, options))
