"""The defaults of the configuration file, as the command line would give them."""

from collections.abc import Mapping, Sequence
from datetime import date, time
from typing import Any

import click

from blaze.core.errors import ConfigurationError


def defaults_of(
    params: Sequence[click.Parameter], table: Mapping[str, Any], where: str
) -> tuple[dict[str, Any], list[str]]:
    """The values of `table` by the names of `params`, and the keys that are no option's long name.

    Numbers and dates become text, which the option then judges as it judges what was typed. One value is
    enough for an option that may be repeated.

    Raises:
        ConfigurationError: a value is of no kind that the option can have.
    """
    options: dict[str, click.Option] = {}
    for param in params:
        if isinstance(param, click.Option):
            options |= {name[2:]: param for name in param.opts if name.startswith("--")}
    values: dict[str, Any] = {}
    unknown = []
    for key, value in table.items():
        option = options.get(key)
        if option is None or option.name is None:
            unknown.append(key)
        elif option.is_flag and not isinstance(value, bool):
            raise ConfigurationError(f"{key!r} is neither true nor false", where=where)
        elif option.is_flag and not option.is_bool_flag:  # one of several options for one choice
            if value:
                values[option.name] = option.flag_value
        elif isinstance(value, bool) and (option.is_flag or option.count):
            values[option.name] = int(value) if option.count else value
        elif option.multiple:
            many = value if isinstance(value, list) else [value]
            values[option.name] = [_text(key, one, where) for one in many]
        else:
            values[option.name] = _text(key, value, where)
    return values, unknown


def _text(key: str, value: Any, where: str) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, str | int | float):
        return str(value)
    raise ConfigurationError(f"{key!r} takes one text or number at a time", where=where)
