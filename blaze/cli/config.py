"""`blaze config`: the settings in force and where each comes from."""

import os

import click

from blaze.cli._app import App, command


@command("config", reports=True)
@click.argument("names", metavar="[NAME]...", nargs=-1)
def config(app: App, names: tuple[str, ...]) -> int:
    """Show the settings in force, and where each comes from.

    NAME limits them to a table of the configuration (`account.work`, `send`) or to one setting.

    The configuration is ~/.config/blaze/config.toml, or blaze/config.toml in XDG_CONFIG_HOME. A table named
    like a command, as [send] or [dkim.sign], has defaults of its options by their long names. An option on
    the command line comes first, then the variables BLAZE_SEND_TIMEOUT and BLAZE_TIMEOUT, then the file.

    \b
    [account.NAME] is a server to submit to, and who one is there:
      host port tls cafile pin   the server, and what its certificate is checked by
      user auth                  who logs in, and by which mechanism
      password-file password-command token-command keyring
                                 where the secret is; keyring = true asks the system's
      from domain                the reverse-path; the domain of names without one
      aliases                    a table: a name, and what addresses it stands for
      fetch                      the URI of the maildrop
    default-account = "NAME" chooses one of many.

    \b
    Examples:
      blaze config
      blaze config account.work

    \b
    A configuration:
      [account.work]
      host = "smtp.example.org"
      user = "ann"
      from = "ann@example.org"
      password-command = "pass smtp.example.org"
      [send]
      timeout = "20s"
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
