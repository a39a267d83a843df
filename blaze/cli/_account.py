"""Where `submit` and `sendmail` submit to, and how they log in: options, environment, account, prompt."""

import os
import sys
from collections.abc import Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from blaze.cli._app import App, option
from blaze.cli._params import ENDPOINT
from blaze.cli._transport import PIN, SENDER, Connection, make_options
from blaze.core.errors import AuthenticationError, ConfigurationError, UsageError

if TYPE_CHECKING:
    from blaze.core.net.delivery import DeliveryOptions, LogIn
    from blaze.core.settings.accounts import Account
    from blaze.core.settings.secrets import SecretSources

SUBMISSION_PORT = 587
SUBMISSIONS_PORT = 465
_PORTS = {
    "submission": SUBMISSION_PORT,
    "submissions": SUBMISSIONS_PORT,
    "smtp": 25,
    "smtps": SUBMISSIONS_PORT,
}


class Submission(NamedTuple):
    """A server to submit to; `tls` is None where nothing but the port tells.

    `password` is there only where the environment names the server with it.
    """

    host: str
    port: int
    tls: str | None
    user: str | None
    password: str | None = None


class LogInOptions(NamedTuple):
    """The options that say who logs in, and how."""

    account: str | None
    username: str | None
    password: str | None
    password_file: str | None
    password_command: str | None
    token_command: str | None
    keyring: bool
    auth: str | None

    @property
    def sources(self) -> "SecretSources":
        """Where the options say that the secret is."""
        from blaze.core.settings.secrets import SecretSources

        return SecretSources(
            self.password, self.password_file, self.password_command, self.token_command, self.keyring
        )


class Mechanism(click.ParamType[str]):
    """The name of a SASL mechanism, or of a log-in that a protocol has beside them."""

    name = "MECH"

    def __init__(self, *others: str) -> None:
        self._others = others

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name in upper case."""
        from blaze.core.sasl import MECHANISMS

        known = (*MECHANISMS, *self._others)
        if value.upper() not in known:
            self.fail(f"{value!r} is none of {', '.join(known)}", param, ctx)
        return str(value.upper())


def log_in_options(function: Callable[..., Any]) -> Any:
    """Add the options of the account and its secret; the function gets them as `who`, a `LogInOptions`."""

    chosen = option("--account", metavar="NAME", help="Submit through this account of the configuration.")
    return chosen(secret_options(Mechanism())(function))


def secret_options(mechanism: Mechanism) -> Callable[[Callable[..., Any]], Any]:
    """Add the options that say who logs in; the function gets them as `who`, with the `account` if any."""
    return lambda function: _secret_options(function, mechanism)


def _secret_options(function: Callable[..., Any], mechanism: Mechanism) -> Any:
    @option("-u", "--username", metavar="USER", help="Log in as USER.")
    @option(
        "-p",
        "--password",
        metavar="PASSWORD",
        help="The password; other users can see it there, so rather use one of the next.",
    )
    @option("--password-file", metavar="FILE", help="Read the password from the first line of FILE.")
    @option("--password-command", metavar="COMMAND", help="Run COMMAND; its first line is the password.")
    @option("--token-command", metavar="COMMAND", help="Run COMMAND; its first line is an OAuth 2 token.")
    @option("--keyring", is_flag=True, help="Ask the system's keyring for the password.")
    @option("--auth", type=mechanism, help="Log in by this mechanism.  [default: the strongest]")
    @wraps(function)
    def wrapper(*args: Any, **values: Any) -> Any:
        taken = {name: values.pop(name, None) for name in LogInOptions._fields}
        return function(*args, who=LogInOptions(**taken), **values)

    return wrapper


def warn_of_password(app: App) -> None:
    """Say that a password on the command line is seen by others."""
    if click.get_current_context().get_parameter_source("password") is click.core.ParameterSource.COMMANDLINE:
        app.out.warn("a password on the command line is visible to other users; use --password-file")


def configured_account(name: str | None) -> "Account | None":
    """The account of the configuration that is called `name`, or the one to use by default.

    Raises:
        ConfigurationError: there is no such account, or it holds what makes no sense.
    """
    from blaze.core.settings import config_path, read_config
    from blaze.core.settings.accounts import find_account

    account = find_account(read_config(os.environ), name, config_path(os.environ))
    if account and account.pin:
        _check_setting(PIN, account, "pin", account.pin)
    return account


def sender_of_account(account: "Account | None") -> str | None:
    """The reverse-path that the account names, in the form of the envelope.

    Raises:
        ConfigurationError: it is no address.
    """
    if account is None or account.sender is None:
        return None
    sender = account.sender
    if sender and "@" not in sender and account.domain:
        sender = f"{sender}@{account.domain}"
    return _check_setting(SENDER, account, "from", sender)


def _check_setting(kind: click.ParamType[str], account: "Account", key: str, value: str) -> str:
    try:
        return kind.convert(value, None, None)
    except click.UsageError as error:
        from blaze.core.settings import config_path, place

        where = place(f"account.{account.name}", config_path(os.environ))
        raise ConfigurationError(f"{key}: {error.message}", where=where) from None


def find_submission(text: str | None, account: "Account | None", who: LogInOptions) -> Submission:
    """The server: `text` where it is given, else the environment's unless `--account` was, else the
    account's.

    Raises:
        UsageError: `text` is no such thing.
        ConfigurationError: there is none.
    """
    if text is not None:
        return parse_submission(text)
    if who.account is None and (found := submission_of(os.environ)):
        return found
    if account is not None and account.host:
        port = account.port or (SUBMISSIONS_PORT if account.tls == "implicit" else SUBMISSION_PORT)
        return Submission(account.host, port, account.tls, account.user)
    raise ConfigurationError(
        "no server to submit to",
        hint="Name one as HOST[:PORT], in SMTP_URL, or in an account of the configuration: --account NAME"
        " or default-account chooses it.",
    )


def parse_submission(text: str) -> Submission:
    """Read `[submission|submissions|smtp|smtps]://[USER@]HOST[:PORT]` or `HOST[:PORT]`."""
    submission = _read_submission(text)
    if submission.password is not None:
        raise UsageError(
            "a password does not belong in the address of a server",
            hint="Use --password-file, or the variable SMTP_PASSWORD.",
        )
    return submission


def _read_submission(text: str) -> Submission:
    from urllib.parse import unquote

    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = "submission", text
    if scheme.lower() not in _PORTS:
        raise UsageError(f"{scheme}:// is no submission", hint=f"Use one of {', '.join(_PORTS)}.")
    who, _, endpoint = rest.rstrip("/").rpartition("@")
    user, colon, password = who.partition(":")
    host, port = ENDPOINT.convert(endpoint, None, None)
    if not host:
        raise UsageError("no host", where=endpoint or None)
    port = port or _PORTS[scheme.lower()]
    implicit = scheme.lower() in ("submissions", "smtps") or port == SUBMISSIONS_PORT
    tls = "implicit" if implicit else None
    return Submission(host, port, tls, unquote(user) or None, unquote(password) if colon else None)


def submission_of(environ: Mapping[str, str]) -> Submission | None:
    """The server that SMTP_URL, MAIL_URL, or SMTP_HOST with SMTP_PORT and SMTP_USER name.

    The URLs may have the password too: `smtps://USER:PASSWORD@HOST`.
    """
    if url := environ.get("SMTP_URL") or environ.get("MAIL_URL"):
        return _read_submission(url)
    if not (host := environ.get("SMTP_HOST")):
        return None
    port = environ.get("SMTP_PORT", "")
    found = parse_submission(f"{host}:{port}" if port else host)
    return found._replace(user=environ.get("SMTP_USER") or None)


def with_account(connection: Connection, account: "Account | None") -> Connection:
    """The connection options, completed by what the account says of the server's certificate."""
    if account is None:
        return connection
    pin = connection.pin or (None if connection.insecure else account.pin)
    return connection._replace(cafile=connection.cafile or account.cafile, pin=pin)


