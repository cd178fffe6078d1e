"""The registered commands: what the bot stored, and how a person's use of one is checked and written down."""

from collections.abc import Mapping
from typing import Any

from sandbox.chat import Upload
from sandbox.discord import errors
from sandbox.discord.cdn import keep
from sandbox.discord.command_rules import (
    ATTACHMENT,
    BOOLEAN,
    CHANNEL,
    GROUP,
    INTEGER,
    NUMBER,
    ON_MESSAGE,
    SLASH,
    STRING,
    SUBCOMMAND,
    USER,
    check_set,
)
from sandbox.discord.payloads import Payloads
from sandbox.discord.permissions import BITS, permissions
from sandbox.discord.world import Channel, File, World

Json = dict[str, Any]
Value = str | int | float | bool | Upload

#: Contexts of use (Discord "Interaction Contexts"): in a guild, in a direct message with the bot.
IN_GUILD, IN_BOT_DM = 0, 1


class Commands:
    """Commands by scope: None is global, else a guild's id."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._scopes: dict[str | None, dict[str, Json]] = {}

    def all(self, scope: str | None) -> list[Json]:
        return list(self._scopes.get(scope, {}).values())

    def get(self, scope: str | None, command_id: str) -> Json:
        try:
            return self._scopes.get(scope, {})[command_id]
        except KeyError:
            raise errors.UNKNOWN_COMMAND() from None

    def replace_all(self, scope: str | None, commands: list[Json]) -> list[Json]:
        """A bulk overwrite: commands of the same kind and name keep their ids."""
        check_set(commands)
        before = {(each["type"], each["name"]): each for each in self.all(scope)}
        stored = [self._stored(each, scope, before.get((each.get("type") or SLASH, each["name"]))) for each in commands]
        self._scopes[scope] = {each["id"]: each for each in stored}
        return stored

    def put(self, scope: str | None, command: Json) -> tuple[Json, bool]:
        """Create or, where kind and name are known, replace; the second says whether it is new."""
        kind = command.get("type") or SLASH
        known = next((e for e in self.all(scope) if (e["type"], e["name"]) == (kind, command["name"])), None)
        check_set([*(each for each in self.all(scope) if each is not known), command])
        stored = self._stored(command, scope, known)
        self._scopes.setdefault(scope, {})[stored["id"]] = stored
        return stored, known is None

    def change(self, scope: str | None, command_id: str, changes: Json) -> Json:
        known = self.get(scope, command_id)
        merged = {**known, **changes}
        check_set([*(each for each in self.all(scope) if each is not known), merged])
        self._scopes[scope][command_id] = self._stored(merged, scope, known)
        return self._scopes[scope][command_id]

    def delete(self, scope: str | None, command_id: str) -> None:
        self.get(scope, command_id)
        del self._scopes[scope][command_id]

    def _stored(self, command: Json, scope: str | None, known: Json | None) -> Json:
        allowed = command.get("default_member_permissions")
        stored: Json = {
            "id": known["id"] if known else self._world.new_id(),
            "application_id": self._world.application_id,
            "version": self._world.new_id(),
            "type": command.get("type") or SLASH,
            "name": command["name"],
            "name_localizations": command.get("name_localizations"),
            "description": command.get("description") or "",
            "description_localizations": command.get("description_localizations"),
            "default_member_permissions": None if allowed is None else str(allowed),
            "dm_permission": command.get("dm_permission") is not False,
            "contexts": command.get("contexts"),
            "integration_types": command.get("integration_types") or [0],
            "nsfw": bool(command.get("nsfw")),
            "options": [_without_nulls(each) for each in command.get("options") or []],
        }
        return stored if scope is None else stored | {"guild_id": scope}

    def find(self, who: str, channel: Channel, kind: int, name: str) -> Json:
        """The command a person would see under a name in a channel, a guild's own before the global one.

        Raises ``KeyError`` when there is none for that person and place.
        """
        person = self._world.person(who)
        scopes = [channel.guild.id if channel.guild else None, None]
        for scope in dict.fromkeys(scopes):
            for each in self.all(scope):
                if (each["type"], each["name"]) == (kind, name) and self._offered(each, channel):
                    wanted = int(each["default_member_permissions"] or 0)
                    held = permissions(self._world, person, channel)
                    if channel.guild and held & wanted != wanted and not held & BITS["administrator"]:
                        raise KeyError(f"{who} may not use {name}")
                    return each
        known = sorted(
            each["name"] for scope in dict.fromkeys(scopes) for each in self.all(scope) if each["type"] == kind
        )
        raise KeyError(f"no command {name!r} of this kind here; registered: {known}")

    def _offered(self, command: Json, channel: Channel) -> bool:
        context = IN_GUILD if channel.guild else IN_BOT_DM
        contexts = command["contexts"]
        here = context in contexts if contexts is not None else command["dm_permission"] or bool(channel.guild)
        installed = 0 if channel.guild is None or channel.guild.bot_member else 1
        return here and (channel.guild is None or installed in command["integration_types"])


def _without_nulls(option: Json) -> Json:
    cleaned = {key: each for key, each in option.items() if each is not None}
    if "options" in cleaned:
        cleaned["options"] = [_without_nulls(each) for each in cleaned["options"]]
    return cleaned


class Filling:
    """Turns a person's words into the ``data`` of an interaction."""

    def __init__(self, world: World, payloads: Payloads) -> None:
        self._world = world
        self._payloads = payloads

    async def slash(
        self,
        command: Json,
        path: list[str],
        given: Mapping[str, Value],
        channel: Channel,
        *,
        focused: str | None = None,
    ) -> Json:
        """The data of a slash command or of an autocomplete (``focused`` names the option being typed).

        Raises ``ValueError`` for an option that is unknown, missing, of a wrong type or out of its bounds.
        """
        options, names = command["options"], list(path)
        while names:
            step = names.pop(0)
            inner = next((o for o in options if o["name"] == step and o["type"] in (SUBCOMMAND, GROUP)), None)
            if inner is None:
                raise KeyError(f"/{command['name']} has no subcommand {step!r}")
            options = inner.get("options") or []
        if any(option["type"] in (SUBCOMMAND, GROUP) for option in options):
            raise KeyError(f"/{command['name']} {' '.join(path)} needs a subcommand")
        known = {option["name"]: option for option in options}
        for name in given:
            if name not in known:
                raise ValueError(f"/{command['name']} has no option {name!r}; it has {sorted(known)}")
        missing = [name for name, option in known.items() if option.get("required") and name not in given]
        if missing and focused is None:
            raise ValueError(f"/{command['name']} needs {', '.join(missing)}")
        resolved: dict[str, Json] = {}
        filled: list[Json] = []
        for name, option in known.items():
            if name not in given:
                continue
            one: Json = {"name": name, "type": option["type"]}
            if name == focused:
                one |= {"value": given[name], "focused": True}
            else:
                one["value"] = await self._value(option, given[name], channel, resolved)
            filled.append(one)
        for depth, step in enumerate(reversed(path)):
            filled = [{"name": step, "type": SUBCOMMAND if depth == 0 else GROUP, "options": filled}]
        data: Json = {"id": command["id"], "name": command["name"], "type": SLASH, "options": filled}
        data |= {"resolved": resolved} if resolved else {}
        return data | ({"guild_id": command["guild_id"]} if "guild_id" in command else {})

    async def _value(self, option: Json, value: Value, channel: Channel, resolved: dict[str, Json]) -> Any:
        kind, name = option["type"], option["name"]
        if kind == ATTACHMENT:
            if not isinstance(value, Upload):
                raise ValueError(f"{name} takes a file")
            return self.resolve_file(await keep(self._world, value, channel, ephemeral=True), resolved)
        if isinstance(value, Upload):
            raise ValueError(f"{name} takes no file")
        if kind == USER:
            person = self._world.person(str(value))
            resolved.setdefault("users", {})[person.id] = self._payloads.user(person)
            if channel.guild:
                member = self._payloads.member(channel.guild, person)
                member["permissions"] = str(permissions(self._world, person, channel))
                resolved.setdefault("members", {})[person.id] = member
            return person.id
        if kind == CHANNEL:
            chosen = self._world.channels[str(value)]
            resolved.setdefault("channels", {})[chosen.id] = self._payloads.partial_channel(chosen, self._world.bot)
            return chosen.id
        wanted: dict[int, tuple[type, ...]] = {STRING: (str,), INTEGER: (int,), BOOLEAN: (bool,), NUMBER: (int, float)}
        if kind not in wanted:
            raise ValueError(f"{name} is of option type {kind}, which people cannot fill in here")
        if not isinstance(value, wanted[kind]) or (isinstance(value, bool) and kind != BOOLEAN):
            raise ValueError(f"{name} is of option type {kind}, not {type(value).__name__}")
        choices = [choice["value"] for choice in option.get("choices") or []]
        if choices and value not in choices:
            raise ValueError(f"{name} must be one of {choices}")
        _within(name, len(value) if isinstance(value, str) else value, option)
        return value

    def resolve_file(self, file: File, resolved: dict[str, Json]) -> str:
        resolved.setdefault("attachments", {})[file.id] = self._payloads.file(file)
        return file.id

    def on_message(self, command: Json, message_id: str) -> Json:
        """The data of a message context-menu command: the whole message, never emptied."""
        message = self._payloads.message(self._world.messages[message_id])
        resolved = {"messages": {message_id: message}}
        data: Json = {"id": command["id"], "name": command["name"], "type": ON_MESSAGE, "target_id": message_id}
        data["resolved"] = resolved
        return data | ({"guild_id": command["guild_id"]} if "guild_id" in command else {})


def _within(name: str, size: float, option: Json) -> None:
    for low, high in (("min_value", "max_value"), ("min_length", "max_length")):
        if option.get(low) is not None and size < option[low]:
            raise ValueError(f"{name} is below its {low} of {option[low]}")
        if option.get(high) is not None and size > option[high]:
            raise ValueError(f"{name} is above its {high} of {option[high]}")
