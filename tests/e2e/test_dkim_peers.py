"""DKIM and ARC against independent implementations: dkimpy both ways, OpenDKIM as a verifier.

A seeded sample of the corpus goes through every canonicalization, both kinds of key and both newlines; with
--long it is 200 messages. Messages that a peer cannot take are left out by name of the rule:

- no From field: nothing can be signed (RFC 6376 §5.4);
- lines in the header that are no field: the peers refuse the message (RFC 5322 §2.2);
- a bare CR: no peer lets it be, since SMTP has none (RFC 5321 §2.3.8);
- for OpenDKIM also no Date, or two fields of which RFC 5322 §3.6 allows one: it refuses such a header.
"""

import base64
import os
import random
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import NamedTuple

import dkim as dkimpy
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from blaze.core.auth import arc, dkim, keys
from blaze.core.auth.canon import Canonicalization
from blaze.core.auth.dkim import Signable, Status
from blaze.core.auth.keys import PrivateKey, Record
from blaze.core.mail import header
from tests.support.dns_server import dns_server
from tests.support.zone import Zone

DATA = Path(__file__).parents[1] / "data" / "dkim"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
WHOLE, SAMPLE = 200, 10
RSA_PEM = (DATA / "rsa2048-pkcs1.pem").read_bytes()
ED25519_SEED = (DATA / "rfc8463-ed25519.txt").read_bytes()
KEYS = {"rsa": keys.parse_private(RSA_PEM), "ed": keys.parse_private(ED25519_SEED)}
RECORDS = {
    f"{selector}._domainkey.example.org": Record(key.public, key.type).to_bytes()
    for selector, key in KEYS.items()
}
KINDS: tuple[Canonicalization, Canonicalization] = ("simple", "relaxed")
UNIQUE = b"date from sender reply-to to cc bcc message-id in-reply-to references subject".split()

pytestmark = [pytest.mark.corpus, pytest.mark.e2e]


class Case(NamedTuple):
    """One message in one form: how it is to be canonicalized and by which key."""

    octets: bytes
    head: Canonicalization
    body: Canonicalization
    selector: str

    @property
    def key(self) -> PrivateKey:
        return KEYS[self.selector]


def is_fit(octets: bytes) -> bool:
    head = header.parse(octets)
    return bool(head.get(b"from")) and not head.defects and octets.count(b"\r") == octets.count(b"\r\n")


@pytest.fixture(scope="session")
def cases(corpus: list[bytes], long_run: bool) -> list[Case]:
    fit = [octets for octets in corpus if is_fit(octets)]
    assert len(fit) > 2900
    chosen = random.Random(6376).sample(fit, WHOLE if long_run else SAMPLE)
    lf = [octets.replace(b"\r\n", b"\n") for octets in chosen]
    forms = (lf, [octets.replace(b"\n", b"\r\n") for octets in lf])
    return [Case(octets, *kind) for form in forms for octets in form for kind in product(KINDS, KINDS, KEYS)]


def lookup(name: bytes, timeout: int = 5) -> bytes | None:
    return RECORDS.get(name.decode().rstrip("."))


def sign(case: Case) -> bytes:
    options = dkim.Options("example.org", case.selector, case.head, case.body, timestamp=1_700_000_000)
    return dkim.sign(Signable(case.octets), case.key, options) + case.octets


def test_dkimpy_verifies_what_we_sign(cases: list[Case]) -> None:
    wrong = []
    for case in cases:
        signed = sign(case)
        if not dkimpy.verify(signed, dnsfunc=lookup):
            wrong.append(case)
        if case.body == "relaxed":
            assert not dkimpy.verify(signed + b"x\n", dnsfunc=lookup)
    assert wrong == []


def test_we_verify_what_dkimpy_signs(cases: list[Case]) -> None:
    wrong = []
    for case in cases:
        field = dkimpy.sign(
            case.octets,
            case.selector.encode(),
            b"example.org",
            RSA_PEM if case.selector == "rsa" else ED25519_SEED,
            canonicalize=(case.head.encode(), case.body.encode()),
            signature_algorithm=b"rsa-sha256" if case.selector == "rsa" else b"ed25519-sha256",
        )
        # dkimpy ends its lines with CRLF whatever the message has
        results = dkim.verify(Signable(field + case.octets), resolver=Zone(RECORDS), now=NOW)
        if results[0].status is not Status.PASS:
            wrong.append((case, results[0]))
        changed = dkim.verify(Signable(field + case.octets + b"x\n"), resolver=Zone(RECORDS), now=NOW)
        assert changed[0].status is Status.FAIL
    assert wrong == []


def test_chains_made_with_dkimpy_in_turn(cases: list[Case]) -> None:
    octets_of_cases = dict.fromkeys(case.octets for case in cases)
    for octets in octets_of_cases:
        rest = octets
        for number in range(4):
            # dkimpy takes cv= from the server's own results
            stamp = b"Authentication-Results: example.org; arc=%s; spf=pass smtp.mailfrom=a@example.org\r\n"
            whole = stamp % (b"pass" if number else b"none") + rest
            rest = (theirs if number % 2 else ours)(whole) + rest
            result = arc.verify(Signable(rest), resolver=Zone(RECORDS), now=NOW)
            assert (result.status, result.oldest_pass) == ("pass", 0), result
            verdict, _, reason = dkimpy.arc_verify(rest, dnsfunc=lookup)
            assert verdict == dkimpy.CV_Pass, reason
        broken = rest + b"x\n"
        assert arc.verify(Signable(broken), resolver=Zone(RECORDS), now=NOW).status == "fail"
        assert dkimpy.arc_verify(broken, dnsfunc=lookup)[0] == dkimpy.CV_Fail


