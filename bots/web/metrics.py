"""``/metrics`` for Prometheus: what this process has done, and how the whole stands as the database knows it.

No label has words of people in it, and every label has few values: gateways, chat programs, states, kinds of errors.
"""

import asyncio
import contextlib
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from pathlib import Path

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bots.web.readiness import Checks, Looked
from core.clock import utc_now
from core.metrics import Meter
from core.ports import Depths
from core.types import Failed, Finished, Outcome, Ticket

#: Seconds what the database knows counts: however many ask, it is looked at no more often.
EVERY = 5.0
#: Seconds between two looks at how late the event loop is.
TICK = 0.25
#: Upper bounds in seconds. A call is a picture made, which takes up to six minutes; a question is answered at once.
CALL = (0.5, 1, 2, 5, 10, 20, 30, 60, 120, 180, 300, 600)
QUESTION = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
LAG = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)


class Metrics(Meter):
    """One per process, with a registry of its own. It counts from the start; :meth:`watch` tells it where to look."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._calls = self._counter("gateway_calls", "Calls that order something, by how they ended.", "outcome")
        self._seconds = self._histogram("gateway_call_seconds", "Until such a call was answered.", CALL)
        self._questions = self._counter("gateway_questions", "Questions about orders, by how they ended.", "outcome")
        self._answers = self._histogram("gateway_question_seconds", "Until a question was answered.", QUESTION)
        self._deliveries = Counter(
            "imagine_deliveries", "Tries to say a task's last word.", ["front", "outcome"], registry=self.registry
        )
        self._limited = Counter("imagine_rate_limited", "Answers with status 429.", ["by"], registry=self.registry)
        self._lag = Histogram(
            "imagine_event_loop_lag_seconds", "How late a timer fires.", buckets=LAG, registry=self.registry
        )
        self._state = _State()
        self.registry.register(self._state)
        self._checks: Checks = {}
        self._disks: Mapping[str, Path] = {}
        self._look = Looked(_nothing, every=EVERY)

    def _counter(self, name: str, help_: str, *labels: str) -> Counter:
        return Counter(f"imagine_{name}", help_, ["gateway", *labels], registry=self.registry)

    def _histogram(self, name: str, help_: str, buckets: Iterable[float]) -> Histogram:
        return Histogram(f"imagine_{name}", help_, ["gateway"], buckets=tuple(buckets), registry=self.registry)

    # -- core.metrics.Meter -----------------------------------------------------------------------------------------

    async def call(self, gateway: str, answer: Awaitable[Outcome]) -> Outcome:
        begun = time.monotonic()
        outcome = await answer
        self._seconds.labels(gateway).observe(time.monotonic() - begun)
        self._calls.labels(gateway, _named(outcome)).inc()
        return outcome

    async def question(self, gateway: str, answers: Awaitable[Mapping[Ticket, Outcome]]) -> Mapping[Ticket, Outcome]:
        begun = time.monotonic()
        try:
            found = await answers
        except Exception as error:
            self._questions.labels(gateway, type(error).__name__).inc()
            raise
        failed = next((outcome for outcome in found.values() if isinstance(outcome, Failed)), None)
        self._questions.labels(gateway, "answered" if failed is None else _named(failed)).inc()
        self._answers.labels(gateway).observe(time.monotonic() - begun)
        return found

    def delivery(self, front: str, outcome: str) -> None:
        self._deliveries.labels(front, outcome).inc()

    def limited(self, by: str) -> None:
        self._limited.labels(by).inc()

    # -- looking ----------------------------------------------------------------------------------------------------

    def watch(self, depths: Callable[[], Awaitable[Depths]], checks: Checks, disks: Mapping[str, Path]) -> None:
        """``depths`` asks the database (raises StoreDown); ``disks``: folders whose free space matters."""

        async def look() -> str:
            self._state.depths = await depths()
            return ""

        self._look, self._checks, self._disks = Looked(look, every=EVERY), checks, disks

    @contextlib.asynccontextmanager
    async def timing(self) -> AsyncIterator[None]:
        """Meanwhile the event loop's lag is measured."""

        async def tick() -> None:
            while True:
                # Not the loop's own time: uvloop looks at the clock once a turn.
                due = time.monotonic() + TICK
                await asyncio.sleep(TICK)
                self._lag.observe(max(time.monotonic() - due, 0.0))

        ticking = asyncio.create_task(tick())
        try:
            yield
        finally:
            ticking.cancel()

    def route(self) -> Route:
        """``GET /metrics``. It answers while the database is away: with ``imagine_database_up 0`` and without what
        only the database knows."""

        async def metrics(_request: Request) -> Response:
            return Response(await self.text(), media_type=CONTENT_TYPE_LATEST)

        return Route("/metrics", metrics)

    async def text(self) -> bytes:
        """All of it, in Prometheus's text format."""
        wrong, *found = await asyncio.gather(self._look(), *(check() for check in self._checks.values()))
        self._state.is_up = not wrong
        self._state.ready = {name: not why for name, why in zip(self._checks, found, strict=True)}
        self._state.free = await asyncio.to_thread(_free, self._disks)
        return generate_latest(self.registry)


