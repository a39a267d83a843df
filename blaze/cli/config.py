"""`blaze config`: the settings in force and where each comes from."""

import os

import click

from blaze.cli._app import App, command


@command("config", reports=True)
@click.argument("names", metavar="[NAME]...", nargs=-1)
def config(app: App, names: tuple[str, ...]) -> int:
    """Show the settings in force, and where each comes from.

    NAME limits them to a table of the configuration (`account.work`, `send`) or to one setting.

    \b
    Examples:
      blaze config
      blaze config account.work
    """
    from blaze.core.settings import config_path, read_config
    from blaze.core.settings.overview import iter_settings

    path = config_path(os.environ)
    found = False
    for setting in iter_settings(read_config(os.environ), path, os.environ):
        if names and not any(setting.key == name or setting.key.startswith(f"{name}.") for name in names):
            continue
        found = True
        if app.out.json:
            app.out.record("blaze.config/1", setting._asdict())
            continue
        note = f", overridden by {setting.overridden_by}" if setting.overridden_by else ""
        app.out.line(f"{setting.key} = {setting.value!r}  ({setting.source}{note})")
    if not found:
        of = f" for {' and '.join(names)}" if names else ""
        app.out.remark(f"nothing is set{of}; the configuration file is {path}")
    return 0 if found or not names else 1
