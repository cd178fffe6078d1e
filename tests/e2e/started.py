"""Processes of the bots that start at once: forked from one that has imported them already.

They are processes like any other, with an environment, a folder, files and a number of their own; only the second and a
half of importing is saved, a hundred times in a suite. Programs other than ``bots`` are started the long way.
"""

import asyncio
import atexit
import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).parents[2]
_LINE = 1 << 20


class Started:
    """What :class:`asyncio.subprocess.Process` tells of a process."""

    def __init__(self, pid: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._writer = writer
        self._ended = asyncio.create_task(self._end(reader))

    async def _end(self, reader: asyncio.StreamReader) -> int:
        status = int(await reader.readline())
        self.returncode = os.waitstatus_to_exitcode(status)
        self._writer.close()
        return self.returncode

    async def wait(self) -> int:
        """The exit code; minus the signal's number for a killed one."""
        return await asyncio.shield(self._ended)


async def start(*arguments: str, folder: Path, environment: Mapping[str, str], out: Path, err: Path) -> Started:
    """``python -m bots`` with these arguments and nothing in its environment but this; output is appended."""
    reader, writer = await asyncio.open_unix_connection(_mother(), limit=_LINE)
    wish = {"arguments": arguments, "folder": str(folder), "environment": dict(environment)}
    writer.write(json.dumps({**wish, "out": str(out), "err": str(err)}).encode() + b"\n")
    return Started(int(await reader.readline()), reader, writer)


_address: list[str] = []


def _mother() -> str:
    """Where this test process's mother of bots listens; started at its first use, gone when this process is."""
    if not _address:
        address = f"{tempfile.mkdtemp(prefix='imagine-')}/mother"
        mother = subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.started", address],
            cwd=CHECKOUT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert mother.stdout is not None
        assert mother.stdout.readline() == b"ready\n"
        atexit.register(mother.kill)
        _address.append(address)
    return _address[0]


def _serve(address: str) -> None:

    import core.store  # noqa: F401

    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen(100)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            # Whoever started this holds the other end: when it is gone, so is this.
            ready, _, _ = select.select([listening, sys.stdin], [], [])
            if sys.stdin in ready:
                return
            connection, _ = listening.accept()
            if os.fork() == 0:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                listening.close()
                _bear(connection)
            connection.close()


def _bear(connection: socket.socket) -> None:
    """Fork the bots, tell their number, wait for their end, tell that."""
    wish = json.loads(connection.makefile("r").readline())
    child = os.fork()
    if child == 0:
        connection.close()
        _become(wish)
    with contextlib.suppress(OSError):
        connection.sendall(f"{child}\n".encode())
        _, status = os.waitpid(child, 0)
        connection.sendall(f"{status}\n".encode())
    os._exit(0)


def _become(wish: dict[str, Any]) -> None:
    os.chdir(wish["folder"])
    os.environ.clear()
    os.environ.update(wish["environment"])
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(wish[name], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644), number)
    sys.argv = ["bots", *wish["arguments"]]
    code = 1
    try:
        from bots.cli import main

        main()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # noqa: BLE001 - as the interpreter itself ends a program
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve(sys.argv[1])
