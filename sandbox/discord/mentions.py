"""Who a text pings, under ``allowed_mentions``.

Source: Discord "Allowed Mentions Object" and its defaults: without the object, messages in channels parse
everything and reply pings are on; answers to interactions parse users only.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.chat import Person
from sandbox.discord.message_rules import TEXT, walk
from sandbox.discord.permissions import BITS, permissions
from sandbox.discord.world import Message, World

_USER = re.compile(r"<@!?(\d+)>")
_ROLE = re.compile(r"<@&(\d+)>")
_ALL = re.compile(r"@(everyone|here)\b")
EVERYTHING = ("users", "roles", "everyone")


@dataclass
class Pinged:
    users: list[Person] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)
    everyone: bool = False
    replied: bool = False

    def names(self) -> set[str]:
        """People's keys, "bot", ``role:<id>`` and "everyone"."""
        everyone = {"everyone"} if self.everyone else set()
        return {person.key for person in self.users} | {f"role:{each}" for each in self.roles} | everyone


def pinged(world: World, message: Message, allowed: Mapping[str, Any] | None, *, interaction: bool) -> Pinged:
    """Whom a message of the bot or a person pings; its reply and its texts must be set already."""
    default = ("users",) if interaction else EVERYTHING
    parse = default if allowed is None else (allowed.get("parse") or ())
    text = "\n".join(
        [message.content, *(each["content"] for _, each in walk(message.components) if each.get("type") == TEXT)]
    )
    listed_users = [] if allowed is None else (allowed.get("users") or [])
    listed_roles = [] if allowed is None else (allowed.get("roles") or [])
    result = Pinged()
    for person in (world.bot, *world.people.values()):
        if person.id in _USER.findall(text) and ("users" in parse or person.id in listed_users):
            result.users.append(person)
    guild = message.channel.guild
    if guild is not None:
        for role_id in dict.fromkeys(_ROLE.findall(text)):
            if role_id in guild.roles and ("roles" in parse or role_id in listed_roles):
                result.roles.append(role_id)
        may = permissions(world, message.author, message.channel) & BITS["mention_everyone"]
        result.everyone = bool(_ALL.search(text) and "everyone" in parse and may)
    quoted = world.referenced(message)
    wants = not interaction if allowed is None else bool(allowed.get("replied_user"))
    if quoted is not None and wants:
        result.replied = True
        if quoted.author not in result.users:
            result.users.append(quoted.author)
    return result