class _State(Collector):
    """What is looked up at a scrape."""

    def __init__(self) -> None:
        self.depths: Depths | None = None
        self.is_up = False
        self.ready: Mapping[str, bool] = {}
        self.free: Mapping[str, int] = {}

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("imagine_database_up", "Whether the database answers.", self.is_up)
        ready = GaugeMetricFamily("imagine_ready", "Whether a check of /readyz is fine.", labels=["check"])
        for name, is_fine in self.ready.items():
            ready.add_metric([name], is_fine)
        free = GaugeMetricFamily("imagine_disk_free_bytes", "Free space where it is kept.", labels=["of"])
        for name, size in self.free.items():
            free.add_metric([name], size)
        yield from (ready, free, *_open(self.depths if self.is_up else None))


def _open(depths: Depths | None) -> Iterator[Metric]:
    """What the database knows; the names alone where it does not answer."""
    orders = GaugeMetricFamily("imagine_orders", "Unfinished orders.", labels=["state", "gateway"])
    to_post = GaugeMetricFamily("imagine_tasks_to_post", "Tasks whose last word is to be said.", labels=["front"])
    to_fetch = GaugeMetricFamily("imagine_tasks_to_fetch", "Tasks whose inputs are to be fetched.", labels=["front"])
    oldest = GaugeMetricFamily("imagine_oldest_due_seconds", "How long the oldest is due already.", labels=["kind"])
    today = GaugeMetricFamily("imagine_credits_today", "Credits of today's requests.", labels=["state"])
    rests = GaugeMetricFamily("imagine_gateway_resting", "1 for a gateway that rests.", labels=["gateway"])
    if depths is not None:
        for (state, gateway), count in depths.orders.items():
            orders.add_metric([state.value, gateway], count)
        for family, by_front in ((to_post, depths.to_post), (to_fetch, depths.to_fetch)):
            for front, count in by_front.items():
                family.add_metric([front], count)
        for kind in ("queued", "waiting", "intake", "outbox"):
            due = depths.oldest.get(kind)
            oldest.add_metric([kind], 0.0 if due is None else max((utc_now() - due).total_seconds(), 0.0))
        for state_of, amount in vars(depths.day).items():
            today.add_metric([state_of], amount)
        for gateway in depths.rests:
            rests.add_metric([gateway], 1)
    yield from (orders, to_post, to_fetch, oldest, today, rests)


def disks(*, database_url: str, media_url: str) -> dict[str, Path]:
    """The folders of ours on this machine's own disks, by what is in them."""
    found = {"database": (database_url, "sqlite", ":///"), "media": (media_url, "file", "://")}
    return {
        name: Path(url.partition(after)[2]) for name, (url, scheme, after) in found.items() if url.startswith(scheme)
    }


def _free(folders: Mapping[str, Path]) -> dict[str, int]:
    free: dict[str, int] = {}
    for name, path in folders.items():
        with contextlib.suppress(OSError):
            free[name] = shutil.disk_usage(path).free
    return free


def _named(outcome: Outcome) -> str:
    if isinstance(outcome, Failed):
        return type(outcome.error).__name__
    return "finished" if isinstance(outcome, Finished) else "pending"


async def _nothing() -> str:
    return "not looked at yet"