def ours(octets: bytes) -> bytes:
    options = arc.Options(
        "example.org", "rsa", timestamp=1_700_000_000, names=["from", "to", "subject", "date"]
    )
    return arc.sign(Signable(octets), KEYS["rsa"], options, resolver=Zone(RECORDS), now=NOW).fields


def theirs(octets: bytes) -> bytes:
    fields: list[bytes] = dkimpy.arc_sign(
        octets,
        b"rsa",
        b"example.org",
        RSA_PEM,
        b"example.org",
        include_headers=[b"from", b"to", b"subject", b"date"],
    )
    return b"".join(fields)


@pytest.fixture(scope="module")
def opendkim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in which `verdicts` works: OpenDKIM's resolver asks a server of ours on port 53."""
    if os.geteuid() != 0:
        pytest.skip(
            "opendkim-testmsg asks only the system's resolver: not root, so there is no other to give it"
        )
    program = shutil.which("opendkim-testmsg", path="/usr/sbin:/usr/bin:" + os.environ.get("PATH", ""))
    if program is None or shutil.which("unshare") is None:
        pytest.skip("no opendkim-testmsg (Debian: opendkim-tools) or no unshare")
    if subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode:
        pytest.skip("unshare -m is not allowed here")
    folder = tmp_path_factory.mktemp("opendkim")
    (folder / "resolv.conf").write_text("nameserver 127.0.0.1\n")
    try:
        server = KeyServer()
    except OSError as error:
        pytest.skip(f"port 53 of 127.0.0.1 is not to be had: {error}")
    (folder / "run").write_text(
        f"mount --bind {folder}/resolv.conf /etc/resolv.conf || exit 1\n"
        f"for file in {folder}/*.eml; do\n"
        f'  {program} -C < "$file" > /dev/null 2> "$file.err"; echo "$(basename "$file") $?"\n'
        "done\n"
    )
    yield folder
    server.close()


class KeyServer:
    """The records of this module, by UDP on 127.0.0.1:53."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._socket.bind(("127.0.0.1", 53))
        except OSError:
            self._socket.close()
            raise
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wake:
            wake.sendto(b"", ("127.0.0.1", 53))
        self._thread.join(5)
        self._socket.close()

    def _serve(self) -> None:
        while True:
            wire, peer = self._socket.recvfrom(4096)
            if not wire:
                return
            query = dns.message.from_wire(wire)
            answer = dns.message.make_response(query)
            answer.flags |= dns.flags.RA
            name = query.question[0].name
            record = RECORDS.get(name.to_text(omit_final_dot=True).lower())
            if record is None:
                answer.set_rcode(dns.rcode.NXDOMAIN)
            else:
                strings = " ".join(f'"{part.decode()}"' for part in keys.split_strings(record))
                answer.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", strings))
            self._socket.sendto(answer.to_wire(), peer)


def verdicts(folder: Path, messages: list[bytes]) -> list[tuple[int, str]]:
    """OpenDKIM's exit status and words for each message; all of them in one mount namespace."""
    for old in folder.glob("*.eml*"):
        old.unlink()
    for number, octets in enumerate(messages):
        (folder / f"{number:05}.eml").write_bytes(octets)
    done = subprocess.run(
        ["unshare", "-m", "sh", str(folder / "run")], check=True, capture_output=True, text=True, timeout=600
    )
    statuses = dict(line.split() for line in done.stdout.splitlines())
    assert len(statuses) == len(messages)
    return [
        (int(statuses[path.name]), path.with_suffix(".eml.err").read_text())
        for path in sorted(folder.glob("*.eml"))
    ]


def opendkim_takes(octets: bytes) -> bool:
    message = Signable(octets)
    return message.count(b"date") == 1 and all(message.count(name) <= 1 for name in UNIQUE)


def test_opendkim_verifies_what_we_sign(cases: list[Case], opendkim: Path) -> None:
    taken = [case for case in cases if opendkim_takes(case.octets)]
    assert len(taken) > len(cases) * 0.8
    found = verdicts(opendkim, [sign(case) for case in taken])
    wrong = [(case, words) for case, (status, words) in zip(taken, found, strict=True) if status]
    assert wrong == []


def test_opendkim_refuses_what_was_changed(cases: list[Case], opendkim: Path) -> None:
    taken = [case for case in cases if opendkim_takes(case.octets)][:16]
    found = verdicts(opendkim, [sign(case) + b"x\r\n" for case in taken])
    assert all(status and "Bad signature" in words for status, words in found)


def test_command_verifies_with_keys_from_a_dns_server(cases: list[Case]) -> None:
    strings = {
        name: [("TXT", " ".join(f'"{part.decode()}"' for part in keys.split_strings(record)))]
        for name, record in RECORDS.items()
    }
    signed = sign(cases[0])
    program = str(Path(sys.executable).with_name("blaze"))
    with dns_server(strings) as server:
        options = ["dkim", "verify", "--dns-timeout", "2s", "-n", server.nameserver]
        good = subprocess.run([program, *options], input=signed, capture_output=True, check=False)
        bad = subprocess.run([program, *options], input=signed + b"x\n", capture_output=True, check=False)
    assert (good.returncode, good.stdout) == (0, b"[OK]: example.org\n")
    assert (bad.returncode, bad.stdout[:19]) == (1, b"[ER]: example.org [")
    assert {name for name, _, _ in server.asked} == {f"{cases[0].selector}._domainkey.example.org"}


def test_keys_are_those_of_the_peers() -> None:
    assert base64.b64encode(KEYS["ed"].public.to_bytes()) in RECORDS["ed._domainkey.example.org"]
