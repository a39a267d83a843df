"""Start the command line: `blaze`, `python -m blaze`, or under the name `sendmail`."""

import sys


def main() -> None:
    """Run the command line on `sys.argv` and leave with its exit status."""
    from blaze.cli._app import run

    sys.exit(run(sys.argv))


if __name__ == "__main__":
    main()
