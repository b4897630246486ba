"""A server that keeps its client waiting: it begins to answer at once, and then sends a little more for ever."""

import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

_MOST_SECONDS = 6.0
"""A connection is closed after this time, so that a client without a deadline fails its test instead of hanging it."""
_NAP = 0.05
_FLOOD = 1_000


@dataclass(frozen=True, slots=True)
class Trickle:
    """`start` is sent at once, then `more` again and again, every `pause` seconds; without a pause it is a flood."""

    start: bytes
    more: bytes
    pause: float = 0.02


class TricklingServer(socketserver.ThreadingTCPServer):
    """Answers each request with the next of `answers`, and with the last one from then on.

    With `tls` it shakes hands first. A request ends with `request_end`; any bytes are one where that is empty.
    """

    daemon_threads = False
    block_on_close = True
    request_queue_size = 128

    def __init__(self, *answers: bytes | Trickle, tls: ssl.SSLContext | None, request_end: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.requests = 0
        self.connections = 0
        self.stopping = threading.Event()
        self.tls = tls
        self.request_end = request_end
        self._answers = answers
        self._lock = threading.Lock()

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.server_address[1]}"

    def next_answer(self) -> bytes | Trickle:
        """The answer to the request that has come."""
        with self._lock:
            self.requests += 1
            return self._answers[min(self.requests, len(self._answers)) - 1]

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Count the connection, and take it."""
        self.connections += 1
        return True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that goes away is what the tests want."""


class _Connection(socketserver.BaseRequestHandler):
    server: TricklingServer

    def handle(self) -> None:
        self.request.settimeout(_MOST_SECONDS)
        if self.server.tls is not None:
            self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        ends = time.monotonic() + _MOST_SECONDS
        while self._has_request(ends):
            answer = self.server.next_answer()
            if isinstance(answer, bytes):
                self.request.sendall(answer)
            else:
                self._trickle(answer, ends)
                return

    def finish(self) -> None:
        self.request.close()

    def _has_request(self, ends: float) -> bool:
        received = b""
        while time.monotonic() < ends and not self.server.stopping.is_set():
            self.request.settimeout(_NAP)
            try:
                more = self.request.recv(65_536)
            except TimeoutError:
                continue
            finally:
                self.request.settimeout(_MOST_SECONDS)
            received += more
            if not more or received.endswith(self.server.request_end):
                return bool(more)
        return False

    def _trickle(self, answer: Trickle, ends: float) -> None:
        self.request.sendall(answer.start)
        more = answer.more if answer.pause else answer.more * _FLOOD
        while time.monotonic() < ends and not self.server.stopping.wait(answer.pause):
            self.request.sendall(more)


@contextmanager
def trickling(
    *answers: bytes | Trickle, tls: ssl.SSLContext | None = None, request_end: bytes = b"\r\n\r\n"
) -> Iterator[TricklingServer]:
    """A running server; its threads have ended when the block has."""
    with TricklingServer(*answers, tls=tls, request_end=request_end) as server:
        accepting = threading.Thread(target=server.serve_forever, args=(0.01,))
        accepting.start()
        try:
            yield server
        finally:
            server.stopping.set()
            server.shutdown()
            accepting.join()


class _Tunnel(socketserver.BaseRequestHandler):
    """What a proxy does for one CONNECT: a connection to where it is told, bytes both ways."""

    server: "Tunnels"

    def handle(self) -> None:
        if self.server.tls is not None:
            self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self.request.recv(65_536)
        where = head.split()[1].decode()
        self.server.asked.append(where)
        host, port = where.split(":")
        with socket.create_connection((host, int(port))) as target:
            self.request.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            back = threading.Thread(target=_pump, args=(target, self.request))
            back.start()
            _pump(self.request, target)
            back.join()

    def finish(self) -> None:
        self.request.close()


class Tunnels(socketserver.ThreadingTCPServer):
    """A proxy for CONNECT, itself behind `tls` where that is given. `asked`: where to."""

    daemon_threads = False
    block_on_close = True

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), _Tunnel)
        self.tls = tls
        self.asked: list[str] = []

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that goes away is what the tests want."""


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while some := source.recv(65_536):
            sink.sendall(some)
    for end in (source, sink):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@contextmanager
def tunnels(tls: ssl.SSLContext | None) -> Iterator[Tunnels]:
    """A running proxy; its threads have ended when the block has, if its clients and targets have."""
    with Tunnels(tls) as proxy:
        accepting = threading.Thread(target=proxy.serve_forever, args=(0.01,))
        accepting.start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
            accepting.join()
