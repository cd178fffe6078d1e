"""The composition root: settings in, a running process out. Everything is built here and passed on."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import structlog
from starlette.routing import Route

from bots.words import Words
from core.admin import Admin
from core.catalogue import Catalogue, Listed
from core.client import Client
from core.clock import utc_now
from core.delivery import Delivery
from core.download import Downloader
from core.engine import Embedded
from core.errors import StoreDown
from core.gateway import Gateway
from core.gateways import REGISTRY, concurrency, configured, proxies, trusted_hosts, why_not
from core.intake import Intake
from core.links import Links, Publisher
from core.masking import Masker
from core.media import ObjectMedia, open_media
from core.metrics import UNWATCHED, Meter
from core.ports import Front
from core.quota import Limits
from core.retention import Sweeper
from core.rows import read
from core.settings import PACKAGED_MODELS, Settings
from core.store import SqlStore, behind, open_store
from core.tracker import Tracker

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class ChatFront(Front, Protocol):
    """A front with a connection of its own."""

    @property
    def is_listening(self) -> bool:
        """The chat program is reached, and what people say comes in."""
        ...

    async def run(self, stopping: asyncio.Event) -> None:
        """Listen until ``stopping``, then take nothing new; posting still works until :meth:`close`.
        Raises SettingsError for a token or intent that is refused."""
        ...

    async def close(self) -> None: ...


@runtime_checkable
class Called(Protocol):
    """A front that is called from outside."""

    def routes(self) -> Sequence[Route]:
        """What is to be served for it on ``WEB_LISTEN``; nothing where it is not called after all."""
        ...


@dataclass(frozen=True)
class Core:
    """All that every part shares."""

    settings: Settings
    engine: Embedded
    store: SqlStore
    media: ObjectMedia
    catalogue: Catalogue
    gateways: Mapping[str, Gateway]
    downloader: Downloader
    client: Client
    admin: Admin
    words: Words
    links: Links | None  #: None: there is no public address
    meter: Meter


def catalogue_of(settings: Settings) -> Catalogue:
    """The models file with what is configured. Raises SettingsError."""
    path = Path(settings.models_file) if settings.models_file else PACKAGED_MODELS
    return Catalogue(
        read(path),
        gateways=why_not(settings),
        default=settings.default_model,
        default_edit=settings.default_edit_model,
        links=bool(settings.public_url),
    )


async def verified_models(settings: Settings, listed: Sequence[Listed]) -> frozenset[str]:
    """Unverified models that have succeeded here. Nothing where there is no database to ask: none is made."""
    if not any(row.model.unverified and not row.why_not for row in listed):
        return frozenset()
    try:
        if await behind(settings.database_url) is not None:
            return frozenset()
        store = await open_store(settings.database_url)
    except StoreDown:
        return frozenset()
    try:
        return await store.verified()
    finally:
        await store.close()


@contextlib.asynccontextmanager
async def opened(settings: Settings, *, limits: Limits | None = None, meter: Meter = UNWATCHED) -> AsyncIterator[Core]:
    """Build what every part shares, and close it again. ``meter`` counts what is done with it.
    Raises SettingsError, StoreDown."""
    catalogue = catalogue_of(settings)
    words = Words(settings.default_language)
    media = open_media(settings.media_url)
    async with contextlib.AsyncExitStack() as stack:
        store = await open_store(settings.database_url)
        stack.push_async_callback(store.close)
        engine = engine_of(store)
        links = None
        if settings.public_url:
            links = Links(settings.public_url, await store.secret("links"), utc_now)
        ours = [secret for name in REGISTRY for secret in links.secrets(name)] if links else []
        masker = Masker([*settings.secrets(), *ours])
        publisher = Publisher(links, media) if links else None
        gateways = configured(settings, masker=masker, publisher=publisher, limited=meter.limited)
        for gateway in gateways.values():
            stack.push_async_callback(gateway.close)
        downloader = Downloader(allow_hosts=trusted_hosts(settings), proxies=proxies(settings))
        stack.push_async_callback(downloader.close)
        client = Client(
            store, catalogue, limits or settings.limits(), clock=utc_now, wake=engine.wake, accepting=engine.accepting
        )
        admin = Admin(
            store,
            gateways,
            accounts=settings.admin_accounts(),
            timezone=settings.timezone,
            clock=utc_now,
            masker=masker,
        )
        yield Core(settings, engine, store, media, catalogue, gateways, downloader, client, admin, words, links, meter)


def engine_of(store: SqlStore) -> Embedded:
    """On PostgreSQL there may be other processes to wake up."""
    if store.connect is None:
        return Embedded()
    # Not needed, and not quick to import, on SQLite.
    from core.engine_postgres import Distributed

    return Distributed(store.connect)


def fronts_of(core: Core, parts: frozenset[str]) -> dict[str, ChatFront]:
    """The chat programs among ``parts``."""
    settings, fronts = core.settings, dict[str, ChatFront]()
    if "telegram" in parts and settings.telegram_bot_token is not None:
        from bots.telegram.front import TelegramFront
        from bots.telegram.webhook import Hook

        secret, public = settings.telegram_webhook_secret, settings.public_url
        fronts["telegram"] = TelegramFront(
            settings.telegram_bot_token.get_secret_value(),
            client=core.client,
            words=core.words,
            api_url=settings.telegram_api_url,
            admin=core.admin,
            limited=lambda _method: core.meter.limited("telegram"),
            hook=Hook(public, secret.get_secret_value()) if secret is not None and public is not None else None,
        )
    if "discord" in parts and settings.discord_bot_token is not None:
        from bots.discord.front import DiscordFront

        fronts["discord"] = DiscordFront(
            settings.discord_bot_token.get_secret_value(),
            client=core.client,
            words=core.words,
            api_url=settings.discord_api_url,
            message_content=settings.discord_message_content,
            shards=settings.shards(),
            admin=core.admin,
            limited=core.meter.limited,
        )
    return fronts


def tracker_of(core: Core) -> Tracker:
    return Tracker(
        store=core.store,
        media=core.media,
        catalogue=core.catalogue,
        gateways=core.gateways,
        downloader=core.downloader,
        room=concurrency(core.settings),
        running=core.settings.user_running,
        clock=utc_now,
        listener=core.engine.listener(works=True),
        wake=core.engine.wake,
        meter=core.meter,
        # Two workers on one SQLite file are refused (`bots.parts.only_worker`).
        alone=core.store.connect is None,
    )


def sweeper_of(core: Core) -> Sweeper:
    return Sweeper(
        store=core.store,
        media=core.media,
        keep_days=core.settings.media_keep_days,
        max_gb=core.settings.media_max_gb,
        clock=utc_now,
    )


def delivery_of(core: Core, fronts: Mapping[str, Front]) -> Delivery:
    return Delivery(
        store=core.store,
        media=core.media,
        catalogue=core.catalogue,
        fronts=fronts,
        clock=utc_now,
        listener=core.engine.listener(),
        wake=core.engine.wake,
        meter=core.meter,
    )


def intake_of(core: Core, fronts: Mapping[str, Front]) -> Intake:
    return Intake(
        store=core.store,
        media=core.media,
        catalogue=core.catalogue,
        fronts=fronts,
        clock=utc_now,
        listener=core.engine.listener(),
        wake=core.engine.wake,
    )
