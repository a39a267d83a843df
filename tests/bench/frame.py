"""How a row of the bench is measured: ours and the peers in turn, medians, and the ratio of the times."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

Work = Callable[[], object]
SLOW, VERY_SLOW = 0.5, 2.0  # seconds


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that is done by us and by peers.

    `bars` gives for a peer the largest ratio of our time to its time that is good enough ("at least 4 x as
    fast" is 0.25). `runs` is how often each does it, in turn.
    """

    name: str
    ours: Work
    peers: dict[str, Work]
    bars: dict[str, float] = field(default_factory=dict)
    runs: int = 7
    prepare: Work | None = None
    """What must be there first; it is not measured."""


@dataclass(frozen=True, slots=True)
class Result:
    """A row measured: seconds as medians, and ratios of ours to each peer's."""

    name: str
    ours: float
    peers: dict[str, float]
    bars: dict[str, float]

    @property
    def ratios(self) -> dict[str, float]:
        return {peer: self.ours / seconds for peer, seconds in self.peers.items()}

    @property
    def met(self) -> bool:
        return all(self.ratios[peer] <= bar for peer, bar in self.bars.items() if peer in self.peers)


def measure(row: Row, *, quick: bool) -> Result:
    """Run ours and every peer in turn, after one run that does not count.

    When it is to be `quick`, what is slow runs once more, and of what is very slow the first run counts.
    """
    if row.prepare:
        row.prepare()
    works = {"": row.ours, **row.peers}
    seconds: dict[str, list[float]] = {name: [] for name in works}
    done: set[str] = set()
    for run in range((3 if quick else row.runs) + 1):
        for name in [name for name in works if name not in done]:
            started = time.perf_counter()
            works[name]()
            took = time.perf_counter() - started
            if quick and took > (SLOW if run else VERY_SLOW):
                done.add(name)
            if run or name in done:
                seconds[name].append(took)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    return Result(row.name, medians.pop(""), medians, row.bars)


def python() -> str:
    """The interpreter that runs the bench."""
    return sys.executable


def blaze() -> str:
    """The command as it is installed beside that interpreter."""
    return str(Path(sys.executable).with_name("blaze"))


def spawn(*command: str, stdin: bytes = b"", statuses: Sequence[int] = (0,)) -> Work:
    """A process as work; what it prints is dropped."""

    def work() -> None:
        done = subprocess.run(command, input=stdin, stdout=subprocess.DEVNULL, env=environment(), check=False)
        if done.returncode not in statuses:
            raise RuntimeError(f"{command} ended with {done.returncode}")

    return work


def environment() -> dict[str, str]:
    """The environment without what would change a measurement."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("BLAZE_", "PYTHON"))}


_MEASURE = """
import resource, subprocess, sys
status = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
print(status, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def peak_memory(*command: str, stdin: bytes = b"") -> int:
    """The largest resident size of a process, in octets, as the kernel counts it when the process ends.

    It is started from a small process: what the parent holds when it forks is counted too.
    """
    done = subprocess.run(
        [python(), "-c", _MEASURE, *command], input=stdin, capture_output=True, check=True, env=environment()
    )
    status, kilobytes = map(int, done.stdout.split())
    if status not in {0, 1}:
        raise RuntimeError(f"{command} ended with {status}: {done.stderr.decode(errors='replace')}")
    return kilobytes * 1024
