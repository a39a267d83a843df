"""Every setting in force, and where it comes from."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

MASK = "****"

_OTHERS = (
    "MAIL_URL",
    "NETRC",
    "NO_COLOR",
    "POP3_PASSWORD",
    "SMTP_HOST",
    "SMTP_PASSWORD",
    "SMTP_PORT",
    "SMTP_URL",
    "SMTP_USER",
    "SOURCE_DATE_EPOCH",
)
"""Variables beside `BLAZE_*` that change what commands do."""

_URL_WITH_PASSWORD = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*://[^/:@]*):.*@", re.DOTALL)
_SECRET_WORDS = ("PASSWORD", "TOKEN", "SECRET")


class Setting(NamedTuple):
    """One value. `overridden_by` names the variable of the environment that comes before it."""

    key: str
    value: Any
    source: str
    overridden_by: str | None = None


def iter_settings(config: Mapping[str, Any], path: str, environ: Mapping[str, str]) -> Iterator[Setting]:
    """The variables of the environment, then the values of the configuration file at `path`, by name.

    Secrets are shown as `MASK`; commands and files that hold them are shown.
    """
    for name in sorted(environ):
        if name.startswith("BLAZE_") or name in _OTHERS:
            yield Setting(name, _masked(name, environ[name]), "environment")
    for key, value in _flattened(config, ()):
        variable = None if key[0] == "account" else _override(key, environ)
        yield Setting(".".join(key), _masked(key[-1].upper(), value), path, variable)


def _flattened(table: Mapping[str, Any], above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name in sorted(table):
        value = table[name]
        if isinstance(value, Mapping):
            yield from _flattened(value, (*above, name))
        else:
            yield (*above, name), value


def _override(key: tuple[str, ...], environ: Mapping[str, str]) -> str | None:
    """The variable that comes before the file's value: that of the command, or that of all commands."""
    for words in (key, key[-1:]):
        variable = "BLAZE_" + "_".join(words).upper().replace("-", "_")
        if environ.get(variable):
            return variable
    return None


def _masked(name: str, value: Any) -> Any:
    names_a_secret = any(word in name for word in _SECRET_WORDS)
    names_a_place = name.replace("-", "_").endswith(("_FILE", "_COMMAND"))
    if names_a_secret and not names_a_place:
        return MASK
    if isinstance(value, list):
        return [_masked(name, item) for item in value]
    return _URL_WITH_PASSWORD.sub(rf"\1:{MASK}@", value) if isinstance(value, str) else value
