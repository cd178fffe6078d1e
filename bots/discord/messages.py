"""Messages that ask for an edit: replies to a picture, mentions with a picture, pictures in a private chat."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import discord
import structlog

from bots.discord.address import NAME, is_private, key, place_of_message, who
from bots.discord.desk import Desk
from bots.discord.errors import FAILURES
from bots.discord.files import attached, pictures_of
from bots.prompts import parse
from bots.prompts import request as request_of_prompt
from core.errors import ImageGone, ImagineError
from core.types import FrontFile, Operation, PostedMessage

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_KINDS = (discord.MessageType.default, discord.MessageType.reply)


@dataclass(frozen=True)
class Said:
    """What a message says to us."""

    words: str  #: without the mention
    is_addressed: bool  #: it names the bot, or is in a private chat with it


@dataclass(frozen=True)
class Quoted:
    """The message that was replied to, as far as we can see it."""

    posted: PostedMessage | None = None  #: a picture of ours
    is_ours: bool = False
    pictures: Sequence[FrontFile] = ()
    is_hidden: bool = False  #: its pictures may be there, but are not shown to us without the intent


async def heard(desk: Desk, me: discord.ClientUser, message: discord.Message) -> None:
    """Act on a message, if it asks for anything."""
    if message.author.bot or message.webhook_id is not None or message.type not in _KINDS:
        return
    with desk.hands.busy():
        locale = desk.language_of_author(message)
        try:
            text = await _act(desk, me, message, locale)
        except ImagineError as error:
            text = desk.sentence(locale, error)
        if text is not None:
            await _tell(message, text)


async def _act(desk: Desk, me: discord.ClientUser, message: discord.Message, locale: str) -> str | None:
    """Order what is asked for; else what to tell the person, or None to stay quiet."""
    said = what_is_said(message, me)
    quoted = await _quoted(desk, me, message, said)
    if quoted is not None and quoted.is_ours:
        return await _about_ours(desk, message, said, quoted, locale)
    if not said.is_addressed:
        return None
    own = attached(message)
    images = (*(quoted.pictures if quoted else ()), *own)
    if not images:
        return desk.words.say(locale, _hint(message, quoted), **_names(desk))
    if not said.words:
        return desk.words.say(locale, "hint.edit_words", **_names(desk))
    await _edit(desk, message, said.words, images, locale=locale)
    return None


def what_is_said(message: discord.Message, me: discord.ClientUser) -> Said:
    """The words without the mention. That everybody was pinged, or that a reply pings its author, is no mention."""
    names = [rf"<@!?{me.id}>"]
    if message.guild is not None and message.guild.self_role is not None:
        names.append(rf"<@&{message.guild.self_role.id}>")  # the role that came with the bot looks the same to people
    words, mentions = re.subn("|".join(names), " ", message.content)
    return Said(" ".join(words.split()), bool(mentions) or is_private(message))


async def _quoted(desk: Desk, me: discord.ClientUser, message: discord.Message, said: Said) -> Quoted | None:
    reference = message.reference
    if reference is None or reference.message_id is None or reference.type is not discord.MessageReferenceType.reply:
        return None
    resolved = reference.resolved if isinstance(reference.resolved, discord.Message) else None
    if resolved is None or resolved.author.id == me.id:
        posted = await desk.client.posted(NAME, key(reference.channel_id, reference.message_id))
        if posted is not None:
            return Quoted(posted if await _is_picture(desk, posted) else None, is_ours=True)
    if resolved is not None and resolved.author.id == me.id:
        return Quoted(is_ours=True, pictures=pictures_of(resolved))
    if not said.is_addressed:
        return Quoted()
    pictures = pictures_of(resolved) if resolved is not None else []
    if pictures:
        return Quoted(pictures=pictures)
    # A quoted message comes without its pictures where the intent is missing; so it does when fetched, but for those
    # that mention the bot.
    try:
        fetched = await message.channel.fetch_message(reference.message_id)
    except FAILURES:
        return Quoted(is_hidden=not desk.reads_messages)
    pictures = pictures_of(fetched)
    return Quoted(pictures=pictures, is_hidden=not pictures and not fetched.content and not desk.reads_messages)


async def _is_picture(desk: Desk, posted: PostedMessage) -> bool:
    """Whether that message of ours shows one: a result may also be a video, or words."""
    try:
        await desk.client.result(posted.task_id, posted.index)
    except ImageGone:
        return False
    return True


async def _about_ours(desk: Desk, message: discord.Message, said: Said, quoted: Quoted, locale: str) -> str | None:
    """A reply to a picture of ours needs no mention: the words are what to change."""
    if quoted.posted is None and not quoted.pictures:
        # A reply to words or a video of ours: a request only where it brings a picture and names us.
        own = attached(message)
        if not said.is_addressed:
            return None
        if not own:
            return desk.words.say(locale, _hint(message, None), **_names(desk))
        quoted = replace(quoted, pictures=own)
    elif not said.words:
        # Without the intent an unmentioned reply arrives empty: nothing was said to us, as far as we can tell.
        return desk.words.say(locale, "hint.edit_words", **_names(desk)) if said.is_addressed else None
    else:
        quoted = replace(quoted, pictures=(*quoted.pictures, *attached(message)))
    if not said.words:
        return desk.words.say(locale, "hint.edit_words", **_names(desk))
    await _edit(desk, message, said.words, quoted.pictures, locale=locale, posted=quoted.posted)
    return None


async def _edit(
    desk: Desk,
    message: discord.Message,
    words: str,
    images: Sequence[FrontFile],
    *,
    locale: str,
    posted: PostedMessage | None = None,
) -> None:
    """Raises RequestError, LimitError, StoreDown."""
    place = place_of_message(message)
    payer = who(message.author, place, locale)
    request = request_of_prompt(parse(words), Operation.EDIT, images)
    event = f"discord:m{message.id}"
    if posted is None:
        await desk.client.submit(request, who=payer, address=place.address(), event=event)
        return
    await desk.client.work_on(posted.task_id, posted.index, request, who=payer, address=place.address(), event=event)


def _hint(message: discord.Message, quoted: Quoted | None) -> str:
    if quoted is not None:
        return "hint.hidden_picture" if quoted.is_hidden else "hint.no_picture"
    return "hint.private_text" if is_private(message) else "hint.mention"


def _names(desk: Desk) -> dict[str, str]:
    return {name: desk.style.command(name) for name in ("imagine", "edit")}


async def _tell(message: discord.Message, text: str) -> None:
    """A reply that pings nobody. Where we may not write there is nobody to tell."""
    try:
        await message.reply(text, mention_author=False, suppress_embeds=True)
    except FAILURES as error:
        log.info("a message could not be answered", channel=message.channel.id, why=type(error).__name__)
