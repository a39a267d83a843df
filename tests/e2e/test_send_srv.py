"""`blaze send` to `blaze srv`: the octets that arrive are those that were sent, but for the newlines."""

import re
from pathlib import Path

import pytest

from tests.bench.frame import blaze as program, peak_memory
from tests.e2e.test_send import blaze
from tests.support.srv import Srv

pytestmark = pytest.mark.e2e


@pytest.mark.corpus
@pytest.mark.parametrize("options", [(), ("--tls-auto", "--ca-out", "ca.pem")])
def test_real_messages_arrive_as_they_are(
    options: tuple[str, ...], corpus: list[bytes], tmp_path: Path
) -> None:
    fitting = [
        message
        for message in corpus
        if b"\r" not in message
        and max(map(len, message.split(b"\n"))) <= 998
        and not re.search(rb"(?mi)^bcc *:", message.partition(b"\n\n")[0])
    ][:500]
    mbox = tmp_path / "mbox"
    quoted = [re.sub(rb"(?m)^(>*From )", rb">\1", message) for message in fitting]
    mbox.write_bytes(b"".join(b"From x Thu Jan  1 00:00:00 1970\n" + message + b"\n" for message in quoted))
    with Srv(tmp_path, "--no-sync", *options) as srv:
        trust = ("--tls-verify", "--cafile", str(tmp_path / "ca.pem")) if options else ("--tls", "none")
        done = blaze(
            "send", *trust, "-s", "a@b.test", "-r", "c@d.test", f"mbox:{mbox}", f"127.0.0.1:{srv.port}"
        )
    assert done.returncode == 0, done.stderr[-1000:]
    assert len(fitting) == 500
    taken = sorted(path.read_bytes() for path in srv.box.iterdir() if path.suffix != ".json")
    ended = [message if message.endswith(b"\n") else message + b"\n" for message in fitting]
    assert taken == sorted(message.replace(b"\n", b"\r\n") for message in ended)


HEAD = b"From: a@b.test\nTo: c@d.test\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"


@pytest.mark.parametrize("line", [b"x" * 63 + b"\n", b"x" * 2047 + b"\n"], ids=["as it is", "re-encoded"])
def test_a_large_message_is_sent_in_flat_memory(line: bytes, tmp_path: Path, long_run: bool) -> None:
    size = (1000 if long_run else 100) << 20
    block = line * ((1 << 20) // len(line))
    message = tmp_path / "large.eml"
    with message.open("wb") as file:
        file.write(HEAD + b"\n")
        for _ in range(size // len(block)):
            file.write(block)
    with Srv(tmp_path, "--no-sync") as srv:
        used = peak_memory(program(), "send", "--tls", "none", str(message), f"127.0.0.1:{srv.port}")
        mail = srv.wait_for("mail")
    message.unlink()
    assert mail["size"] >= size // len(block) * len(block)
    assert used < 100 << 20
