"""The help of every command, as click writes it."""

from collections.abc import Iterator

import click
import pytest

from blaze.cli._app import blaze


def walk(command: click.Command, parent: click.Context | None, name: str) -> Iterator[click.Context]:
    context = click.Context(command, parent=parent, info_name=name, terminal_width=80)
    yield context
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            assert found
            yield from walk(found, context, child)


CONTEXTS = {context.command_path: context for context in walk(blaze, None, "blaze")}


@pytest.mark.parametrize("path", CONTEXTS)
def test_help_says_what_options_take_and_what_commands_do(path: str) -> None:
    context = CONTEXTS[path]
    text = " ".join(context.command.get_help(context).split())
    assert " RANGE" not in text
    assert "INTEGER" not in text
    for child, found in CONTEXTS.items():
        if found.parent is context:
            assert f"{child.split()[-1]} {found.command.get_short_help_str(limit=1000)}" in text
