"""SMTP on loopback: our sender against smtplib, our sink against aiosmtpd, by Postfix's programs."""

import contextlib
import shutil
import smtplib
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from ipaddress import IPv4Address
from pathlib import Path

from tests.bench.frame import Row, Work, blaze, spawn

MESSAGES = 2000
SESSIONS = 10
MEMORY = Path("/dev/shm")
"""A folder in memory, where the system has one.

On disk the row measures the file system too: ext4 looks past every inode that was freed in the last five
minutes, by other rows for instance, and then a file costs up to half a millisecond instead of 30 us.
"""
BODY = b"From: a@b.test\r\nTo: c@d.test\r\nSubject: bench\r\n\r\n" + (b"x" * 68 + b"\r\n") * 72  # 5 kB


def rows(folder: Path) -> Iterator[Row]:
    sink, source = (
        shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/sbin") for name in ("smtp-sink", "smtp-source")
    )
    if sink:
        with listening(sink, "-u", "nobody", "{endpoint}", "100") as port:
            peers: dict[str, Work] = {"smtplib": partial(send_by_smtplib, port)}
            if source:
                peers["smtp-source"] = spawn(
                    source, "-d", "-m", str(MESSAGES), "-l", "5000", f"127.0.0.1:{port}"
                )
            yield Row(
                "2,000 messages over one connection", partial(send, port), peers, {"smtplib": 0.5}, runs=5
            )
    if source:
        yield from receiving("on disk", folder, source, sink)
        if MEMORY.is_dir():
            with tempfile.TemporaryDirectory(dir=MEMORY, prefix="blaze-bench-") as memory:
                yield from receiving("in memory", Path(memory), source, sink)


def receiving(where: str, folder: Path, source: str, sink: str | None) -> Iterator[Row]:
    """2,000 messages from ten sessions at once, into a folder."""
    for name in ("taken", "theirs"):
        (folder / name).mkdir()
    ours = (blaze(), "srv", "{endpoint}", "-o", f"{folder}/taken/", "--no-sync", "-q")
    aiosmtpd = (sys.executable, "-m", "aiosmtpd", "-n", "-l", "{endpoint}", "-c")
    theirs = {
        "aiosmtpd": (*aiosmtpd, "aiosmtpd.handlers.Sink"),  # keeps nothing
        "aiosmtpd, files": (*aiosmtpd, "tests.support.aiosmtpd_folder.Folder", f"{folder}/theirs"),
    }
    if sink:
        theirs["smtp-sink"] = (sink, "-u", "nobody", "{endpoint}", "100")  # keeps nothing
    with listening(*ours) as our_port, contextlib.ExitStack() as stack:
        peers = {
            name: burst(source, stack.enter_context(listening(*command))) for name, command in theirs.items()
        }
        yield Row(
            f"SMTP sink, 5 kB, 10 sessions, {where}",
            burst(source, our_port),
            peers,
            {"aiosmtpd": 0.25},
            runs=5,
        )


def burst(source: str, port: int) -> Work:
    return spawn(source, "-s", str(SESSIONS), "-m", str(MESSAGES), "-l", "5000", f"127.0.0.1:{port}")


@contextlib.contextmanager
def listening(*command: str) -> Iterator[int]:
    """Run a server on a free port, which takes the place of `{endpoint}`, until the row is measured."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    words = [word.format(endpoint=f"127.0.0.1:{port}") for word in command]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(20)


def send(port: int) -> None:
    """Our sender, as `blaze send` calls it for a store of messages."""
    from blaze.core.mail import message
    from blaze.core.mail.relay import Outgoing
    from blaze.core.net.delivery import DeliveryOptions, HostCourier, Target
    from blaze.core.net.smtp import Envelope, Following

    target = Target("localhost", port, (IPv4Address("127.0.0.1"),))
    courier = HostCourier(target, DeliveryOptions("bench.test", tls="none"))
    envelope = Envelope("a@b.test", ["c@d.test"])
    following: Following | None = Following(envelope, Outgoing(message.parse(BODY)))
    for left in range(MESSAGES - 1, -1, -1):
        assert following
        current = following
        following = Following(envelope, Outgoing(message.parse(BODY))) if left else None
        (delivery,) = courier.deliver(current.envelope, current.message, following)
        if delivery.error:
            raise delivery.error
    courier.close()


def send_by_smtplib(port: int) -> None:
    """The standard library's sender."""
    with smtplib.SMTP("127.0.0.1", port, local_hostname="bench.test") as session:
        for _ in range(MESSAGES):
            session.sendmail("a@b.test", ["c@d.test"], BODY)
