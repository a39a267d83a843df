"""Accounts: the servers to submit to, and who one is there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from blaze.core.errors import ConfigurationError, DataError
from blaze.core.settings import place
from blaze.core.settings.secrets import SecretSources


@dataclass(frozen=True, slots=True)
class Account:
    """An `[account.NAME]` table: a server to submit to, and who one is there.

    `fetch` is the URI of its maildrop, `sender` (`from`) the reverse-path, `domain` completes names without
    one, `aliases` says what a name stands for: addresses or further names.
    """

    name: str
    host: str | None = None
    port: int | None = None
    tls: str | None = None
    cafile: str | None = None
    pin: str | None = None
    user: str | None = None
    auth: str | None = None
    sender: str | None = None
    domain: str | None = None
    fetch: str | None = None
    secret: SecretSources = field(default_factory=SecretSources)
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


_TEXTS = (
    "host",
    "tls",
    "user",
    "auth",
    "domain",
    "fetch",
    "password-file",
    "password-command",
    "token-command",
    "cafile",
    "pin",
)
_KNOWN = frozenset({*_TEXTS, "from", "port", "keyring", "aliases"})


def find_account(config: Mapping[str, Any], name: str | None, path: str = "") -> Account | None:
    """The account called `name`; without one, that which `default-account` names, or the only one.

    Errors name the configuration file `path`.

    Raises:
        ConfigurationError: there is no such account, or its table is wrong.
    """
    tables = config.get("account", {})
    chosen = name
    if not isinstance(tables, Mapping):
        hint = 'Choose one with default-account = "NAME".'
        raise ConfigurationError("not a table", where=place("account", path), hint=hint)
    if chosen is None:
        chosen = config.get("default-account")
    if chosen is None and len(tables) == 1:
        chosen = next(iter(tables))
    if chosen is None:
        return None
    if not isinstance(chosen, str):
        raise ConfigurationError("default-account is no name", where=path or None)
    if chosen not in tables:
        known = ", ".join(sorted(tables)) or "none"
        hint = f"The configuration has: {known}."
        raise ConfigurationError(f"no account {chosen!r}", where=path or None, hint=hint)
    return _read_account(chosen, tables[chosen], path)


def accounts_to_fetch(config: Mapping[str, Any], path: str = "") -> list[Account]:
    """Every account that has a maildrop to fetch from, in the order of the configuration file `path`.

    Raises:
        ConfigurationError: a table is wrong.
    """
    tables = config.get("account", {})
    names = tables if isinstance(tables, Mapping) else ()
    accounts = [_read_account(name, tables[name], path) for name in names]
    return [account for account in accounts if account.fetch]


def _read_account(name: str, table: Any, path: str) -> Account:
    where = place(f"account.{name}", path)
    if not isinstance(table, Mapping):
        raise ConfigurationError("not a table", where=where)
    if unknown := sorted(table.keys() - _KNOWN):
        raise ConfigurationError(f"unknown setting {unknown[0]!r}", where=where)
    texts = {key: _text(table, key, where) for key in (*_TEXTS, "from")}
    if "://" in (texts["host"] or ""):
        hint = "Write the name alone; port and tls tell the rest."
        raise ConfigurationError("host is a URL", where=where, hint=hint)
    port, keyring = table.get("port"), table.get("keyring", False)
    if port is not None and not (type(port) is int and 0 < port < 65536):
        raise ConfigurationError("port is no port number", where=where)
    if texts["tls"] not in (None, "none", "opportunistic", "starttls", "implicit"):
        raise ConfigurationError("tls is none of none, opportunistic, starttls, implicit", where=where)
    if texts["auth"]:
        _check_mechanism(texts["auth"], where)
    if texts["domain"]:
        _check_domain(texts["domain"], where)
    if texts["pin"] and texts["tls"] in ("none", "opportunistic"):
        raise ConfigurationError(f"tls = {texts['tls']!r} and pin exclude each other", where=where)
    return Account(
        name,
        host=texts["host"],
        port=port,
        tls=texts["tls"],
        cafile=texts["cafile"],
        pin=texts["pin"],
        user=texts["user"],
        auth=texts["auth"],
        sender=texts["from"],
        domain=texts["domain"],
        fetch=texts["fetch"],
        secret=SecretSources(
            password_file=texts["password-file"],
            password_command=texts["password-command"],
            token_command=texts["token-command"],
            keyring=bool(keyring),
        ),
        aliases=_read_aliases(table.get("aliases", {}), where),
    )


def _text(table: Mapping[str, Any], key: str, where: str) -> str | None:
    value = table.get(key)
    if value is not None and not isinstance(value, str):
        raise ConfigurationError(f"{key} is no text", where=where)
    return value


def _check_mechanism(name: str, where: str) -> None:
    from blaze.core.sasl import MECHANISMS

    known = (*MECHANISMS, "APOP", "USER")  # the last two for a maildrop
    if name.upper() not in known:
        raise ConfigurationError(f"auth is none of {', '.join(known)}", where=where)


def _check_domain(domain: str, where: str) -> None:
    from blaze.core.mail.address import to_ascii_domain
    from blaze.core.smtp.grammar import check_domain

    try:
        check_domain(to_ascii_domain(domain))
    except DataError as error:
        raise ConfigurationError(f"domain is no domain: {error.what}", where=where) from None


def _read_aliases(table: Any, where: str) -> dict[str, tuple[str, ...]]:
    if not isinstance(table, Mapping):
        raise ConfigurationError("aliases is no table", where=where)
    aliases: dict[str, tuple[str, ...]] = {}
    for name, value in table.items():
        addresses = [value] if isinstance(value, str) else value
        if not isinstance(addresses, list) or not all(isinstance(address, str) for address in addresses):
            raise ConfigurationError(
                f"the alias {name!r} is no address and no list of addresses", where=where
            )
        try:
            named = tuple(one for address in addresses for one in read_names(address))
        except DataError as error:
            raise ConfigurationError(f"the alias {name!r}: {error}", where=where) from None
        if not named:
            raise ConfigurationError(f"the alias {name!r} stands for nobody", where=where)
        aliases[name.lower()] = named
    return aliases


_HARMLESS = frozenset(["missing-domain", "dot-in-local-part", "null-element"])
"""Defects of an address list that still names people."""


def read_names(text: str) -> list[str]:
    """The addresses that `text` lists as a header would, and the names without a domain among them.

    Raises:
        DataError: it holds something else.
    """
    from blaze.core.mail.address import parse_list

    listed = parse_list(text.encode("utf-8", "surrogateescape"))
    if not text.isprintable() or any(defect.name not in _HARMLESS for defect in listed.defects):
        raise DataError("not an address", where=repr(text))
    return [member.mailbox.addr_spec for member in listed.iter_members()]


def complete_address(name: str, account: Account | None, domain: str) -> list[str]:
    """What a recipient of `sendmail` stands for: aliases followed, names without a domain given one.

    The account's `domain` comes before `domain`. An alias that leads to itself is that name.
    """
    aliases = account.aliases if account else {}
    found: list[str] = []
    followed: set[str] = set()
    waiting = [name]
    while waiting:
        current = waiting.pop(0)
        key = current.lower()
        if "@" not in current and key in aliases and key not in followed:
            followed.add(key)
            waiting = [*aliases[key], *waiting]
        else:
            found.append(current if "@" in current else f"{current}@{(account and account.domain) or domain}")
    return list(dict.fromkeys(found))
