"""The page with both chats: what it is made of, its live events, and the acts it sends."""

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.templating import Jinja2Templates
from starlette.types import ASGIApp
from starlette.websockets import WebSocket, WebSocketDisconnect

from sandbox.chat import Feed, Post
from sandbox.demo import wire
from sandbox.demo.acts import Acts
from sandbox.demo.guard import Guard
from sandbox.demo.ideas import IDEAS
from sandbox.demo.samples import SAMPLES, sample
from sandbox.demo.stage import Stage

HERE = Path(__file__).parent


class Page:
    """The application around one stage."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._acts = Acts(stage)
        self._templates = Jinja2Templates(HERE / "templates")

    def app(self, port: Callable[[], int]) -> ASGIApp:
        """To be served on 127.0.0.1; ``port`` tells where, once it is known."""
        routes = [
            Route("/", self._page),
            Route("/do/{act}", self._do, methods=["POST"]),
            Route("/commands", self._commands),
            Route("/samples/{name}", self._sample),
            WebSocketRoute("/live", self._live),
            Mount("/static", StaticFiles(directory=HERE / "static")),
        ]
        return Guard(Starlette(routes=routes), port)

    async def _page(self, request: Request) -> Response:
        stage = self._stage
        topics = list(stage.telegram.world.chats["forum"].topics)
        values: dict[str, Any] = {
            "people": list(stage.telegram.people.values()),
            "bot": stage.telegram.username,
            "topics": topics,
            "samples": SAMPLES,
            "ideas": IDEAS,
        }
        return self._templates.TemplateResponse(request, "page.html", values)

    async def _do(self, request: Request) -> Response:
        async with request.form(max_files=10) as form:
            try:
                answer = await self._acts.act(request.path_params["act"], form)
            except (KeyError, ValueError) as error:
                return JSONResponse({"error": str(error.args[0] if error.args else error)}, 400)
        return JSONResponse(answer)

    async def _commands(self, request: Request) -> Response:
        who = request.query_params.get("who", "")
        if who not in self._stage.telegram.people:
            return JSONResponse({"error": "nobody of that name"}, 404)
        return JSONResponse(
            {"telegram": wire.telegram_commands(self._stage, who), "discord": wire.discord_commands(self._stage, who)}
        )

    async def _sample(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in SAMPLES:
            return Response(status_code=404)
        drawn = await sample(name)
        return Response(drawn.data, media_type=drawn.mime)

    async def _live(self, socket: WebSocket) -> None:
        """All posts as they stand now, then everything that happens. Nothing is expected from the page."""
        await socket.accept()
        outgoing: asyncio.Queue[wire.Json] = asyncio.Queue()
        outgoing.put_nowait({"type": "hello"})
        tasks = [
            asyncio.create_task(self._follow(self._stage.telegram.feed, outgoing)),
            asyncio.create_task(self._follow(self._stage.discord.feed, outgoing)),
            asyncio.create_task(_send(socket, outgoing)),
        ]
        try:
            with contextlib.suppress(WebSocketDisconnect):
                while True:
                    await socket.receive_text()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def _follow(self, feed: Feed, outgoing: asyncio.Queue[wire.Json]) -> None:
        past, number, seen = len(feed.events), 0, set[tuple[str, str]]()
        async for event in feed.subscribe(replay=True):
            number += 1
            if number <= past:
                # Of what is past: each post once, in its place and as it stands now; no toasts and no forms.
                if not isinstance(event, Post) or (event.chat, event.id) in seen:
                    continue
                seen.add((event.chat, event.id))
                event = feed.post(event.chat, event.id)  # noqa: PLW2901
            outgoing.put_nowait(wire.event(self._stage, event))


async def _send(socket: WebSocket, outgoing: asyncio.Queue[wire.Json]) -> None:
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        while True:
            await socket.send_json(await outgoing.get())
