"""One deadline over everything that a connection does: no socket waits longer than its request may still take.

`http.client` and urllib3 bound each single wait. A server that sends a byte now and then, or lines without end, never
meets such a bound, wherever it does so: in the status line, a header, `100 Continue`, a chunk size, a trailer, the body
of an error, the TLS handshake, the answer of a proxy. So each socket checks the deadline before each wait.

The look-up of a host name uses no socket of ours; the system bounds it (`timeout` and `attempts` in resolv.conf).
"""

import math
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError, ProxySchemeUnsupported
from urllib3.util.connection import allowed_gai_family
from urllib3.util.ssl_ import create_urllib3_context, resolve_cert_reqs


class _Request(threading.local):
    """The request that this thread is waiting for; a connection serves one thread at a time."""

    ends: float = math.inf
    clock: Callable[[], float] = staticmethod(time.monotonic)


_request = _Request()


@contextmanager
def deadline(ends: float, clock: Callable[[], float]) -> Iterator[None]:
    """Within the block, this thread's bounded sockets raise TimeoutError once `clock` (seconds) shows `ends`."""
    outer = _request.ends, _request.clock
    _request.ends, _request.clock = ends, clock
    try:
        yield
    finally:
        _request.ends, _request.clock = outer


def bound(pool: HTTPConnectionPool) -> None:
    """Let a pool make bounded connections from now on. Raises ProxySchemeUnsupported for a proxy that is not HTTP."""
    if pool.ConnectionCls is HTTPSConnection:
        pool.ConnectionCls = BoundedTlsConnection
    elif pool.ConnectionCls is HTTPConnection:
        pool.ConnectionCls = BoundedConnection
    else:
        raise ProxySchemeUnsupported(f"no bounded connection can stand in for {pool.ConnectionCls.__name__}")


class BoundedSocket(socket.socket):
    """A socket whose timeout is the longest single wait, and whose waits all end at the deadline."""

    _longest_wait: float | None = None

    def settimeout(self, value: float | None, /) -> None:
        """Set the longest single wait, in seconds; None for no bound but the deadline."""
        self._longest_wait = value
        super().settimeout(value)

    def _prepare_to_wait(self) -> None:
        left = _request.ends - _request.clock()
        if left <= 0:
            raise TimeoutError("the deadline is over")
        wait = left if self._longest_wait is None else min(left, self._longest_wait)
        super().settimeout(wait if wait < math.inf else None)

    def connect(self, *args: Any) -> None:
        """As `socket.socket`."""
        self._prepare_to_wait()
        super().connect(*args)

    def recv(self, *args: Any) -> bytes:
        """As `socket.socket`."""
        self._prepare_to_wait()
        return super().recv(*args)

    def recv_into(self, *args: Any) -> int:
        """As `socket.socket`."""
        self._prepare_to_wait()
        return super().recv_into(*args)

    def send(self, *args: Any) -> int:
        """As `socket.socket`."""
        self._prepare_to_wait()
        return super().send(*args)

    def sendall(self, *args: Any) -> None:
        """As `socket.socket`."""
        self._prepare_to_wait()
        super().sendall(*args)


class BoundedTlsSocket(BoundedSocket, ssl.SSLSocket):
    """The same for TLS. The timeout bounds each operation of OpenSSL as a whole, the handshake too."""

    def do_handshake(self, block: bool = False) -> None:
        """As `ssl.SSLSocket`."""
        self._prepare_to_wait()
        super().do_handshake(block)


class BoundedConnection(HTTPConnection):
    """An HTTP connection over a bounded socket."""

    def _new_conn(self) -> socket.socket:
        try:
            return self._dial()
        except (socket.gaierror, UnicodeError) as error:
            raise NameResolutionError(self.host, self, socket.gaierror(*error.args)) from None
        except TimeoutError:
            raise ConnectTimeoutError(self, "no connection in time") from None
        except OSError as error:
            raise NewConnectionError(self, type(error).__name__) from None

    def _dial(self) -> BoundedSocket:
        """Connect to the first of the host's addresses that answers. urllib3's own connections are not bounded."""
        failure = OSError("the host name has no address")
        host = self._dns_host.strip("[]")
        for family, kind, protocol, _, address in socket.getaddrinfo(
            host, self.port, allowed_gai_family(), socket.SOCK_STREAM
        ):
            dialled = BoundedSocket(family, kind, protocol)
            try:
                for option in self.socket_options or ():
                    dialled.setsockopt(*option)
                dialled.settimeout(self.timeout)
                dialled.connect(address)
            except OSError as error:
                dialled.close()
                failure = error
            else:
                return dialled
        try:
            raise failure
        finally:
            del failure  # its traceback holds this frame


class BoundedTlsConnection(BoundedConnection, HTTPSConnection):
    """The same for https, through a proxy as well."""

    def connect(self) -> None:
        """Connect and shake hands, with a proxy first where there is one. Raises an error of urllib3."""
        self.ssl_context = self.ssl_context or self._context()
        if self.proxy is not None and self.proxy.scheme == "https" and self.proxy_config is not None:
            self.proxy_config = self.proxy_config._replace(ssl_context=self._context())
        try:
            super().connect()
        except TimeoutError:
            raise ConnectTimeoutError(self, "no connection in time") from None

    def _context(self) -> ssl.SSLContext:
        context = create_urllib3_context(cert_reqs=resolve_cert_reqs(self.cert_reqs))
        context.sslsocket_class = BoundedTlsSocket
        if self.ca_certs or self.ca_cert_dir:
            context.load_verify_locations(self.ca_certs, self.ca_cert_dir)
        return context
