"""The sockets of the demo server: keep-alive connections, one thread each."""

import socket
import socketserver
from collections.abc import Callable, Iterable
from threading import Event, Lock
from typing import Any

from leads_assets.demo.account.messages import Reply, Request, error_reply, read_request

_CHUNK = 65_536
_SLOW_CHUNKS = 10


class Connections(socketserver.ThreadingTCPServer):
    """Listens on loopback and hands each request to `answer`; `stopping` ends waits and connections."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, port: int, answer: Callable[[Request], Reply]) -> None:
        self.answer = answer
        self.stopping = Event()
        self._open: set[socket.socket] = set()
        self._open_lock = Lock()
        super().__init__(("127.0.0.1", port), _Connection)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Hand an accepted connection to a thread of its own."""
        # Here and not in that thread: it may begin only after `close_all` has looked.
        with self._open_lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """End a connection that is done."""
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def close_all(self) -> None:
        """Stop listening and end every open connection."""
        self.stopping.set()
        self.server_close()
        with self._open_lock:
            remaining = list(self._open)
        for connection in remaining:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                # The client was faster.
                continue


class _Connection(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True
    server: Connections

    def handle(self) -> None:
        try:
            while self._serve_one():
                pass
        except OSError:
            # The client went away in the middle: there is nobody left to tell.
            return

    def _serve_one(self) -> bool:
        """Answer one request; False at the end of the connection."""
        try:
            request = read_request(self.rfile)
        except ValueError as error:
            self._send(error_reply(400, str(error)))
            return False
        if request is None:
            return False
        reply = self.server.answer(request)
        return self._send(reply) and request.keeps_alive and not self.server.stopping.is_set()

    def _send(self, reply: Reply) -> bool:
        """Send the reply as it wants to be sent; False where the connection ends with it."""
        if reply.disconnect:
            return False
        head = reply.head()
        if reply.head_pause:
            return self._send_head_for_ever(head, reply.head_pause)
        if reply.stream is not None:
            self.connection.sendall(head)
            self._send_chunked(reply.stream)
            return True
        if reply.cut:
            self.connection.sendall(head + reply.body[: len(reply.body) // 2])
            return False
        if reply.chunk_pause:
            self.connection.sendall(head)
            return self._send_slowly(reply.body, reply.chunk_pause)
        self.connection.sendall(head + reply.body)
        for start in range(0, reply.padding, _CHUNK):
            self.connection.sendall(b" " * min(_CHUNK, reply.padding - start))
        return True

    def _send_head_for_ever(self, head: bytes, pause: float) -> bool:
        self.connection.sendall(head.removesuffix(b"\r\n"))
        while not self.server.stopping.wait(pause):
            self.connection.sendall(b"X-More: 1\r\n")
        return False

    def _send_slowly(self, body: bytes, pause: float) -> bool:
        size = max(1, -(-len(body) // _SLOW_CHUNKS))
        for start in range(0, len(body), size):
            if self.server.stopping.wait(pause):
                return False
            self.connection.sendall(body[start : start + size])
        return True

    def _send_chunked(self, stream: Iterable[bytes]) -> None:
        pending: list[bytes] = []
        size = 0
        for piece in stream:
            pending.append(piece)
            size += len(piece)
            if size >= _CHUNK:
                self.connection.sendall(b"%x\r\n%b\r\n" % (size, b"".join(pending)))
                pending, size = [], 0
        last = b"%x\r\n%b\r\n" % (size, b"".join(pending)) if size else b""
        self.connection.sendall(last + b"0\r\n\r\n")
