"""Who may log in to a server of ours: anyone, nobody, or the users of a file."""

import hmac
import os

from blaze.core import sasl
from blaze.core.errors import ConfigurationError, DataError
from blaze.core.sasl import saslprep
from blaze.core.store import atomic

ANYONE_MECHANISMS = ("PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER", "EXTERNAL")
"""What works without knowing a password: with the others a server proves that it knows it too."""

USER_MECHANISMS = tuple(name for name in sasl.MECHANISMS if name != "EXTERNAL")
"""What works with a list of users and passwords."""


class Anyone:
    """Every name and every secret is right."""

    def password(self, user: str) -> str | None:  # noqa: ARG002
        """Unknown."""
        return None

    def check_password(self, user: str, password: str) -> bool:  # noqa: ARG002
        """Yes."""
        return True

    def check_token(self, user: str, token: str) -> bool:  # noqa: ARG002
        """Yes."""
        return True

    def check_external(self, identity: str) -> bool:  # noqa: ARG002
        """Yes."""
        return True


class Users:
    """Users with their passwords; a password is taken as an OAuth 2 token too. Empty: no log-in works."""

    def __init__(self, passwords: dict[str, str]) -> None:
        self._passwords = passwords

    def password(self, user: str) -> str | None:
        """The user's password."""
        return self._passwords.get(user)

    def check_password(self, user: str, password: str) -> bool:
        """Whether it is the user's."""
        known = self._passwords.get(user)
        return hmac.compare_digest((known or "").encode(), password.encode()) and known is not None

    def check_token(self, user: str, token: str) -> bool:
        """Whether it is the user's password."""
        return self.check_password(user, token)

    def check_external(self, identity: str) -> bool:  # noqa: ARG002
        """No: nobody outside is asked."""
        return False


def read_users(path: str) -> Users:
    """Read lines of `user:password`; empty lines and those that begin with `#` are passed over.

    Raises:
        NoInputError, InputOutputError: the file cannot be read.
        ConfigurationError: a line has no colon, or a name or password that no log-in can carry.
    """
    passwords = {}
    try:
        with open(path, encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                user, colon, password = line.rstrip("\r\n").partition(":")
                if not line.strip() or line.startswith("#"):
                    continue
                if not (user and colon and password):
                    raise ConfigurationError("not a line of user:password", where=f"{path}:{number}")
                try:
                    passwords[saslprep(user)] = saslprep(password)
                except DataError as error:
                    raise ConfigurationError(error.what, where=f"{path}:{number}") from error
    except UnicodeDecodeError:
        raise ConfigurationError("not UTF-8", where=path) from None
    except OSError as error:
        raise atomic.input_error(error, path) from error
    return Users(passwords)


def is_readable_by_others(path: str) -> bool:
    """Whether the permissions of a file of secrets let others read it."""
    return bool(os.stat(path).st_mode & 0o077)
