"""Secrets: passwords and tokens, and the places that keep them."""

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from blaze.core.errors import ConfigurationError
from blaze.core.settings import home_folder


@dataclass(frozen=True, slots=True)
class SecretSources:
    """Where a secret comes from, the first that is set: nothing here is the secret itself but `password`.

    `password_command` and `token_command` are run by the shell; the first line they print is the secret.
    """

    password: str | None = field(default=None, repr=False)
    password_file: str | None = None
    password_command: str | None = None
    token_command: str | None = None
    keyring: bool = False

    def or_else(self, other: "SecretSources") -> "SecretSources":
        """These, and the other's where none of these is set."""
        return self if any((self.password, self.password_file, self.commands, self.keyring)) else other

    @property
    def commands(self) -> str | None:
        """Whichever command is set."""
        return self.password_command or self.token_command


def read_secret(
    sources: SecretSources, host: str, user: str | None, environ: Mapping[str, str]
) -> str | None:
    """The secret from the first of `sources` that is set, else from netrc; None where there is none.

    Raises:
        ConfigurationError: a file cannot be read or is readable by others, a command fails, keyring is
            missing.
    """
    if sources.password is not None:
        return sources.password
    if sources.password_file:
        return _read_private(sources.password_file, "password file").split("\n", 1)[0]
    if sources.commands:
        return _run(sources.commands)
    if sources.keyring and user:
        return _ask_keyring(host, user)
    entry = read_netrc(environ, host)
    return entry.password if entry and user in (None, entry.user) else None


def _read_private(path: str, what: str) -> str:
    path = os.path.expanduser(path)
    try:
        with open(path, encoding="utf-8") as file:
            mode = os.fstat(file.fileno()).st_mode
            if stat.S_ISREG(mode) and mode & 0o077:
                raise ConfigurationError(
                    f"the {what} can be read by others", where=path, hint=f"Make it private: chmod 600 {path}"
                )
            return file.read()
    except UnicodeDecodeError:
        raise ConfigurationError(f"the {what} is not UTF-8", where=path) from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ConfigurationError(f"cannot read the {what}: {reason}", where=path) from error


def _run(command: str) -> str:
    import subprocess

    done = subprocess.run(  # noqa: S602 - the user's own command, as the user wrote it
        command, shell=True, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, check=False
    )
    secret = done.stdout.decode("utf-8", "surrogateescape").split("\n", 1)[0].rstrip("\r")
    if done.returncode or not secret:
        reason = f"ended with {done.returncode}" if done.returncode else "printed nothing"
        raise ConfigurationError(f"the command for the secret {reason}", where=command)
    return secret


def _ask_keyring(host: str, user: str) -> str | None:
    try:
        import keyring
    except ImportError:
        raise ConfigurationError(
            "the keyring needs the package keyring", hint="Install it with: pip install 'blaze-mail[keyring]'"
        ) from None
    try:
        secret: str | None = keyring.get_password(host, user)
    except Exception as error:  # each back end raises its own
        raise ConfigurationError(f"the keyring fails: {error}") from error
    return secret


class NetrcEntry(NamedTuple):
    """What netrc says of a host."""

    user: str
    password: str


def read_netrc(environ: Mapping[str, str], host: str) -> NetrcEntry | None:
    """The entry for `host`, or the default one, in the file that `NETRC` names, else in `~/.netrc`.

    Raises:
        ConfigurationError: the file is readable by others, or no netrc.
    """
    import netrc

    path = environ.get("NETRC") or home_folder(environ) + "/.netrc"
    if not os.path.exists(path):
        return None
    _read_private(path, "netrc")
    try:
        entry = netrc.netrc(path).authenticators(host)
    except (OSError, netrc.NetrcParseError) as error:
        raise ConfigurationError(f"cannot read the netrc: {error}", where=path) from error
    return NetrcEntry(entry[0], entry[2]) if entry and entry[2] else None
