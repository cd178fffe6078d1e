"""The processes of a measurement: the stand-ins, the bots, the floor."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any, Self

import psutil

CHECKOUT = Path(__file__).parents[1]
#: What stands in nobody's way: limits are not what is measured.
UNLIMITED = {
    "USER_DAILY_CREDITS": "0",
    "USER_MONTHLY_CREDITS": "0",
    "USER_RUNNING": "1000",
    "USER_QUEUED": "100000",
    "APIYI_CONCURRENCY": "1000",
    "AIHUBMIX_CONCURRENCY": "1000",
    "DEFAULT_MODEL": "flux-2-pro",
    "WEB_LISTEN": "127.0.0.1:0",
    "LOG_LEVEL": "info",
    "STOP_GRACE": "5",
}


async def until(holds: Callable[[], bool], *, timeout: float) -> None:
    """Raises TimeoutError."""
    async with asyncio.timeout(timeout):
        while True:
            if holds():
                return
            await asyncio.sleep(0.02)


class Program:
    """A Python module as a process; ``log`` collects what it prints."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self.process, self.log = process, log
        self._seen = psutil.Process(process.pid)

    @classmethod
    async def start(cls, *arguments: str, environment: Mapping[str, str], folder: Path, log: str = "log") -> Self:
        path = folder / f"{log}.txt"
        with path.open("ab") as out:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", *arguments, cwd=folder, env=base(folder, environment), stdout=out, stderr=out
            )
        return cls(process, path)

    def cpu(self) -> float:
        """Seconds of CPU time so far, all threads."""
        times = self._seen.cpu_times()
        return float(times.user + times.system)

    def memory(self) -> int:
        """Resident bytes."""
        return int(self._seen.memory_info().rss)

    async def stop(self) -> None:
        if self.process.returncode is not None:
            raise RuntimeError(f"ended by itself ({self.process.returncode}):\n{self.said()[-4000:]}")
        self.process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(15):
                await self.process.wait()
        except TimeoutError:
            self.process.kill()
            await self.process.wait()

    def said(self) -> str:
        return self.log.read_text("utf-8", errors="replace")


def base(folder: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Nothing of the caller's own environment reaches the measured processes."""
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(CHECKOUT), **environment}


class Peers:
    """The stand-ins' process, by its pipe."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.addresses: dict[str, str] = {}

    async def ask(self, do: str, **given: Any) -> Any:
        """One command of :class:`bench.stand_ins.StandIns`. Raises RuntimeError with what went wrong there."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": do, **given}).encode() + b"\n")
        await self._process.stdin.drain()
        line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError("the stand-ins have ended")
        answer = json.loads(line)
        if "error" in answer:
            raise RuntimeError(f"the stand-ins failed to {do}: {answer['error']}")
        return answer


@contextlib.asynccontextmanager
async def peers(folder: Path, *, seconds: float) -> AsyncIterator[Peers]:
    """The stand-ins, running; a picture takes ``seconds``."""
    with (folder / "stand-ins.txt").open("ab") as out:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bench.stand_ins",
            cwd=folder,
            env=base(folder, {}),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=out,
            limit=1 << 24,
        )
    try:
        found = Peers(process)
        found.addresses = await found.ask("addresses")
        await found.ask("seconds", seconds=seconds)
        yield found
    finally:
        process.kill()
        await process.wait()


@contextlib.asynccontextmanager
async def bots(
    stand_ins: Peers, folder: Path, *parts: str, platform: str, settings: Mapping[str, str] | None = None
) -> AsyncIterator[Program]:
    """``imagine run`` with an empty database of its own (unless ``settings`` name one), listening on ``platform``."""
    folder.mkdir(parents=True, exist_ok=True)
    environment = {**stand_ins.addresses, **UNLIMITED, **(settings or {})}
    for other in {"telegram", "discord"} - {platform}:
        del environment[f"{other.upper()}_BOT_TOKEN"]
    arguments = [argument for part in parts for argument in ("--part", part)]
    program = await Program.start("bench.counted", "run", *arguments, environment=environment, folder=folder)
    async with _listening(stand_ins, program, platform):
        yield program


@contextlib.asynccontextmanager
async def floor(stand_ins: Peers, folder: Path, *, platform: str) -> AsyncIterator[Program]:
    """The bare script, listening."""
    folder.mkdir(parents=True, exist_ok=True)
    program = await Program.start("bench.floor", platform, environment=stand_ins.addresses, folder=folder)
    async with _listening(stand_ins, program, platform):
        yield program


@contextlib.asynccontextmanager
async def _listening(stand_ins: Peers, program: Program, platform: str) -> AsyncIterator[None]:
    listening = asyncio.create_task(stand_ins.ask("listening", platform=platform))
    ended = asyncio.create_task(program.process.wait())
    await asyncio.wait({listening, ended}, return_when=asyncio.FIRST_COMPLETED)
    if ended.done() or listening.exception() is not None:
        listening.cancel()
        with contextlib.suppress(ProcessLookupError):
            program.process.kill()
        raise RuntimeError(f"not listening on {platform}:\n{program.said()[-4000:]}")
    try:
        yield
    finally:
        await program.stop()
        await stand_ins.ask("listening", platform=platform, wanted=False)
