"""`python -m tests.bench [--quick] [--json FILE] [NAME]...`: measure, print one table, write it as JSON.

It installs nothing; a peer that is not found is left out. NAME picks the rows whose name contains it.
"""

import argparse
import importlib
import json
import os
import pkgutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests import bench
from tests.bench.frame import Result, Row, measure

FRAME = {"__main__", "corpus", "frame"}
QUICK = 100.0  # seconds after which --quick begins no other row


def rows(folder: Path) -> Iterator[Row]:
    """The rows of every module here; each has `rows(folder)`, which may prepare files in `folder`."""
    for module in sorted(info.name for info in pkgutil.iter_modules(bench.__path__)):
        if module not in FRAME:
            yield from importlib.import_module(f"tests.bench.{module}").rows(folder)


def lines(results: list[Result]) -> Iterator[str]:
    """The table: a line for each pair of a row and a peer."""
    yield f"{'what':<44} {'ours':>10} {'peer':>10}  {'ratio':>6} {'bar':>6}      against"
    for result in results:
        for peer, seconds in result.peers.items():
            bar = result.bars.get(peer)
            verdict = "" if bar is None else "ok" if result.ratios[peer] <= bar else "MISS"
            shown = "" if bar is None else f"{bar:.2f}"
            yield (
                f"{result.name:<44} {result.ours * 1000:>8.1f}ms {seconds * 1000:>8.1f}ms  "
                f"{result.ratios[peer]:>6.2f} {shown:>6} {verdict:<4} {peer}"
            )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", help="measure only rows whose name contains one of these")
    parser.add_argument("--quick", action="store_true", help="fewer runs; ends within two minutes")
    parser.add_argument("--json", default="bench.json", help="where to write the figures")
    arguments = parser.parse_args()
    os.environ.pop("BLAZE_DEBUG", None)
    results = []
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="blaze-bench-") as folder:
        for row in rows(Path(folder)):
            if not arguments.names or any(name in row.name for name in arguments.names):
                results.append(measure(row, quick=arguments.quick))
                print(*list(lines(results[-1:]))[1:], sep="\n", file=sys.stderr, flush=True)
            if arguments.quick and time.monotonic() - begun > QUICK:
                print(f"after {QUICK:.0f} s: the rows behind this one are left out", file=sys.stderr)
                break
    print("\n".join(lines(results)))
    figures = [
        {
            "name": r.name,
            "seconds": r.ours,
            "peers": r.peers,
            "ratios": r.ratios,
            "bars": r.bars,
            "met": r.met,
        }
        for r in results
    ]
    Path(arguments.json).write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
    return 0 if all(result.met for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
