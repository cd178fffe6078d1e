"""What both stand-ins share: keys, orders, time, faults, and the way from an accepted job to an answer."""

import asyncio
import base64
import contextlib
import hashlib
import json
import random
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from sandbox.gateways.delivery import Delivery
from sandbox.gateways.faults import DOWNLOADS, PICTURES, REFUSALS, TASKS, Fault, Faults, Stage, wished
from sandbox.gateways.hosts import Host, serve_together
from sandbox.gateways.line import Line
from sandbox.gateways.records import Order, Received
from sandbox.gateways.refusals import HungUp, Refusal, answer_refusal, common
from sandbox.gateways.spoiled import spoil
from sandbox.pictures import Format, draw, transform

Json = dict[str, object]


@dataclass(frozen=True)
class Job:
    """A checked submit, in the terms of whoever draws it."""

    model: str
    prompt: str
    fields: Mapping[str, object]  #: as sent
    size: tuple[int, int]  #: pixels of the result
    format: Format
    answer: Callable[[Sequence[str]], Json]  #: base64 texts or addresses to the answer's JSON
    seed: int | None = None  #: None: rolled
    count: int = 1
    pictures: tuple[bytes, ...] = ()
    mask: bytes | None = None  #: transparent where the first picture may change
    transparent: bool = False
    inline: bool = False  #: base64 in the answer instead of an address
    task: bool = False  #: answered with a task id
    lifetime: float = 600.0  #: seconds that an address works (BFL: ten minutes)
    folder: str = "/results"  #: where the delivery host keeps it


