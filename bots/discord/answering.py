"""The rule of the first answer: a request is stored before it is acknowledged, but no answer waits for the store.

Discord gives an interaction three seconds. The store takes milliseconds; where it takes longer than
:data:`STORE_PATIENCE`, the answer goes out first and the verdict follows.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import discord
import structlog

from bots.discord.desk import Desk
from bots.discord.errors import FAILURES
from bots.texts import pages
from core.errors import ImagineError
from core.types import Task

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

T = TypeVar("T")

#: Seconds to wait for a request to be stored before answering without it; as much again is left for the way to Discord.
STORE_PATIENCE = 1.5
#: The same where nothing is lost by answering first.
LOOK_PATIENCE = 1.0
#: Characters of a message (resources/message, "Create Message").
CONTENT_LIMIT = 2000


async def order(
    desk: Desk, interaction: discord.Interaction, submit: Coroutine[Any, Any, Task], *, private: bool = False
) -> None:
    """Store a request and acknowledge it ("thinking…"); a refusal is told to this person alone."""
    locale = desk.language(interaction)
    desk.acks.expect(interaction.token)
    submitting = asyncio.ensure_future(submit)
    with desk.client.accepting():
        await asyncio.wait({submitting}, timeout=STORE_PATIENCE)
        is_late = not submitting.done()
        refusal = None if is_late else _sentence(desk, locale, submitting.exception())
        await _acknowledge(desk, interaction, refusal, private=private)
    if not is_late:
        return
    await asyncio.wait({submitting})
    refusal = _sentence(desk, locale, submitting.exception())
    if refusal is not None:
        await _edit(interaction, refusal)


async def _acknowledge(desk: Desk, interaction: discord.Interaction, refusal: str | None, *, private: bool) -> None:
    message = None
    try:
        if refusal is not None:
            await interaction.response.send_message(refusal, ephemeral=True)
            return
        callback = await interaction.response.defer(thinking=True, ephemeral=private)
        message = callback.message_id if callback else None
    except FAILURES as error:
        # What is stored is made all the same, and its result posted in the channel.
        log.warning("an interaction could not be acknowledged", interaction=interaction.id, why=type(error).__name__)
    finally:
        desk.acks.out(interaction.token, message)


def _sentence(desk: Desk, locale: str, error: BaseException | None) -> str | None:
    if error is None:
        return None
    if isinstance(error, ImagineError):
        return desk.sentence(locale, error)
    log.error("a request failed", exc_info=error)
    return desk.sentence(locale, ImagineError())


async def answer(desk: Desk, interaction: discord.Interaction, work: Coroutine[Any, Any, str]) -> None:
    """Tell this person alone what ``work`` says, or why it could not."""
    locale = desk.language(interaction)
    working = asyncio.ensure_future(work)
    await asyncio.wait({working}, timeout=LOOK_PATIENCE)
    try:
        if not working.done():
            await interaction.response.defer(ephemeral=True, thinking=True)
            await asyncio.wait({working})
        text = _sentence(desk, locale, working.exception()) or working.result()
        first, *more = pages(text, CONTENT_LIMIT) or ["…"]
        if interaction.response.is_done():
            await interaction.edit_original_response(content=first)
        else:
            await interaction.response.send_message(first, ephemeral=True)
        for page in more:
            await interaction.followup.send(page, ephemeral=True)
    except FAILURES as error:
        log.warning("an interaction could not be answered", interaction=interaction.id, why=type(error).__name__)


async def _edit(interaction: discord.Interaction, text: str) -> None:
    try:
        await interaction.edit_original_response(content=text)
    except FAILURES as error:
        log.warning("a refusal could not be told", interaction=interaction.id, why=type(error).__name__)


async def promptly(work: Coroutine[Any, Any, T]) -> T | None:
    """The result of a look into the store, or None where it takes too long for a first answer."""
    looking = asyncio.ensure_future(work)
    done, _ = await asyncio.wait({looking}, timeout=LOOK_PATIENCE)
    if done:
        return looking.result()
    looking.cancel()
    return None
