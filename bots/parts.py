"""A running process: the parts it was asked for, from start to an orderly end."""

import asyncio
import contextlib
import fcntl
import gc
from collections.abc import Iterator, Sequence
from pathlib import Path

import structlog
from starlette.applications import Starlette
from starlette.routing import Route

from bots.app import Called, ChatFront, Core, delivery_of, fronts_of, intake_of, opened, sweeper_of, tracker_of
from bots.web.metrics import Metrics, disks
from bots.web.pages import Public, web_app
from bots.web.readiness import Checks, checks_of
from bots.web.serving import serve
from core.clock import utc_now
from core.errors import SettingsError, StoreDown
from core.gateways import why_not
from core.settings import Settings
from core.tracker import Tracker

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

#: Settings whose names are kept for what is to come: the running bots do nothing with them.
RESERVED = ("web_password",)
#: What ``--part`` takes.
PARTS = ("telegram", "discord", "worker", "web")
#: New objects after which the youngest are looked through for garbage (700 in Python 3.11: at every other request).
YOUNG = 7_000


def parts_of(settings: Settings, wanted: tuple[str, ...]) -> frozenset[str]:
    """Which parts this process runs. Raises SettingsError when nothing (or not what was named) is configured."""
    tokens = {"telegram": settings.telegram_bot_token, "discord": settings.discord_bot_token}
    for part in wanted:
        if part in tokens and tokens[part] is None:
            raise SettingsError(f"{part.upper()}_BOT_TOKEN", f"is not set, so the {part} part cannot run")
    if wanted:
        return frozenset(wanted)
    if not any(tokens.values()):
        raise SettingsError(
            "TELEGRAM_BOT_TOKEN or DISCORD_BOT_TOKEN",
            "neither is set; put one into .env, or run `imagine demo` to try the bots without any token",
        )
    return frozenset({part for part, token in tokens.items() if token} | {"worker", "web"})


@contextlib.contextmanager
def only_worker(database_url: str) -> Iterator[bool]:
    """Yields whether this process is the only worker on an embedded database (always true on PostgreSQL).

    Two workers on one SQLite file would take each other's calls in flight for the leavings of a crash.
    Raises SettingsError where the file cannot be made.
    """
    if not database_url.startswith("sqlite"):
        yield True
        return
    path = Path(database_url.partition(":///")[2] + ".lock")
    with contextlib.ExitStack() as stack:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = stack.enter_context(path.open("a"))
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            alone = True
        except BlockingIOError:
            alone = False
        except OSError as error:
            why = f"{path} cannot be written ({error.strerror}); name a file in a folder that can be"
            raise SettingsError("DATABASE_URL", why) from None
        yield alone


async def run(settings: Settings, wanted: tuple[str, ...], stopping: asyncio.Event) -> None:
    """Run the named parts until ``stopping``. Raises SettingsError, StoreDown."""
    parts = parts_of(settings, wanted)
    with contextlib.ExitStack() as locks:
        if "worker" in parts and not locks.enter_context(only_worker(settings.database_url)):
            raise SettingsError("DATABASE_URL", "another process is already working on this database; stop it first")
        metrics = Metrics()
        async with opened(settings, meter=metrics) as core:
            _introduce(core, parts)
            _leave_garbage_aside()
            shows = bool(parts & {"telegram", "discord"})
            async with core.engine.running(stopping, works="worker" in parts, shows=shows):
                await _run_parts(core, metrics, parts, stopping, web_asked_for="web" in wanted)


