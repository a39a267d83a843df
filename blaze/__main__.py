"""Start the command line: `blaze`, `python -m blaze`, or under the name `sendmail`."""

import gc
import sys


def main() -> None:
    """Run the command line on `sys.argv` and leave with its exit status."""
    # What is imported stays. Looking for garbage among it, when starting and ending, is a tenth of the time
    # of a short command (`python -m tests.bench start`). The collector works while the command does.
    gc.disable()
    try:
        from blaze.cli._app import run

        status = run(sys.argv)
    except KeyboardInterrupt:  # while modules are imported; later click catches it
        status = 130
    gc.freeze()
    sys.exit(status)


if __name__ == "__main__":
    main()
