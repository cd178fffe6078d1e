"""``imagine doctor``: every outside thing this configuration needs, tried once, a line each. Never prints a secret."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from bots.app import Core, fronts_of, opened
from core.errors import GatewayError, ImagineError, SettingsError
from core.masking import Masker
from core.settings import Settings
from core.store import behind

#: Seconds one check may take.
PATIENCE = 20.0


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    what: str
    ok: bool
    text: str


@runtime_checkable
class Checkable(Protocol):
    """Anything that can be asked whether it would work. Returns a line of good news; raises ImagineError."""

    async def check(self) -> str: ...


async def examine(settings: Settings) -> list[Finding]:
    """All findings, good and bad."""
    masker = Masker(settings.secrets())
    try:
        async with opened(settings) as core:
            why = await behind(settings.database_url)
            findings = [
                Finding("database", not why, why or "answers, schema up to date"),
                await _try("media store", lambda: _media(core), masker),
                *await _gateways(core, masker),
                *await _fronts(core, masker),
            ]
    except ImagineError as error:
        return [Finding(_setting_of(error), False, masker.mask(str(error)))]
    return findings


def _setting_of(error: ImagineError) -> str:
    return error.setting if isinstance(error, SettingsError) else "settings"


async def _media(core: Core) -> str:
    return await core.media.check()


async def _gateways(core: Core, masker: Masker) -> list[Finding]:
    findings = []
    for name, gateway in core.gateways.items():
        if isinstance(gateway, Checkable):
            findings.append(await _try(f"gateway {name}", gateway.check, masker))
    usable = core.catalogue.usable()
    findings.append(
        Finding("models", bool(usable), f"{len(usable)} usable" if usable else "none usable: set a gateway's API key")
    )
    return findings


async def _fronts(core: Core, masker: Masker) -> list[Finding]:
    settings = core.settings
    named = {"telegram": settings.telegram_bot_token, "discord": settings.discord_bot_token}
    parts = frozenset(name for name, token in named.items() if token)
    if not parts:
        return [Finding("bots", False, "set TELEGRAM_BOT_TOKEN or DISCORD_BOT_TOKEN")]
    fronts = fronts_of(core, parts)
    findings = []
    for name, front in fronts.items():
        if isinstance(front, Checkable):
            findings.append(await _try(name, front.check, masker))
        with contextlib.suppress(Exception):
            await front.close()
    return findings


async def _try(what: str, check: Callable[[], Awaitable[str]], masker: Masker) -> Finding:
    try:
        async with asyncio.timeout(PATIENCE):
            return Finding(what, True, masker.mask(await check()))
    except TimeoutError:
        return Finding(what, False, f"no answer within {PATIENCE:.0f} s")
    except GatewayError as error:
        return Finding(what, False, masker.mask(f"{type(error).__name__}: {error.detail[:200]}"))
    except (ImagineError, OSError) as error:
        return Finding(what, False, masker.mask(str(error)))