def _leave_garbage_aside() -> None:
    """What is there at the start stays to the end: the garbage collector need not look at it again and again. Each look
    at these 170,000 objects would stop everything for 130 ms."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, *gc.get_threshold()[1:])


def _introduce(core: Core, parts: frozenset[str]) -> None:
    log.info("starting", parts=sorted(parts), models=[model.name for model in core.catalogue.usable()])
    for name, why in why_not(core.settings).items():
        if why:
            log.info("gateway is off", gateway=name, why=why)
    idle = [name.upper() for name in RESERVED if getattr(core.settings, name)]
    if idle:
        log.warning("these settings are reserved: the bots do nothing with them yet", settings=idle)
    if core.links is not None and "web" not in parts:
        log.info("gateways call back and fetch pictures at the web part, which this process does not run")
    if "worker" in parts and not core.catalogue.usable():
        log.warning("no gateway is configured: every request will be refused until a key is set")


async def _run_parts(
    core: Core, metrics: Metrics, parts: frozenset[str], stopping: asyncio.Event, *, web_asked_for: bool
) -> None:
    fronts = fronts_of(core, parts)
    tracker = tracker_of(core) if "worker" in parts else None
    # A process without a chat program has nothing to post or to fetch from one: these two are not run there.
    intake, delivery = intake_of(core, fronts), delivery_of(core, fronts)
    beats = {"intake": intake.beat, "delivery": delivery.beat} if fronts else {}
    if tracker is not None:
        beats["tracker"] = tracker.beat
    checks = checks_of(database=core.store.check, media=core.media, fronts=fronts, beats=beats)
    settings = core.settings
    metrics.watch(
        lambda: core.store.depths(utc_now(), settings.timezone),
        checks,
        disks(database_url=settings.database_url, media_url=settings.media_url),
    )
    drained = asyncio.Event()
    failed: list[Exception] = []
    try:
        async with contextlib.AsyncExitStack() as stack, asyncio.TaskGroup() as group:
            called = [route for front in fronts.values() if isinstance(front, Called) for route in front.routes()]
            if "web" in parts or called:
                # Who hears only what is posted there cannot do without; others can do without health.
                await _serve_web(
                    core,
                    stack,
                    checks,
                    [*called, metrics.route()],
                    public="web" in parts,
                    must=web_asked_for or bool(called),
                )
            if settings.metrics_listen is not None:
                await _serve_watch(settings.metrics_listen, stack, web_app(checks, more=[metrics.route()]))
            await stack.enter_async_context(metrics.timing())
            working = group.create_task(_work(core, tracker, stopping, drained))
            if tracker is not None:
                group.create_task(sweeper_of(core).run(stopping))
            if fronts:
                for front in fronts.values():
                    group.create_task(_listen(front, stopping, failed), name=front.name)
                group.create_task(intake.run(stopping))
                # What the last calls bring is still posted: the outbox closes after the tracker.
                group.create_task(delivery.run(drained))
            working.add_done_callback(lambda _: log.info("nothing is out any more"))
        if failed:
            raise failed[0]
    except* (SettingsError, StoreDown) as several:
        raise several.exceptions[0] from None
    finally:
        for front in fronts.values():
            await front.close()


async def _listen(front: ChatFront, stopping: asyncio.Event, failed: list[Exception]) -> None:
    """A chat program that ends ends the process, but in order: what is paid is finished, what is made is posted."""
    try:
        await front.run(stopping)
    except Exception as error:
        if not isinstance(error, SettingsError):
            log.exception("a chat program ended", front=front.name)
        failed.append(error)
        stopping.set()


async def _work(core: Core, tracker: Tracker | None, stopping: asyncio.Event, drained: asyncio.Event) -> None:
    try:
        if tracker is not None:
            if core.settings.database_url.startswith("sqlite"):
                await tracker.recover()
            await tracker.run(stopping, grace=core.settings.stop_grace)
        else:
            await stopping.wait()
    finally:
        drained.set()


async def _serve_web(
    core: Core, stack: contextlib.AsyncExitStack, checks: Checks, more: Sequence[Route], *, public: bool, must: bool
) -> None:
    """The web part, or in a process without it what its chat programs need of it."""
    host, _, port = core.settings.web_listen.rpartition(":")
    gateways = None
    if core.links is not None and public:
        gateways = Public(core.links, core.gateways, core.store, core.media, core.engine.wake)
    app = web_app(checks, gateways, more)
    try:
        address = await stack.enter_async_context(serve(app, host=host, port=int(port)))
    except OSError as error:
        if must:
            raise SettingsError(
                "WEB_LISTEN", f"cannot listen on {core.settings.web_listen}: {error.strerror}"
            ) from None
        log.warning("the web part is off: its address is taken", listen=core.settings.web_listen, why=error.strerror)
        return
    log.info("web part", address=address)


async def _serve_watch(listen: str, stack: contextlib.AsyncExitStack, app: Starlette) -> None:
    """Health and figures, and nothing that others than operators should reach."""
    host, _, port = listen.rpartition(":")
    try:
        address = await stack.enter_async_context(serve(app, host=host, port=int(port)))
    except OSError as error:
        log.warning("metrics are off: their address is taken", listen=listen, why=error.strerror)
        return
    log.info("metrics", address=address)
