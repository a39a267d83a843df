"""`blaze send` to domains that ask for TLS: DANE (RFC 7672) and MTA-STS (RFC 8461)."""

import hashlib
import http.server
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from blaze.core.net.dane import HAS_CHAIN
from blaze.core.net.tls import public_key_info
from blaze.core.smtp import ServerOptions
from tests.e2e.test_send import TLSFiles, blaze
from tests.support.smtp_server import Server, server

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> TLSFiles:
    return TLSFiles(tmp_path_factory.mktemp("tls"), ["mx.one.test", "mta-sts.one.test"])


@pytest.fixture
def peer(tls: TLSFiles) -> Iterator[Server]:
    with server(ServerOptions(starttls=True), context=tls.context) as running:
        yield running


def _certificates(tls: TLSFiles) -> list[bytes]:
    pem = tls.chain.read_text().split("-----END CERTIFICATE-----\n")
    return [ssl.PEM_cert_to_DER_cert(one + "-----END CERTIFICATE-----\n") for one in pem if one.strip()]


def _zone(folder: Path, **files: str) -> str:
    folder.mkdir()
    texts = {
        "one.test": "mx:mx.one.test:10\nad",
        "mx.one.test": "a:127.0.0.1\nad",
        "_mta-sts.one.test": "nodata",
    }
    for name, text in (texts | {name.replace("__", "."): text for name, text in files.items()}).items():
        (folder / f"{name}.dns").write_text(text + "\n")
    return str(folder)


def _send(zone: str, peer: Server, *args: str, **environ: str) -> "tuple[int, bytes]":
    where = ("--dns-static", zone, "--port", str(peer.port), "-r", "c@one.test")
    done = blaze("send", "-v", *where, *args, "-", **environ)
    return done.returncode, done.stderr


# DANE


@pytest.mark.parametrize(("selector", "matching"), [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)])
def test_dane_ee_vouches_for_any_certificate(
    selector: int, matching: int, tls: TLSFiles, peer: Server, tmp_path: Path
) -> None:
    leaf = _certificates(tls)[0]
    data = public_key_info(leaf) if selector else leaf
    data = {0: bytes, 1: lambda d: hashlib.sha256(d).digest(), 2: lambda d: hashlib.sha512(d).digest()}[
        matching
    ](data)
    record = f"tlsa:3 {selector} {matching} {data.hex()}\nad"
    zone = _zone(tmp_path / "zone", **{f"_{peer.port}._tcp.mx.one.test": record})
    code, stderr = _send(zone, peer)
    assert code == 0, stderr
    assert b"warning" not in stderr


@pytest.mark.parametrize(
    ("record", "code"),
    [
        (f"tlsa:3 1 1 {'00' * 32}\nad", 75),
        (f"tlsa:3 1 1 {'00' * 32}", 0),
        ("servfail\nad", 75),
        ("timeout\nad", 75),
        ("nodata\nad", 0),
        (f"tlsa:1 1 1 {'00' * 32}\nad", 0),
        (f"tlsa:3 1 1 {'00' * 31}\nad", 0),
    ],
)
def test_dane_refusals_wait(record: str, code: int, peer: Server, tmp_path: Path) -> None:
    zone = _zone(tmp_path / "zone", **{f"_{peer.port}._tcp.mx.one.test": record})
    assert _send(zone, peer)[0] == code
    assert len(peer.messages) == (code == 0)


def test_unusable_records_still_ask_for_tls(tmp_path: Path) -> None:
    with server() as peer:
        record = f"tlsa:1 1 1 {'00' * 32}\nad"
        zone = _zone(tmp_path / "zone", **{f"_{peer.port}._tcp.mx.one.test": record})
        code, stderr = _send(zone, peer)
    assert code == 75
    assert b"DANE asks for it" in stderr


@pytest.mark.parametrize(
    ("expanded", "alias", "code"),
    [
        ("right", "wrong", 0),
        ("wrong", "right", 75),
        (None, "right", 0),
        ("right", None, 0),
        (None, "wrong", 75),
    ],
)
def test_the_records_of_the_name_behind_an_alias_come_first(
    expanded: str | None, alias: str | None, code: int, tls: TLSFiles, peer: Server, tmp_path: Path
) -> None:
    digests = {"right": hashlib.sha256(_certificates(tls)[0]).hexdigest(), "wrong": "00" * 32}
    names = {"mx.one.test": "cname:host.one.test\nad", "host.one.test": "a:127.0.0.1\nad"}
    for host, kind in (("host", expanded), ("mx", alias)):
        if kind:
            names[f"_{peer.port}._tcp.{host}.one.test"] = f"tlsa:3 0 1 {digests[kind]}\nad"
    assert _send(_zone(tmp_path / "zone", **names), peer)[0] == code


