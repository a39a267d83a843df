"""The command line. This map is all that is known of a command until it runs."""

COMMANDS: dict[str, dict[str, tuple[str, str]]] = {
    "Inspect": {
        "hdr": ("blaze.cli.hdr:hdr", "Print the header fields of messages."),
        "addr": ("blaze.cli.hdr:addr", "Print the addresses in the header of messages."),
    },
}
"""Section of the help -> command -> (module and attribute, the command's own one-line help)."""

ALIASES = {"smtpd": "srv"}
"""Other names of commands; they are run and not listed."""
