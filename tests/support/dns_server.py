"""A DNS server on loopback for tests, built on dnspython: UDP and TCP on one port, or TLS."""

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

Handler = Callable[[dns.message.Message, str], dns.message.Message | None]
Zone = Mapping[str, Sequence[tuple[str, str]]]  # name -> (type, rdata in zone-file form)


class DNSServer:
    """Answers by `handler(query, transport)`; None means silence. `asked` lists (name, type, transport)."""

    def __init__(self, handler: Handler, *, tls: ssl.SSLContext | None = None) -> None:
        self._handler = handler
        self._tls = tls
        self.asked: list[tuple[str, str, str]] = []
        self._stopping = False
        for _ in range(20):
            self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._udp.bind(("127.0.0.1", 0))
            self.port: int = self._udp.getsockname()[1]
            try:
                self._tcp = socket.create_server(("127.0.0.1", self.port))
                break
            except OSError:
                self._udp.close()
        self._threads = [
            threading.Thread(target=work, daemon=True) for work in (self._serve_udp, self._serve_tcp)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def nameserver(self) -> str:
        return f"{'tls:' if self._tls else ''}127.0.0.1:{self.port}"

    def close(self) -> None:
        self._stopping = True
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            pass
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wake:
            wake.sendto(b"", ("127.0.0.1", self.port))
        for thread in self._threads:
            thread.join(5)
        self._udp.close()
        self._tcp.close()

    def _reply(self, wire: bytes, transport: str) -> bytes | None:
        query = dns.message.from_wire(wire)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True)
        self.asked.append((name, dns.rdatatype.to_text(question.rdtype), transport))
        response = self._handler(query, transport)
        return response.to_wire(max_size=65535) if response else None

    def _serve_udp(self) -> None:
        while True:
            wire, peer = self._udp.recvfrom(65535)
            if self._stopping:
                return
            # a thread each: a slow answer holds up no other
            threading.Thread(target=self._answer_datagram, args=(wire, peer), daemon=True).start()

    def _answer_datagram(self, wire: bytes, peer: tuple[str, int]) -> None:
        reply = self._reply(wire, "udp")
        if reply:
            with contextlib.suppress(OSError):
                self._udp.sendto(reply, peer)

    def _serve_tcp(self) -> None:
        while True:
            connection, _ = self._tcp.accept()
            if self._stopping:
                connection.close()
                return
            threading.Thread(target=self._answer_connection, args=(connection,), daemon=True).start()

    def _answer_connection(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            stream = self._tls.wrap_socket(connection, server_side=True) if self._tls else connection
            with stream, stream.makefile("rb") as reader:
                while prefix := reader.read(2):
                    wire = reader.read(struct.unpack("!H", prefix)[0])
                    reply = self._reply(wire, "tls" if self._tls else "tcp")
                    if reply is None:
                        return
                    stream.sendall(struct.pack("!H", len(reply)) + reply)


def zone_handler(zone: Zone, *, authenticated: bool = False) -> Handler:
    """Answers from `zone`; SERVFAIL, TIMEOUT and TRUNCATE (over UDP) are types that stand for a behaviour."""
    records = {dns.name.from_text(name).canonicalize(): list(sets) for name, sets in zone.items()}

    def handle(query: dns.message.Message, transport: str) -> dns.message.Message | None:
        question = query.question[0]
        response = dns.message.make_response(query, recursion_available=True)
        if authenticated and query.flags & dns.flags.AD:
            response.flags |= dns.flags.AD
        held = records.get(question.name.canonicalize())
        kinds = {kind for kind, _ in held or ()}
        if "TIMEOUT" in kinds:
            return None
        if "SERVFAIL" in kinds:
            response.set_rcode(dns.rcode.SERVFAIL)
        elif "TRUNCATE" in kinds and transport == "udp":
            response.flags |= dns.flags.TC
        elif held is None:
            response.set_rcode(dns.rcode.NXDOMAIN)
        else:
            _add_answers(response, question, records)
        return response

    return handle


def _add_answers(
    response: dns.message.Message,
    question: dns.rrset.RRset,
    records: Mapping[dns.name.Name, list[tuple[str, str]]],
) -> None:
    name, wanted = question.name, dns.rdatatype.to_text(question.rdtype)
    for _ in range(30):
        held = records.get(name.canonicalize())
        if held is None:
            response.set_rcode(dns.rcode.NXDOMAIN)
            return
        texts = [rdata for kind, rdata in held if kind == wanted]
        if texts:
            response.answer.append(dns.rrset.from_text_list(name, 300, "IN", wanted, texts))
            return
        alias = next((rdata for kind, rdata in held if kind == "CNAME"), None)
        if alias is None:
            return
        response.answer.append(dns.rrset.from_text(name, 300, "IN", "CNAME", alias))
        name = dns.name.from_text(alias)


@contextlib.contextmanager
def dns_server(
    zone: Zone, *, authenticated: bool = False, tls: ssl.SSLContext | None = None
) -> Iterator[DNSServer]:
    """A server of `zone` for as long as the block runs."""
    server = DNSServer(zone_handler(zone, authenticated=authenticated), tls=tls)
    try:
        yield server
    finally:
        server.close()
