"""A SOCKS5 proxy (RFC 1928) for tests: it takes one connection, and passes it on to a port of loopback."""

import contextlib
import socket
import threading


class Socks5(threading.Thread):
    """`asked` is the host that the client named; with a `reply` other than 0 the client is refused."""

    def __init__(self, onward: int, reply: int = 0) -> None:
        super().__init__(daemon=True)
        self._onward, self._reply = onward, reply
        self.asked = b""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def run(self) -> None:
        with self._listener:
            client, _ = self._listener.accept()
        with client:
            client.recv(100)
            client.sendall(b"\x05\x00")
            request = client.recv(300)
            self.asked = request[5 : 5 + request[4]]
            client.sendall(bytes([5, self._reply, 0, 1, 127, 0, 0, 1, 0, 0]))
            if not self._reply:
                with socket.create_connection(("127.0.0.1", self._onward)) as server:
                    back = threading.Thread(target=_pass_on, args=(server, client), daemon=True)
                    back.start()
                    _pass_on(client, server)
                    back.join(5)


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while octets := source.recv(65536):
            target.sendall(octets)
        target.shutdown(socket.SHUT_WR)
