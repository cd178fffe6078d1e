"""What the page is told: the chats' events and what there is to choose from, as JSON."""

import dataclasses
from typing import Any

from sandbox.chat import Event, Modal, Notice, Post
from sandbox.demo.stage import Stage
from sandbox.discord.command_rules import ON_MESSAGE, SLASH
from sandbox.discord.sandbox import GUILD_ID

Json = dict[str, Any]


def event(stage: Stage, happened: Event) -> Json:
    """One event; ``type`` says which: post, notice or modal."""
    match happened:
        case Post():
            return {"type": "post", **dataclasses.asdict(happened), **_beside(stage, happened)}
        case Notice():
            return {"type": "notice", **dataclasses.asdict(happened)}
        case Modal():
            return {"type": "modal", **dataclasses.asdict(happened)}


def _beside(stage: Stage, post: Post) -> Json:
    """What the platform's own program knows besides: whether a message was edited, whom a question asks, and which
    album of several pictures it is a part of."""
    try:
        if post.platform == "discord":
            return {"edited": stage.discord.message(post.chat, post.id).edited is not None, "asks": [], "album": ""}
        message = stage.telegram.message(post.chat, post.id)
    except KeyError:
        return {"edited": False, "asks": [], "album": ""}
    asks: list[str] = []
    if message.fields.get("reply_markup", {}).get("force_reply"):
        named = {str(each["user"]["id"]) for each in message.fields.get("entities", []) if "user" in each}
        asks = [person.key for person in stage.telegram.people.values() if person.id in named]
    # A document stands for itself.
    is_file = message.media is None or message.media.kind == "document"
    album = "" if is_file else message.fields.get("media_group_id", "")
    return {"edited": "edit_date" in message.fields, "asks": asks, "album": album}


def telegram_commands(stage: Stage, who: str) -> list[Json]:
    """The commands that the bot has set for this person's language, else those for everybody."""
    language = stage.telegram.people[who].language.partition("-")[0]
    lists: dict[str, list[Json]] = {}
    for call in stage.telegram.called("setMyCommands"):
        if call.answer is not None and call.answer.get("ok"):
            lists[call.params.get("language_code") or ""] = call.params["commands"]
    found = lists.get(language) or lists.get("", [])
    return [{"name": each["command"], "description": each["description"], "options": []} for each in found]


def discord_commands(stage: Stage, who: str) -> Json:
    """The registered commands in this person's language: ``slash`` with their options, and the message ``menu``."""
    locale = stage.discord.people[who].language
    registered = [*stage.discord.commands.all(GUILD_ID), *stage.discord.commands.all(None)]
    slash = [_command(each, locale) for each in registered if each["type"] == SLASH]
    menu = [
        {"name": each["name"], "label": _localized(each, "name", locale)}
        for each in registered
        if each["type"] == ON_MESSAGE
    ]
    return {"slash": slash, "menu": menu}


def _command(command: Json, locale: str) -> Json:
    options = [
        {
            "name": each["name"],
            "description": _localized(each, "description", locale),
            "type": each["type"],
            "required": bool(each.get("required")),
            "autocomplete": bool(each.get("autocomplete")),
            "min": each.get("min_value"),
            "max": each.get("max_value"),
        }
        for each in command["options"]
    ]
    return {"name": command["name"], "description": _localized(command, "description", locale), "options": options}


def _localized(thing: Json, field: str, locale: str) -> str:
    return str((thing.get(f"{field}_localizations") or {}).get(locale) or thing[field])
