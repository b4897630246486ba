"""A server that answers as told and remembers what it got."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

Scripted = tuple[int, Mapping[str, str], bytes]


class ScriptedServer:
    """Answers each request with the next of `answers`, and with the last one from then on."""

    def __init__(self, *answers: Scripted) -> None:
        self.requests: list[Mapping[str, str]] = []
        self.paths: list[str] = []
        self.connections = 0
        self._answers = answers
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        script = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self) -> None:
                script.connections += 1
                super().setup()

            def do_GET(self) -> None:
                script.requests.append(dict(self.headers.items()))
                script.paths.append(self.path)
                status, headers, body = script._answers[min(len(script.requests), len(script._answers)) - 1]
                self.send_response_only(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        return Handler

    def serve(self) -> None:
        """Until `stop`."""
        self._server.serve_forever(0.01)

    def stop(self) -> None:
        """Stop and close."""
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def scripted(*answers: Scripted) -> Iterator[ScriptedServer]:
    """A running server."""
    server = ScriptedServer(*answers)
    Thread(target=server.serve, daemon=True).start()
    try:
        yield server
    finally:
        server.stop()
