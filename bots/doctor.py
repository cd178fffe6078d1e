"""``imagine doctor``: every outside thing this configuration needs, tried once, a line each. Never prints a secret.

Each check stands on its own: what is down never hides how the rest is.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

import httpx
from pydantic import SecretStr

from bots.app import catalogue_of
from bots.texts import trouble
from bots.words import Words
from core.clock import utc_now
from core.errors import ChatBusy, ChatGone, GatewayError, ImagineError, SettingsError
from core.gateway import Checks
from core.gateways import REGISTRY, access_of, why_not
from core.links import Links
from core.masking import Masker
from core.media import open_media
from core.settings import Settings
from core.store import open_store

#: Seconds one check may take: discord.py tries for 25 before it says that Discord is down (1 + 3 + 5 + 7 + 9).
PATIENCE = 30.0
#: Characters of what a gateway or a driver says that fit into a line.
DETAIL = 300


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    what: str
    ok: bool
    text: str


async def examine(settings: Settings) -> list[Finding]:
    """All findings, good and bad."""
    groups = await asyncio.gather(
        _database_and_address(settings),
        _tried("media store", lambda: _media(settings)),
        _gateways(settings),
        _tried("models", lambda: _models(settings)),
        _chats(settings),
    )
    masker = Masker(settings.secrets())
    return [
        Finding(found.what, found.ok, " ".join(masker.mask(found.text).split())) for group in groups for found in group
    ]


async def _tried(what: str, check: Callable[[], Awaitable[str]]) -> list[Finding]:
    try:
        async with asyncio.timeout(PATIENCE):
            return [Finding(what, True, await check())]
    except TimeoutError:
        return [Finding(what, False, f"no answer within {PATIENCE:.0f} s")]
    except (ImagineError, OSError) as error:
        return [Finding(what, False, _in_words(error))]


def _in_words(error: ImagineError | OSError) -> str:
    """Why, for an operator: fronts and gateways have sentences for people in chats only."""
    match error:
        case ChatBusy() | ChatGone():
            return f"cannot be reached: {error.reason}"
        case GatewayError():
            verdict = trouble(Words(), "en", type(error).__name__)
            return f"{verdict}: {error.detail[:DETAIL]}" if error.detail else verdict
        case _:
            return str(error)[:DETAIL]


async def _database_and_address(settings: Settings) -> list[Finding]:
    """One after the other: both open the database, and the first to do so may have to make it."""
    return [*await _tried("database", lambda: _database(settings)), *await _public_address(settings)]


async def _database(settings: Settings) -> str:
    store = await open_store(settings.database_url)
    try:
        why = await store.check()
    finally:
        await store.close()
    if why:
        raise SettingsError("DATABASE_URL", why)
    return "answers, schema up to date"


async def _media(settings: Settings) -> str:
    return await (await asyncio.to_thread(open_media, settings.media_url)).check()


async def _models(settings: Settings) -> str:
    usable = catalogue_of(settings).usable()
    if not usable:
        raise SettingsError("models", "none is usable; set a gateway's API key")
    return f"{len(usable)} usable"


async def _gateways(settings: Settings) -> list[Finding]:
    names = [name for name, why in why_not(settings).items() if not why]
    groups = await asyncio.gather(*(_gateway(settings, name) for name in names))
    return [finding for group in groups for finding in group]


async def _gateway(settings: Settings, name: str) -> list[Finding]:
    async def check() -> str:
        gateway = REGISTRY[name][1](access_of(settings, name), Masker(settings.secrets()))
        try:
            return await gateway.check() if isinstance(gateway, Checks) else "is set; its key cannot be tried"
        finally:
            await gateway.close()

    return await _tried(f"gateway {name}", check)


async def _chats(settings: Settings) -> list[Finding]:
    telegram, discord = settings.telegram_bot_token, settings.discord_bot_token
    if telegram is None and discord is None:
        return [Finding("bots", False, "set TELEGRAM_BOT_TOKEN or DISCORD_BOT_TOKEN")]
    findings: list[Finding] = []
    if telegram is not None:
        findings += await _telegram(settings, telegram)
    if discord is not None:
        findings += await _discord(settings, discord)
    return findings


async def _telegram(settings: Settings, token: SecretStr) -> list[Finding]:
    from bots.telegram.checking import check, check_webhook
    from bots.telegram.webhook import Hook

    known, api_url = token.get_secret_value(), settings.telegram_api_url
    secret, public = settings.telegram_webhook_secret, settings.public_url
    if secret is None or public is None:
        return await _tried("telegram", lambda: check(known, api_url=api_url))
    hook = Hook(public, secret.get_secret_value())
    return [
        *await _tried("telegram", lambda: check(known, api_url=api_url, polls=False)),
        *await _tried("telegram webhook", lambda: check_webhook(known, api_url=api_url, hook=hook)),
    ]


async def _discord(settings: Settings, token: SecretStr) -> list[Finding]:
    from bots.discord.checking import Probe, logged_in

    probes: list[Probe] = []
    async with contextlib.AsyncExitStack() as stack:

        async def login() -> str:
            probe = logged_in(token.get_secret_value(), api_url=settings.discord_api_url)
            probes.append(await stack.enter_async_context(probe))
            return probes[0].bot()

        findings = await _tried("discord", login)
        for probe in probes:
            findings += await _tried("discord application", probe.application)
            findings += await _tried("discord intent", partial(probe.intent, settings.discord_message_content))
            findings += await _tried("discord permissions", probe.permissions)
    return findings


async def _public_address(settings: Settings) -> list[Finding]:
    public = settings.public_url
    return [] if public is None else await _tried("public address", lambda: _leads_here(settings, public))


async def _leads_here(settings: Settings, public: str) -> str:
    """Asks /healthz the long way round and compares who answers with who we are."""
    here = "asked from this machine"
    try:
        async with httpx.AsyncClient(timeout=PATIENCE / 2) as client:
            answer = await client.get(f"{public}/healthz")
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        why = f"does not answer, {here} ({str(error) or type(error).__name__})"
        raise SettingsError("PUBLIC_URL", f"{why}; it does only while `imagine run` serves the web part") from None
    if answer.status_code != httpx.codes.OK:
        why = f"/healthz answers {answer.status_code}, {here}"
        raise SettingsError("PUBLIC_URL", f"{why}: it does not lead to the web part")
    told = _instance(answer)
    if told is None:
        why = f"something else answers /healthz, {here}"
        raise SettingsError("PUBLIC_URL", f"{why}, or bots that were started without PUBLIC_URL")
    store = await open_store(settings.database_url)
    try:
        links = Links(public, await store.secret("links"), utc_now)
    finally:
        await store.close()
    if told != links.instance():
        raise SettingsError("PUBLIC_URL", f"bots with another database answer, {here}: call-backs do not reach these")
    return f"leads to these bots, {here}"


def _instance(answer: httpx.Response) -> str | None:
    """Whose web part this is, if it is one."""
    try:
        found = answer.json()
    except ValueError:
        return None
    told = found.get("instance") if isinstance(found, dict) else None
    return told if isinstance(told, str) else None
