"""The configuration file and what it says for a command."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from blaze.core.errors import ConfigurationError


def home_folder(environ: Mapping[str, str]) -> str:
    """The home of the user: `HOME`, else what the system says of who runs this process.

    A service of systemd and a program that PHP starts have no `HOME`.
    """
    if home := environ.get("HOME"):
        return home
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:  # in a container, a user without a name
        return ""


def config_path(environ: Mapping[str, str]) -> str:
    """Where the configuration file is: `$XDG_CONFIG_HOME/blaze/config.toml`, else under `~/.config`.

    (XDG Base Directory Specification; a relative `XDG_CONFIG_HOME` is ignored, as it says.)
    """
    base = environ.get("XDG_CONFIG_HOME", "")
    if not base.startswith("/"):
        base = home_folder(environ) + "/.config"
    return base + "/blaze/config.toml"


def state_folder(environ: Mapping[str, str]) -> str:
    """Where state is kept: `$XDG_STATE_HOME/blaze`, else `~/.local/state/blaze`."""
    base = environ.get("XDG_STATE_HOME", "")
    if not base.startswith("/"):
        base = home_folder(environ) + "/.local/state"
    return base + "/blaze"


def cache_folder(environ: Mapping[str, str]) -> str:
    """Where what can be had again is kept: `$XDG_CACHE_HOME/blaze`, else `~/.cache/blaze`."""
    base = environ.get("XDG_CACHE_HOME", "")
    if not base.startswith("/"):
        base = home_folder(environ) + "/.cache"
    return base + "/blaze"


def read_config(environ: Mapping[str, str]) -> dict[str, Any]:
    """The tables of the configuration file; empty when there is none.

    Raises:
        ConfigurationError: the file cannot be read or is not TOML.
    """
    path = config_path(environ)
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except UnicodeDecodeError as error:
        raise ConfigurationError("the configuration is not UTF-8", where=path) from error
    except OSError as error:
        if not os.path.lexists(path):  # in a folder of somebody else's, as after su
            return {}
        what = f"cannot read the configuration: {(error.strerror or str(error)).lower()}"
        raise ConfigurationError(what, where=path) from error
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"not TOML: {error}", where=path) from error


def place(table: str, path: str) -> str:
    """Where a table of the configuration file `path` is, as errors say it; without `path` the table alone."""
    return f"[{table}] in {path}" if path else f"[{table}]"


def command_table(config: Mapping[str, Any], words: Sequence[str], path: str = "") -> dict[str, Any]:
    """The defaults for the command called by `words`: `[hdr]`, `[dkim.sign]`; errors name the file `path`.

    Raises:
        ConfigurationError: something of that name is there and is no table.
    """
    table: Any = config
    for word in words:
        table = table.get(word, {})
        if not isinstance(table, Mapping):
            raise ConfigurationError("not a table", where=place(".".join(words), path))
    return {name: value for name, value in table.items() if not isinstance(value, Mapping)}
