"""An invented shop with an API of its own: nothing in it is called as in the account of this project."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "shop-token"
Rows = dict[int, dict[str, Any]]


def _books() -> Rows:
    return {
        number: {
            "id": number,
            "title": f"Volume {number}",
            "price": f"{number}.25",
            "touchedOn": "2026-01-02T03:04:05Z",
        }
        for number in range(1, 238)
    }


@dataclass
class Shop:
    """What the shop holds, what it was asked (path and query), and how often it was asked to wait."""

    books: Rows = field(default_factory=_books)
    shelves: Rows = field(default_factory=lambda: {n: {"id": n, "room": f"Room {n}"} for n in range(1, 8)})
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    refused: int = 0
    pauses: int = 0
    base_url: str = ""

    def answer(self, path: str, query: dict[str, str], token: str | None) -> tuple[int, dict[str, str], Any]:
        """Status, headers and body of one response."""
        if token != TOKEN:
            self.refused += 1
            return 401, {}, {"code": "who are you"}
        if self.pauses:
            self.pauses -= 1
            return 429, {"Shop-Pause": "1"}, {"code": "too fast"}
        self.asked.append((path, query))
        if path == "/rest/shelves":
            return 200, {}, {"found": list(self.shelves.values())}
        if path != "/rest/catalogue/books":
            return 404, {}, {"code": "no such shelf"}
        since = query.get("touched_from", "").replace(" ", "T")
        rows = [book for book in self.books.values() if book["touchedOn"] >= since]
        rows.sort(key=lambda book: book["id"], reverse=query.get("sort_way") == "down")
        skip, size = int(query.get("skip", 0)), min(int(query.get("per_page", 20)), 100)
        return 200, {}, {"found": rows[skip : skip + size], "matches": len(rows)}


@contextmanager
def open_shop() -> Iterator[Shop]:
    """The shop behind a server on loopback."""
    shop = Shop()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            address = urlsplit(self.path)
            query = {name: values[-1] for name, values in parse_qs(address.query).items()}
            status, headers, body = shop.answer(address.path, query, self.headers.get("Shop-Token"))
            data = json.dumps(body).encode()
            self.send_response_only(status)
            for name, value in {**headers, "Content-Length": str(len(data))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    shop.base_url = f"http://127.0.0.1:{server.server_address[1]}/rest"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield shop
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