def test_dane_ta(tls: TLSFiles, peer: Server, tmp_path: Path) -> None:
    authority = _certificates(tls)[1]
    record = f"tlsa:2 0 1 {hashlib.sha256(authority).hexdigest()}\nad"
    zone = _zone(tmp_path / "zone", **{f"_{peer.port}._tcp.mx.one.test": record})
    code, stderr = _send(zone, peer)
    assert code == 0, stderr
    assert (b"can be used" in stderr) is not HAS_CHAIN


def test_insecure_mx_records_mean_no_dane(peer: Server, tmp_path: Path) -> None:
    zone = _zone(
        tmp_path / "zone",
        **{"one.test": "mx:mx.one.test:10", f"_{peer.port}._tcp.mx.one.test": f"tlsa:3 1 1 {'00' * 32}\nad"},
    )
    assert _send(zone, peer)[0] == 0


# MTA-STS

POLICY = "version: STSv1\r\nmode: {mode}\r\nmx: {mx}\r\nmax_age: 86400\r\n"


class _PolicyServer:
    """An HTTPS server on 127.0.0.3 port 443 with one page."""

    def __init__(self, context: ssl.SSLContext) -> None:
        outer = self
        self.text, self.status, self.kind = "", 200, "text/plain"
        self.asked: list[str] = []
        self.delay = 0.0  # seconds before each octet of the page

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(f"{self.headers['Host']}{self.path}")
                self.send_response(outer.status)
                self.send_header("Content-Type", outer.kind)
                self.end_headers()
                for octet in outer.text.encode() if outer.delay else ():
                    time.sleep(outer.delay)
                    self.wfile.write(bytes([octet]))
                if not outer.delay:
                    self.wfile.write(outer.text.encode())

            def log_message(self, *args: object) -> None:
                pass

        try:
            self.http = http.server.ThreadingHTTPServer(("127.0.0.3", 443), Handler)
        except OSError as error:
            pytest.skip(f"port 443 cannot be listened on: {error}")
        self.http.socket = context.wrap_socket(self.http.socket, server_side=True)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()


@pytest.fixture
def policies(tls: TLSFiles) -> Iterator[_PolicyServer]:
    running = _PolicyServer(tls.context)
    yield running
    running.http.shutdown()
    running.http.server_close()


def _sts_zone(folder: Path) -> str:
    return _zone(
        folder,
        **{
            "one.test": "mx:mx.one.test:10",
            "_mta-sts.one.test": "txt:v=STSv1; id=2026;",
            "mta-sts.one.test": "a:127.0.0.3",
        },
    )


@pytest.mark.parametrize(
    ("mode", "mx", "trusted", "code"),
    [
        ("enforce", "mx.one.test", True, 0),
        ("enforce", "*.one.test", True, 0),
        ("enforce", "other.one.test", True, 75),
        ("enforce", "*.mx.one.test", True, 75),
        ("testing", "other.one.test", True, 0),
        ("none", "mx.one.test", True, 0),
        ("enforce", "other.one.test", False, 0),
    ],
)
def test_sts_policies(
    mode: str,
    mx: str,
    trusted: bool,
    code: int,
    tls: TLSFiles,
    peer: Server,
    policies: _PolicyServer,
    tmp_path: Path,
) -> None:
    policies.text = POLICY.format(mode=mode, mx=mx)
    trust = ("--cafile", str(tls.authority)) if trusted else ()
    got, stderr = _send(_sts_zone(tmp_path / "zone"), peer, *trust)
    assert got == code, stderr
    assert (b"is not kept" in stderr) is trusted
    assert policies.asked == (["mta-sts.one.test/.well-known/mta-sts.txt"] if trusted else [])
    assert (b"going on without the MTA-STS policy" in stderr) is not trusted


def test_sts_enforces_the_certificate(tls: TLSFiles, policies: _PolicyServer, tmp_path: Path) -> None:
    policies.text = POLICY.format(mode="enforce", mx="mx.one.test")
    (tmp_path / "other").mkdir()
    other = TLSFiles(tmp_path / "other", ["mx.one.test"])
    zone = _sts_zone(tmp_path / "zone")
    for options, context in ((ServerOptions(starttls=True), other.context), (ServerOptions(), None)):
        with server(options, context=context) as peer:
            code, stderr = _send(zone, peer, "--cafile", str(tls.authority))
            assert code == 75
            assert b"MTA-STS asks for it" in stderr
            assert not peer.messages