class GatewaySandbox(ABC):
    """A gateway on loopback ports. ``async with sandbox.running():`` starts it; the addresses are valid inside.

    ``seconds`` is how long a picture takes in real time (a range: chosen by prompt and seed). ``clock`` gives the
    seconds by which addresses expire and tasks ripen, so a test may move it by hand. State stays over restarts of
    whoever calls, and is lost with this object.
    """

    #: Accepted when no other keys are given.
    default_key: str
    #: Whether the API answers a trailing slash with 301.
    slash_redirects = True

    def __init__(
        self,
        *,
        keys: Iterable[str] | None = None,
        seconds: float | tuple[float, float] = 0.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.keys = set(keys) if keys is not None else {self.default_key}
        self.seconds = seconds
        self.clock = clock
        self.orders: list[Order] = []  #: every accepted submit
        self.requests: list[Received] = []  #: everything the API heard, the refused too
        self.strays: list[Received] = []  #: what reached a host that nobody should visit
        self.base_url = ""  #: the API's root, without ``/v1``
        self.stray_url = ""  #: where ``redirect_loopback`` leads
        self._received_deliveries: list[Received] = []
        self._faults = Faults()
        self._delivery = Delivery(clock=clock, faults=self._faults)
        self._stopping = asyncio.Event()
        self._changed = asyncio.Condition()

    @property
    def delivery_url(self) -> str:
        """Root of the host that results are downloaded from."""
        return self._delivery.base

    @property
    def deliveries(self) -> list[Received]:
        """Every download request with its headers: the gateway's key must be in none."""
        return self._received_deliveries

    def fail_next(self, kind: str, *, times: int = 1, model: str | None = None, at: str = "submit") -> None:
        """Let the next ``times`` requests fail with ``kind``, a ``Fault`` (of ``model`` only, if it is given).

        ``at`` is a ``Stage``: submits, questions about a task, or downloads. The request must be valid to count.
        Raises ``ValueError`` for an unknown kind, or one that cannot strike at that stage.
        """
        self._faults.plan(kind, times=times, model=model, at=at)

    def share(self, other: "GatewaySandbox") -> None:
        """Have the keys, orders, faults, news and delivery host of ``other``, which serves this one's paths."""
        self.keys, self.orders = other.keys, other.orders
        self._faults, self._delivery = other._faults, other._delivery
        self._changed, self._stopping = other._changed, other._stopping

    async def until(self, condition: Callable[[], bool], *, timeout: float = 10.0) -> None:
        """Wait until ``condition`` holds, looked at after every request, order and answer. Raises ``TimeoutError``."""
        async with asyncio.timeout(timeout), self._changed:
            await self._changed.wait_for(condition)

    @contextlib.asynccontextmanager
    async def running(self, port: int = 0) -> AsyncIterator[Self]:
        """Serve; ``port`` is the API's (0: the system chooses). Raises ``OSError`` when it is taken."""
        self._stopping.clear()
        async with serve_together(self._hosts(), ports={"api": port}) as bases:
            self._moved_in(bases)
            try:
                yield self
            finally:
                self._stopping.set()

    # -- for the gateways ---------------------------------------------------------------------------------------

    @abstractmethod
    def _routes(self) -> list[BaseRoute]:
        """The API's paths."""

    @abstractmethod
    def _own_words(self, fault: Fault, model: str) -> Refusal:
        """The refusal for a fault that this gateway words itself."""

    @abstractmethod
    def _no_route(self, request: Request) -> Refusal:
        """The refusal for a path or method there is not."""

    @abstractmethod
    def _invalid(self, message: str, param: str, reason: str = "") -> Refusal:
        """The refusal for a field that is wrong."""

    def _hosts(self) -> dict[str, ASGIApp]:
        api = Starlette(
            routes=self._routes(),
            exception_handlers={
                Refusal: self._refused,
                HungUp: answer_refusal,
                HTTPException: self._lost,
            },
        )
        api.router.redirect_slashes = False
        return {
            "api": self._host(api, self.requests, slash_redirects=self.slash_redirects),
            "delivery": self._host(self._delivery.app, self._received_deliveries),
            "stray": self._host(PlainTextResponse("ami-id\ninstance-id\n"), self.strays),
        }

    def _moved_in(self, bases: Mapping[str, str]) -> None:
        self.base_url = bases["api"]
        self.stray_url = self._delivery.trap = bases["stray"]
        self._delivery.base = bases["delivery"]

    def _host(self, app: ASGIApp, received: list[Received], *, slash_redirects: bool = False) -> Host:
        return Host(
            app,
            received=received,
            clock=self.clock,
            stopping=self._stopping,
            tell=self._tell,
            slash_redirects=slash_redirects,
        )

    async def _refused(self, request: Request, error: Exception) -> Response:
        return await answer_refusal(request, error)

    async def _lost(self, request: Request, error: Exception) -> Response:
        return await self._refused(request, self._no_route(request))

    def _refusal(self, fault: Fault, model: str) -> Refusal:
        refusal = common(fault, model) or self._own_words(fault, model)
        if fault is Fault.RATE_429_AFTER:
            refusal.headers = {"retry-after": "2"}
        return refusal

    async def _json(self, request: Request) -> Json:
        """The request's JSON object. Raises the refusal for another content type or other JSON."""
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise self._invalid("Content-Type must be application/json", "Content-Type")
        try:
            body = await asyncio.to_thread(json.loads, await request.body())
        except ValueError:
            raise self._invalid("We could not parse the JSON body of your request.", "body") from None
        if not isinstance(body, dict):
            raise self._invalid("The body must be a JSON object.", "body")
        return body

    async def _order(self, line: Line, key: str, job: Job) -> tuple[Order, Fault | None]:
        """Take the order, or raise what refuses it; returns the fault that is still to strike."""
        fault = self._fault(job)
        if fault in REFUSALS:
            raise self._refusal(fault, job.model)
        if fault is Fault.DROP_BEFORE:
            await line.cut()
            raise HungUp
        seed = job.seed if job.seed is not None else random.randrange(2**31)
        order = Order(
            number=len(self.orders) + 1,
            at=self.clock(),
            key=key,
            model=job.model,
            prompt=job.prompt,
            seed=seed,
            fields=dict(job.fields),
            pictures=job.pictures,
            mask=job.mask,
        )
        self.orders.append(order)
        await self._tell()
        return order, fault

    def _fault(self, job: Job) -> Fault | None:
        try:
            fault = wished(job.prompt)
        except ValueError:
            raise self._invalid("The prompt asks for a fault that does not exist", "prompt") from None
        fault = fault or self._faults.take(Stage.SUBMIT, model=job.model)
        if (
            (fault in DOWNLOADS and job.inline)
            or (fault in TASKS and not job.task)
            or (fault is Fault.FEWER_PICTURES and job.count < 2)
        ):
            raise self._invalid(f"{fault} cannot happen to this request", "prompt")
        return fault

    async def _serve(self, request: Request, key: str, job: Job) -> Response:
        """A synchronous job from order to answer."""
        line: Line = request.scope["line"]
        order, fault = await self._order(line, key, job)
        if not await line.stays(None if fault is Fault.HANG else self._takes(job, order.seed)):
            await self._abandon(line, order)
        entries: list[str] = []
        if fault is Fault.EMPTY_STRINGS:
            entries = [""] * job.count
        elif fault is not Fault.EMPTY_DATA:
            pictures = await self._paint(job, order.seed)
            entries = await self._hand_over(pictures[: -1 if fault is Fault.FEWER_PICTURES else None], job, fault)
        return await self._reply(line, order, fault, job.answer(entries))

    async def _reply(self, line: Line, order: Order, fault: Fault | None, answer: Json) -> Response:
        """The answer to a submit, or what the fault makes of it."""
        match fault:
            case Fault.HANG:
                await line.stays(None)
                await self._abandon(line, order)
            case Fault.DROP_AFTER:
                await self._abandon(line, order)
            case Fault.MODERATION_451 | Fault.CLOUDFLARE_524:
                order.charged = fault is not Fault.MODERATION_451
                raise self._refusal(fault, order.model)
        text = await asyncio.to_thread(json.dumps, answer)
        order.answered = True
        await self._tell()
        return self._say(text, fault)

    def _say(self, text: str, fault: Fault | None) -> Response:
        if fault is Fault.BROKEN_JSON:
            text = text[: len(text) * 2 // 3]
        mime = "text/plain; charset=utf-8" if fault is Fault.WRONG_TYPE else "application/json"
        return Response(text, media_type=mime, headers=self._answer_headers())

    def _answer_headers(self) -> dict[str, str]:
        return {}

    async def _abandon(self, line: Line, order: Order) -> None:
        """The connection is lost: the order stays charged, the picture is never seen."""
        await line.cut()
        order.abandoned = True
        await self._tell()
        raise HungUp

    async def _paint(self, job: Job, seed: int) -> list[bytes]:
        width, height = job.size

        def paint(seed: int) -> bytes:
            if job.pictures:
                return transform(
                    job.pictures,
                    job.prompt,
                    seed=seed,
                    width=width,
                    height=height,
                    format=job.format,
                    mask=job.mask,
                    transparent=job.transparent,
                )
            return draw(
                job.prompt,
                seed=seed,
                width=width,
                height=height,
                format=job.format,
                transparent=job.transparent,
            )

        return [await asyncio.to_thread(paint, seed + index) for index in range(job.count)]

    async def _hand_over(self, pictures: Sequence[bytes], job: Job, fault: Fault | None) -> list[str]:
        """Base64 texts, or addresses on the delivery host."""
        mime = f"image/{job.format}"
        spoilt = fault if fault in PICTURES or fault in DOWNLOADS else None
        if job.inline:
            return [(await asyncio.to_thread(_as_text, picture, mime, spoilt)) for picture in pictures]
        return [
            await self._delivery.keep(
                picture,
                path=f"{job.folder}/{uuid.uuid4().hex}/sample.{job.format}",
                mime=mime,
                model=job.model,
                until=self.clock() + job.lifetime,
                fault=spoilt,
            )
            for picture in pictures
        ]

    def _takes(self, job: Job, seed: int) -> float:
        """Seconds for this job."""
        if not isinstance(self.seconds, tuple):
            return self.seconds
        low, high = self.seconds
        return low + (high - low) * hashlib.sha256(f"{job.prompt}\0{seed}".encode()).digest()[0] / 255

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()


def _as_text(picture: bytes, mime: str, fault: Fault | None) -> str:
    """The picture, as the fault leaves it, in base64."""
    return base64.b64encode(spoil(picture, mime, fault)[0]).decode()