def submission_options(
    app: App, connection: Connection, server: Submission, log_in: "LogIn | None"
) -> "DeliveryOptions":
    """How to talk to a submission server: inside TLS with a certificate that holds, or `--insecure`.

    Raises:
        UsageError: TLS was forbidden or made optional, and `--insecure` not given.
    """
    wanted = connection.tls or server.tls or ("opportunistic" if connection.insecure else "starttls")
    if wanted in ("none", "opportunistic") and not connection.insecure:
        said = f"--tls {wanted}" if connection.tls else f"tls = {wanted!r} of the account"
        raise UsageError(f"{said} may let the password go in clear", hint="Say --insecure to allow it.")
    return make_options(
        app, connection._replace(tls=wanted), hello=None, insist=not connection.insecure, log_in=log_in
    )


def find_log_in(
    who: LogInOptions,
    server: Submission,
    account: "Account | None",
    connection: Connection,
    *,
    variable: str = "SMTP_PASSWORD",
) -> "LogIn | None":
    """How to log in at `server`; None where nothing asks for it. A dry run reads no secret.

    `variable` of the environment has the password where no other place has it.

    Raises:
        ConfigurationError: the secret cannot be read, or there is one and nobody to log in as.
        AuthenticationError: there is none, and nobody to ask.
    """
    from dataclasses import astuple

    from blaze.core.net.delivery import LogIn
    from blaze.core.sasl import TOKEN_MECHANISMS, Credentials
    from blaze.core.settings.secrets import read_netrc

    user = who.username or server.user or (account.user if account else None)
    mechanism = who.auth or (account.auth.upper() if account and account.auth else None)
    if user is None and server.host != "-" and (entry := read_netrc(os.environ, server.host)):
        user = entry.user
    if mechanism == "EXTERNAL":
        return LogIn(Credentials(user or ""), mechanism, connection.insecure)
    sources = who.sources.or_else(account.secret) if account else who.sources
    if user is None:
        if mechanism or any(astuple(sources)):
            raise ConfigurationError(
                "nobody to log in as",
                where=server.host,
                hint="Name one with -u, or as user of the account.",
            )
        return None
    secret = "masked" if server.host == "-" else _secret(sources, server, user, variable)
    is_token = sources.token_command is not None or mechanism in TOKEN_MECHANISMS
    credentials = Credentials(user, None if is_token else secret, secret if is_token else None)
    return LogIn(credentials, mechanism, connection.insecure)


def _secret(sources: "SecretSources", server: Submission, user: str, variable: str) -> str:
    from blaze.core.settings.secrets import read_secret

    secret = read_secret(sources, server.host, user, os.environ)
    secret = secret or server.password or os.environ.get(variable) or _ask(user, server.host)
    if secret is None:
        raise AuthenticationError(
            f"no password for {user}",
            where=server.host,
            hint="Give one by --password-file, --password-command, --token-command or netrc.",
        )
    return secret


def _ask(user: str, host: str) -> str | None:
    """The password from the terminal, where there is one."""
    if not sys.stderr.isatty():
        return None
    from getpass import getpass

    return getpass(f"Password of {user} at {host}: ") or None
