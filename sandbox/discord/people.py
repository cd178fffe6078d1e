"""The people's side: they speak, use commands, press buttons, fill in forms and delete."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.chat import Person, Post, Upload
from sandbox.discord.cdn import keep
from sandbox.discord.command_rules import ON_MESSAGE, SLASH, SUBCOMMAND, USER
from sandbox.discord.commands import Commands, Filling, Value
from sandbox.discord.interactions import AUTOCOMPLETE, COMMAND, COMPONENT, MODAL_SUBMIT, Interactions
from sandbox.discord.mentions import pinged
from sandbox.discord.message_rules import BUTTON, STRING_SELECT, walk
from sandbox.discord.messenger import Messenger
from sandbox.discord.modals import Form, Given
from sandbox.discord.payloads import Payloads
from sandbox.discord.showing import Showing
from sandbox.discord.world import Channel, Message, World

Json = dict[str, Any]

_HANDLE = re.compile(r"@(\w+)")
_REPLY = 19  # message type


class People:
    """What persons do. Mistakes of the caller are ``KeyError`` and ``ValueError``, as no person could make them."""

    def __init__(
        self,
        world: World,
        payloads: Payloads,
        messenger: Messenger,
        showing: Showing,
        *,
        commands: Commands,
        interactions: Interactions,
    ) -> None:
        self._world = world
        self._payloads = payloads
        self._messenger = messenger
        self._showing = showing
        self._commands = commands
        self._interactions = interactions
        self._filling = Filling(world, payloads)

    def place(self, who: str, channel: str) -> tuple[Person, Channel]:
        person = self._world.person(who)
        if channel == f"dm:{who}":
            return person, self._world.dm(person)
        found = self._world.channels[channel]
        if found.recipient is not None:
            raise KeyError(f"{channel} is not {who}'s")
        return person, found

    async def say(
        self, who: str, channel: str, text: str, *, files: Sequence[Upload], reply_to: str | None, ping: bool
    ) -> Post:
        person, place = self.place(who, channel)
        if not text and not files:
            raise ValueError("an empty message")
        message = Message(self._world.new_id(), place, person, self._world.clock())
        named = {self._world.bot.key: self._world.bot, **self._world.people}
        message.content = _HANDLE.sub(lambda m: f"<@{named[m[1]].id}>" if m[1] in named else m[0], text)
        message.named_bot = f"<@{self._world.bot.id}>" in message.content
        if reply_to is not None:
            message.reply_to, message.kind = self._world.seen(who, channel, reply_to).id, _REPLY
        message.files = [await keep(self._world, each, place) for each in files]
        hit = pinged(
            self._world,
            message,
            {"parse": ["users", "roles", "everyone"], "replied_user": ping},
            interaction=False,
        )
        message.mentions, message.mention_roles = hit.users, hit.roles
        message.mention_everyone, message.replied_user = hit.everyone, hit.replied
        place.archived = False
        self._messenger.post(message)
        return self._showing.post(message)

    async def command(self, who: str, channel: str, name: str, options: Mapping[str, Value]) -> str:
        person, place = self.place(who, channel)
        first, *rest = name.removeprefix("/").split()
        command = self._commands.find(who, place, SLASH, first)
        data = await self._filling.slash(command, rest, options, place)
        full = " ".join((first, *rest))
        return self._interactions.open(COMMAND, person, place, data, name=full, command_kind=SLASH).id

    async def context_menu(self, who: str, channel: str, name: str, post_id: str) -> str:
        person, place = self.place(who, channel)
        command = self._commands.find(who, place, ON_MESSAGE, name)
        target = self._world.seen(who, channel, post_id)
        data = self._filling.on_message(command, target.id)
        return self._interactions.open(COMMAND, person, place, data, name=name, command_kind=ON_MESSAGE).id

    async def user_menu(self, who: str, channel: str, name: str, whom: str) -> str:
        person, place = self.place(who, channel)
        command = self._commands.find(who, place, USER, name)
        target = self._world.person(whom)
        resolved: Json = {"users": {target.id: self._payloads.user(target)}}
        if place.guild:
            resolved["members"] = {target.id: self._payloads.member(place.guild, target) | {"permissions": "0"}}
        data: Json = {"id": command["id"], "name": name, "type": USER, "target_id": target.id, "resolved": resolved}
        return self._interactions.open(COMMAND, person, place, data, name=name, command_kind=USER).id

    async def autocomplete(
        self, who: str, channel: str, name: str, option: str, *, text: str, options: Mapping[str, Value]
    ) -> list[tuple[str, Any]]:
        person, place = self.place(who, channel)
        first, *rest = name.removeprefix("/").split()
        command = self._commands.find(who, place, SLASH, first)
        inner = command["options"]
        for step in rest:
            inner = next(each for each in inner if each["name"] == step and each["type"] <= SUBCOMMAND + 1)["options"]
        if not any(each["name"] == option and each.get("autocomplete") for each in inner):
            raise ValueError(f"/{name} has no option {option!r} with autocomplete")
        data = await self._filling.slash(command, rest, {**options, option: text}, place, focused=option)
        opened = self._interactions.open(AUTOCOMPLETE, person, place, data, name=name, command_kind=SLASH)
        assert opened.choices is not None
        return await opened.choices or []

    async def press(
        self, who: str, channel: str, post_id: str, component_id: str, values: Sequence[str] | None = None
    ) -> str:
        """Press a button, or with ``values`` choose in a select."""
        person, place = self.place(who, channel)
        message = self._world.seen(who, channel, post_id)
        found = next((c for _, c in walk(message.components) if c.get("custom_id") == component_id), None)
        if found is None or found["type"] != (BUTTON if values is None else STRING_SELECT):
            known = [each["custom_id"] for _, each in walk(message.components) if each.get("custom_id")]
            raise KeyError(f"{component_id!r} is not on this message; it has {known}")
        if found.get("disabled"):
            raise ValueError(f"{component_id!r} is disabled")
        data: Json = {"custom_id": component_id, "component_type": found["type"], "id": found["id"]}
        if values is not None:
            unknown = set(values) - {each["value"] for each in found["options"]}
            if unknown:
                raise ValueError(f"{component_id!r} has no choice {sorted(unknown)}")
            data["values"] = list(values)
        return self._interactions.open(COMPONENT, person, place, data, source=message).id

    async def submit(self, who: str, modal_id: str, values: Mapping[str, Given]) -> str:
        modal = self._interactions.modals[modal_id]
        opened = modal.interaction
        if opened.person.key != who:
            raise KeyError(f"this form stands before {opened.person.key}, not {who}")
        data = await Form(self._world, self._filling, modal, values).data()
        del self._interactions.modals[modal_id]
        return self._interactions.open(
            MODAL_SUBMIT, opened.person, opened.channel, data, name=opened.name, source=opened.source
        ).id

    async def delete(self, who: str, channel: str, post_id: str) -> None:
        message = self._world.seen(who, channel, post_id)
        owner = next(iter(self._world.people))
        if message.author.key != who and message.only_for is None and who != owner:
            raise ValueError(f"{who} may not delete what {message.author.key} wrote; {owner} owns the guild and may")
        self._messenger.remove(message)
