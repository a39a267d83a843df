"""The command line. This map is all that is known of a command until it runs."""

COMMANDS: dict[str, dict[str, tuple[str, str]]] = {
    "Inspect": {
        "hdr": ("blaze.cli.hdr:hdr", "Print the header fields of messages."),
        "addr": ("blaze.cli.hdr:addr", "Print the addresses in the header of messages."),
        "descr": ("blaze.cli.inspect:descr", "Print the MIME tree of messages."),
        "show": ("blaze.cli.show:show", "Show messages as a person reads them."),
        "extract": ("blaze.cli.show:extract", "Write parts of messages to files."),
        "iso": ("blaze.cli.inspect:iso", "Take a message apart and put it together again."),
        "map": ("blaze.cli.inspect:map_", "Decode a message and encode it again into canonical MIME."),
        "crlf": ("blaze.cli.inspect:crlf", "End every line of a message with CRLF, as SMTP has it."),
        "rand": ("blaze.cli.inspect:rand", "Print octets that look random and follow from a seed."),
    },
    "Craft": {
        "make": ("blaze.cli.make:make", "Make a message."),
    },
    "Authenticate": {
        "dkim": ("blaze.cli.dkim:dkim", "Sign and verify messages with DKIM."),
        "arc": ("blaze.cli.arc:arc", "Validate and seal chains of handlers with ARC."),
        "spf": ("blaze.cli.spf:spf", "Check, draw and stamp SPF policies."),
        "dmarc": ("blaze.cli.dmarc:dmarc", "Check whether the author's domain stands behind a message."),
        "recv": ("blaze.cli.recv:recv", "Show the way a message has taken, or stamp it."),
    },
    "Transport": {
        "fetch": ("blaze.cli.fetch:fetch", "Fetch new messages from a POP3 maildrop or a public archive."),
        "send": ("blaze.cli.send:send", "Send messages straight to their mail exchangers."),
        "sendmail": (
            "blaze.cli.sendmail:sendmail",
            "Submit the message on standard input, as sendmail does.",
        ),
        "submit": ("blaze.cli.send:submit", "Submit messages through a server that knows you."),
        "srv": ("blaze.cli.srv:srv", "Run a local SMTP server that keeps each message byte for byte."),
    },
    "Store and search": {
        "convert": ("blaze.cli.convert:convert", "Copy all messages of one store into another."),
        "mbox": ("blaze.cli.pack:mbox", "Put the messages of an mbox into a pack."),
        "mdir": ("blaze.cli.convert:mdir", "List, read and flag the messages of a Maildir."),
        "pack": (
            "blaze.cli.pack:pack",
            "Archive messages in packs: each part once, compressed, byte for byte.",
        ),
        "index": ("blaze.cli.search:index", "Make a search index of a store, or bring it up to date."),
        "search": ("blaze.cli.search:search", "Find messages in an index."),
        "threads": (
            "blaze.cli.threads:threads",
            "Print messages as threads, each answer below what it answers.",
        ),
        "rowex": ("blaze.cli.threads:rowex", "Keep an index of Message-IDs, and print the forest it holds."),
        "okapi": ("blaze.cli.threads:okapi", "Rank the mails of a pack by BM25 over the stems in it."),
    },
    "Settings": {
        "config": ("blaze.cli.config:config", "Show the settings in force, and where each comes from."),
    },
}
"""Section of the help -> command -> (module and attribute, the command's own one-line help)."""

ALIASES = {"smtpd": "srv"}
"""Other names of commands; they are run and not listed."""
