"""A real S3-protocol server for tests: moto's, in a process (and an environment) of its own."""

import asyncio
import contextlib
import http.client
import itertools
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest

_numbers = itertools.count(1)
#: What a line to the server does with a connection.
Mood = Literal["open", "shut", "silent", "cuts"]
#: Bytes of a request after which a line that cuts is cut.
CUT_AFTER = 64 * 1024


@pytest.fixture(scope="session")
def s3_port() -> Iterator[int]:
    """One server a session; every test makes a bucket of its own."""
    beside = Path(sys.prefix) / "s3" / "bin" / "moto_server"
    program = str(beside) if beside.exists() else shutil.which("moto_server")
    if program is None:
        raise FileNotFoundError("moto_server, an S3 server, is not installed: `make test` sets it up")
    with subprocess.Popen([program, "-H", "127.0.0.1", "-p", "0"], stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        try:
            found = next(filter(None, (re.search(r"http://127\.0\.0\.1:(\d+)", line) for line in server.stderr)))
            # What it goes on to say is read by nobody: closed, it cannot fill up.
            server.stderr.close()
            yield int(found[1])
        finally:
            server.terminate()


@dataclass
class Line:
    """The way to the server, which can be down; it remembers what was asked for."""

    port: int
    mood: Mood = "open"
    requests: list[str] = field(default_factory=list)  #: such as "PUT /bucket/name"

    def puts(self) -> list[str]:
        return [request.removeprefix("PUT ") for request in self.requests if request.startswith("PUT ")]

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError), contextlib.closing(writer):
            if self.mood == "shut":
                return
            there, back = await asyncio.open_connection("127.0.0.1", self.port)
            with contextlib.closing(back):
                answers = asyncio.create_task(self._answers(there, writer))
                await self._questions(reader, back)
                await asyncio.wait({answers}, timeout=1 if self.mood == "open" else 0)
                answers.cancel()

    async def _questions(self, reader: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        carried = 0
        while data := await reader.read(CUT_AFTER // 4):
            carried += len(data)
            if self.mood == "silent":
                continue
            if self.mood == "shut" or (self.mood == "cuts" and carried > CUT_AFTER):
                return
            self.requests += [found.decode() for found in re.findall(rb"^((?:PUT|GET|HEAD|DELETE) [^ ?]+)", data)]
            back.write(data)
            await back.drain()

    async def _answers(self, there: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await there.read(65536):
                writer.write(data)
                await writer.drain()


@dataclass
class Bucket:
    """A bucket of its own behind a line of its own."""

    name: str
    line: Line

    @property
    def url(self) -> str:
        return f"s3://{self.name}/of/ours"


@pytest.fixture
async def bucket(s3_port: int, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bucket]:
    """With the environment in which obstore finds it."""
    name = f"pictures-{next(_numbers)}"
    await asyncio.to_thread(_make, s3_port, name)
    line = Line(s3_port)
    server = await asyncio.start_server(line.carry, "127.0.0.1", 0)
    for key, value in environment(server.sockets[0].getsockname()[1]).items():
        monkeypatch.setenv(key, value)
    async with server:
        yield Bucket(name, line)
        server.close()


def environment(port: int) -> dict[str, str]:
    """What an operator sets."""
    return {
        "AWS_ENDPOINT": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "ana",
        "AWS_SECRET_ACCESS_KEY": "not-a-real-one",
        "AWS_REGION": "eu-central-1",
        "AWS_ALLOW_HTTP": "true",
    }


def _make(port: int, name: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    # A region of one's own would have to be named in the body.
    connection.request(
        "PUT",
        f"/{name}",
        headers={"Authorization": "AWS4-HMAC-SHA256 Credential=ana/20261121/us-east-1/s3/aws4_request"},
    )
    assert connection.getresponse().status == http.HTTPStatus.OK
    connection.close()