@pytest.mark.parametrize(
    ("status", "kind", "text"), [(404, "text/plain", ""), (200, "text/html", "x"), (200, "text/plain", "x")]
)
def test_sts_policies_that_cannot_be_read_are_passed_over(
    status: int, kind: str, text: str, tls: TLSFiles, peer: Server, policies: _PolicyServer, tmp_path: Path
) -> None:
    policies.status, policies.kind, policies.text = status, kind, text
    code, stderr = _send(_sts_zone(tmp_path / "zone"), peer, "--cafile", str(tls.authority))
    assert code == 0
    assert b"going on without the MTA-STS policy" in stderr


def test_a_policy_that_comes_an_octet_a_moment_is_not_waited_for(
    tls: TLSFiles, peer: Server, policies: _PolicyServer, tmp_path: Path
) -> None:
    policies.text, policies.delay = POLICY.format(mode="none", mx="mx.one.test"), 0.2
    begun = time.monotonic()
    code, stderr = _send(
        _sts_zone(tmp_path / "zone"), peer, "--cafile", str(tls.authority), "--timeout", "1s"
    )
    assert time.monotonic() - begun < 5
    assert code == 0
    assert b"timed out" in stderr


def test_sts_policies_are_kept(tls: TLSFiles, peer: Server, policies: _PolicyServer, tmp_path: Path) -> None:
    policies.text = POLICY.format(mode="enforce", mx="other.one.test")
    zone = _sts_zone(tmp_path / "zone")
    announcement = tmp_path / "zone" / "_mta-sts.one.test.dns"

    def send() -> tuple[int, bytes]:
        return _send(zone, peer, "--cafile", str(tls.authority), XDG_CACHE_HOME=str(tmp_path))

    assert send()[0] == 75
    assert send()[0] == 75
    assert len(policies.asked) == 1
    for said in ("nodata", "servfail"):  # who keeps the announcement away does not get rid of the policy
        announcement.write_text(said + "\n")
        assert send()[0] == 75
    assert len(policies.asked) == 1
    announcement.write_text("txt:v=STSv1; id=2027;\n")
    policies.status = 503
    code, stderr = send()
    assert code == 75
    assert b"going on with the kept MTA-STS policy of one.test" in stderr
    policies.status, policies.text = 200, POLICY.format(mode="enforce", mx="mx.one.test")
    assert send()[0] == 0
    assert send()[0] == 0
    assert len(policies.asked) == 3


@pytest.mark.parametrize(
    ("zone", "code"),
    [
        ({}, 0),
        ({"one.test": "mx:mx.one.test:10"}, 69),
        ({"one.test": "a:127.0.0.1"}, 0),
    ],
)
def test_require_tls_needs_a_secure_way_to_the_host(zone: dict[str, str], code: int, tmp_path: Path) -> None:
    files = TLSFiles(tmp_path, ["mx.one.test", "one.test"])
    with server(ServerOptions(starttls=True), context=files.context) as peer:
        args = ("--require-tls", "--cafile", str(files.authority))
        got, stderr = _send(_zone(tmp_path / "zone", **zone), peer, *args)
    assert got == code, stderr
    assert [list(message.parameters) for message in peer.messages] == [["SIZE", "REQUIRETLS"]] * (code == 0)


@pytest.mark.parametrize(("mode", "code"), [("enforce", 0), ("testing", 0), ("none", 69)])
def test_require_tls_is_content_with_an_sts_policy(
    mode: str, code: int, tls: TLSFiles, peer: Server, policies: _PolicyServer, tmp_path: Path
) -> None:
    policies.text = POLICY.format(mode=mode, mx="mx.one.test")
    args = ("--require-tls", "--cafile", str(tls.authority))
    got, stderr = _send(_sts_zone(tmp_path / "zone"), peer, *args)
    assert got == code, stderr


def test_require_tls_goes_on_to_a_host_that_offers_it(tls: TLSFiles, tmp_path: Path) -> None:
    other = ServerOptions(starttls=True, without=frozenset({"REQUIRETLS"}))
    zone = _zone(
        tmp_path / "zone",
        **{"one.test": "mx:no.one.test:5 mx.one.test:10\nad", "no.one.test": "a:127.0.0.2\nad"},
    )
    files = TLSFiles(tmp_path, ["mx.one.test", "no.one.test"])
    with server(ServerOptions(starttls=True), context=files.context) as peer:
        with server(other, context=files.context, address="127.0.0.2", port=peer.port) as first:
            code, stderr = _send(zone, peer, "--require-tls", "--cafile", str(files.authority))
        assert code == 0, stderr
        assert (len(first.messages), len(peer.messages)) == (0, 1)


def test_offline_fetches_no_policy(
    tls: TLSFiles, peer: Server, policies: _PolicyServer, tmp_path: Path
) -> None:
    policies.text = POLICY.format(mode="enforce", mx="other.test")
    assert _send(_sts_zone(tmp_path / "zone"), peer, "--offline")[0] == 0
    assert not policies.asked
