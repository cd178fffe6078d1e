"""The routes about the bot itself, its guilds and its commands."""

from typing import Any

from sandbox.discord import errors
from sandbox.discord.commands import Commands
from sandbox.discord.door import Answer, Ask, Door
from sandbox.discord.gateway import Gateway
from sandbox.discord.payloads import Payloads
from sandbox.discord.world import World

#: IDENTIFYs a day (Discord "Session Start Limit").
STARTS_A_DAY = 1000


class IdentityRoutes:
    def __init__(self, world: World, payloads: Payloads, gateway: Gateway, door: Door) -> None:
        self._world = world
        self._payloads = payloads
        self._gateway = gateway
        door.add("GET", "/users/@me", self._me)
        door.add("GET", "/users/@me/guilds", self._my_guilds)
        door.add("GET", "/users/{user_id}", self._user)
        door.add("GET", "/oauth2/applications/@me", self._application)
        door.add("GET", "/applications/@me", self._application)
        door.add("GET", "/applications/{application_id}", self._application)
        door.add("GET", "/gateway", self._address)
        door.add("GET", "/gateway/bot", self._bot_address)
        door.add("GET", "/guilds/{guild_id}", self._guild)
        door.add("GET", "/guilds/{guild_id}/channels", self._channels)
        door.add("GET", "/guilds/{guild_id}/roles", self._roles)
        door.add("GET", "/guilds/{guild_id}/threads/active", self._threads)
        door.add("GET", "/guilds/{guild_id}/members/{user_id}", self._member)

    async def _me(self, ask: Ask) -> Answer:
        return Answer(200, self._payloads.me())

    async def _my_guilds(self, ask: Ask) -> Answer:
        found: list[dict[str, Any]] = [
            {
                "id": guild.id,
                "name": guild.name,
                "icon": None,
                "banner": None,
                "owner": False,
                "permissions": str(guild.roles[guild.bot_role].permissions),
                "features": [],
            }
            for guild in self._world.guilds.values()
            if guild.bot_member
        ]
        return Answer(200, found)

    async def _user(self, ask: Ask) -> Answer:
        return Answer(200, self._payloads.user(self._world.user(ask.path["user_id"])))

    async def _application(self, ask: Ask) -> Answer:
        if ask.path.get("application_id", self._world.application_id) != self._world.application_id:
            raise errors.UNKNOWN_APPLICATION()
        allowed = self._gateway.settings.message_content_allowed
        return Answer(200, self._payloads.application(message_content_allowed=allowed))

    async def _address(self, ask: Ask) -> Answer:
        return Answer(200, {"url": self._gateway.address})

    async def _bot_address(self, ask: Ask) -> Answer:
        start = {
            "total": STARTS_A_DAY,
            "remaining": max(0, STARTS_A_DAY - self._gateway.identified),
            "reset_after": 24 * 3600 * 1000,
            "max_concurrency": self._gateway.settings.max_concurrency,
        }
        shards = self._gateway.settings.shards
        return Answer(200, {"url": self._gateway.address, "shards": shards, "session_start_limit": start})

    async def _guild(self, ask: Ask) -> Answer:
        return Answer(200, self._payloads.guild(self._world.guild(ask.path["guild_id"])))

    async def _channels(self, ask: Ask) -> Answer:
        guild = self._world.guild(ask.path["guild_id"])
        return Answer(200, [self._payloads.channel(c) for c in self._world.guild_channels(guild, threads=False)])

    async def _roles(self, ask: Ask) -> Answer:
        guild = self._world.guild(ask.path["guild_id"])
        return Answer(200, [self._payloads.role(role, i) for i, role in enumerate(guild.roles.values())])

    async def _threads(self, ask: Ask) -> Answer:
        guild = self._world.guild(ask.path["guild_id"])
        threads = [c for c in self._world.guild_channels(guild, threads=True) if not c.archived]
        return Answer(
            200, {"threads": [self._payloads.channel(each) for each in threads], "members": [], "has_more": False}
        )

    async def _member(self, ask: Ask) -> Answer:
        guild = self._world.guild(ask.path["guild_id"])
        try:
            person = self._world.user(ask.path["user_id"])
        except errors.ApiError:
            raise errors.UNKNOWN_MEMBER() from None
        return Answer(200, self._payloads.member_with_user(guild, person))


class CommandRoutes:
    """Commands, globally and for one guild."""

    def __init__(self, world: World, commands: Commands, door: Door) -> None:
        self._world = world
        self._commands = commands
        for start in ("/applications/{application_id}", "/applications/{application_id}/guilds/{guild_id}"):
            door.add("GET", f"{start}/commands", self._all)
            door.add("PUT", f"{start}/commands", self._replace_all)
            door.add("POST", f"{start}/commands", self._create)
            door.add("GET", f"{start}/commands/{{command_id}}", self._get)
            door.add("PATCH", f"{start}/commands/{{command_id}}", self._change)
            door.add("DELETE", f"{start}/commands/{{command_id}}", self._delete)

    def _scope(self, ask: Ask) -> str | None:
        if ask.path["application_id"] != self._world.application_id:
            raise errors.UNKNOWN_APPLICATION()
        return self._world.guild(ask.path["guild_id"]).id if "guild_id" in ask.path else None

    async def _all(self, ask: Ask) -> Answer:
        return Answer(200, self._commands.all(self._scope(ask)))

    async def _replace_all(self, ask: Ask) -> Answer:
        return Answer(200, self._commands.replace_all(self._scope(ask), ask.body or []))

    async def _create(self, ask: Ask) -> Answer:
        stored, new = self._commands.put(self._scope(ask), ask.body)
        return Answer(201 if new else 200, stored)

    async def _get(self, ask: Ask) -> Answer:
        return Answer(200, self._commands.get(self._scope(ask), ask.path["command_id"]))

    async def _change(self, ask: Ask) -> Answer:
        return Answer(200, self._commands.change(self._scope(ask), ask.path["command_id"], ask.body or {}))

    async def _delete(self, ask: Ask) -> Answer:
        self._commands.delete(self._scope(ask), ask.path["command_id"])
        return Answer(204)
