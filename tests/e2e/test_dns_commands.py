"""Commands that ask a DNS server on loopback: every transport, time limits, recording and replay."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.dns_server import dns_server

pytestmark = pytest.mark.e2e

ZONE = {
    "example.org": [("TXT", '"v=spf1 include:a.test mx -all"'), ("MX", "10 mx.test.")],
    "a.test": [("TXT", '"v=spf1 ip4:192.0.2.0/24 ?all"')],
    "mx.test": [("A", "198.51.100.1")],
    "_dmarc.example.org": [("TXT", '"v=DMARC1; p=reject; aspf=r"')],
    "slow.test": [("TXT", '"v=spf1 a:silent1.test a:silent2.test a:silent3.test -all"')],
    **{f"silent{number}.test": [("TIMEOUT", "")] for number in (1, 2, 3)},
}
MESSAGE = b"From: ann@example.org\n\nHello\n"


def run(*arguments: str, stdin: bytes = b"") -> tuple[int, Any]:
    """Exit status, and the one JSON object printed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BLAZE_")}
    done = subprocess.run(
        [sys.executable, "-m", "blaze", *arguments, "--json"],
        input=stdin, capture_output=True, timeout=60, check=False, env=environment,
    )  # fmt: skip
    assert done.stderr == b""
    return done.returncode, json.loads(done.stdout)


@pytest.mark.parametrize("transport", ["", "udp:", "tcp:"])
def test_spf_check_asks_the_server_named(transport: str) -> None:
    with dns_server(ZONE) as server:
        arguments = (
            "spf",
            "check",
            "-n",
            f"{transport}127.0.0.1:{server.port}",
            "--sender",
            "ann@example.org",
        )
        status, found = run(*arguments, "--ip", "198.51.100.1")
        assert (status, found["result"], found["mechanism"], found["lookups"]) == (0, "pass", "mx", 2)
        asked = [(name, kind) for name, kind, _ in server.asked]
        assert asked == [("example.org", "TXT"), ("a.test", "TXT"), ("example.org", "MX"), ("mx.test", "A")]
        assert {used for *_, used in server.asked} == {"tcp" if transport == "tcp:" else "udp"}


def test_spf_check_ends_with_its_time() -> None:
    with dns_server(ZONE) as server:
        start = time.monotonic()
        status, found = run(
            "spf", "check", "-n", server.nameserver, "--ip", "192.0.2.1", "--sender", "a@slow.test",
            "--spf-timeout", "500ms",
        )  # fmt: skip
        assert time.monotonic() - start < 4
    assert (status, found["result"]) == (75, "temperror")
    assert "the time for all look-ups is over" in found["reason"]


def test_a_server_that_is_gone_is_a_temporary_failure() -> None:
    with dns_server(ZONE) as server:
        name = server.nameserver
    status, found = run(
        "spf",
        "check",
        "-n",
        f"tcp:{name}",
        "--dns-timeout",
        "1s",
        "--ip",
        "192.0.2.1",
        "--sender",
        "a@b.test",
    )
    assert (status, found["result"]) == (75, "temperror")


def test_dmarc_verify_is_replayed_from_what_was_recorded(tmp_path: Path) -> None:
    envelope = ("--ip", "192.0.2.1", "--sender", "b@example.org", "--helo", "mx.test")
    with dns_server(ZONE) as server:
        record = str(tmp_path / "seen")
        asked = run(
            "dmarc", "verify", "-n", server.nameserver, "--dns-record", record, *envelope, stdin=MESSAGE
        )
    replayed = run("dmarc", "verify", "--offline", "--dns-static", record, *envelope, stdin=MESSAGE)
    assert asked == replayed
    assert asked[0] == 0
    assert asked[1]["aligned"] == {"dkim": False, "spf": True}
    assert sorted(path.name for path in (tmp_path / "seen").iterdir()) == [
        "_dmarc.example.org.dns", "_dmarc.org.dns", "a.test.dns", "example.org.dns",
    ]  # fmt: skip


def test_what_the_tree_does_not_hold_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "example.org.dns").write_text("txt:v=spf1 include:a.test -all\n")
    with dns_server(ZONE) as server:
        status, found = run(
            "spf", "check", "-n", server.nameserver, "--dns-static", str(tmp_path),
            "--ip", "192.0.2.1", "--sender", "ann@example.org",
        )  # fmt: skip
        assert [name for name, *_ in server.asked] == ["a.test"]
    assert (status, found["mechanism"]) == (0, "include:a.test")
