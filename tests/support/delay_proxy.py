"""A TCP proxy on loopback that holds everything back for a while: `python delay_proxy.py SECONDS PORT`.

It prints the port it listens on. Each direction is late by SECONDS; how much is on the way is not limited.
"""

import queue
import socket
import sys
import threading
import time


def serve(seconds: float, port: int) -> None:
    """Forward connections to `port` for ever."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sys.stdout.write(f"{listener.getsockname()[1]}\n")
        sys.stdout.flush()
        while True:
            client, _ = listener.accept()
            server = socket.create_connection(("127.0.0.1", port))
            for one, other in ((client, server), (server, client)):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                waiting: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
                threading.Thread(target=_read, args=(one, waiting, seconds), daemon=True).start()
                threading.Thread(target=_write, args=(other, waiting), daemon=True).start()


def _read(source: socket.socket, waiting: "queue.SimpleQueue[tuple[float, bytes]]", seconds: float) -> None:
    data = b"-"
    while data:
        try:
            data = source.recv(1 << 16)
        except OSError:
            data = b""
        waiting.put((time.monotonic() + seconds, data))


def _write(target: socket.socket, waiting: "queue.SimpleQueue[tuple[float, bytes]]") -> None:
    while True:
        due, data = waiting.get()
        time.sleep(max(due - time.monotonic(), 0))
        try:
            if not data:
                target.shutdown(socket.SHUT_WR)
                return
            target.sendall(data)
        except OSError:
            return


if __name__ == "__main__":
    serve(float(sys.argv[1]), int(sys.argv[2]))
