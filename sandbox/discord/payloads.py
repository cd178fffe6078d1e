"""The JSON objects of the API and the gateway, made from the world."""

from datetime import UTC, datetime
from typing import Any

from sandbox.chat import Person
from sandbox.discord.cdn import Cdn
from sandbox.discord.permissions import permissions, role_ids
from sandbox.discord.world import DM, PUBLIC_THREAD, Channel, File, Guild, Interaction, Message, Role, World

Json = dict[str, Any]

#: When everybody joined and everything began: a fixed moment, so that runs are alike.
JOINED = "2024-05-01T12:00:00.000000+00:00"
#: Application flag GATEWAY_MESSAGE_CONTENT_LIMITED: the switch in the portal, as an unreviewed bot has it.
CONTENT_LIMITED = 1 << 19


_SELECT = {"min_values": 1, "max_values": 1}
#: What Discord fills in for components that came without, by type; 0 is an item of a media gallery.
COMPONENT_DEFAULTS: dict[int, Json] = {
    0: {"description": None, "spoiler": False},
    **dict.fromkeys((3, 5, 6, 7, 8), _SELECT),
    11: {"description": None, "spoiler": False},
    13: {"spoiler": False, "name": "", "size": 0},
    14: {"spacing": 1, "divider": True},
    17: {"accent_color": None, "spoiler": False},
}


def moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")


class Payloads:
    """Shapes of Discord's objects (API v10); file addresses in them are signed anew each time."""

    def __init__(self, world: World, cdn: Cdn) -> None:
        self._world = world
        self._cdn = cdn

    def user(self, person: Person) -> Json:
        user: Json = {
            "id": person.id,
            "username": person.name.lower(),
            "discriminator": "0" if person is not self._world.bot else "4242",
            "global_name": None if person is self._world.bot else person.name,
            "avatar": None,
            "public_flags": 0,
            "flags": 0,
            "primary_guild": None,
        }
        return user | ({"bot": True} if person is self._world.bot else {})

    def me(self) -> Json:
        own = {"mfa_enabled": True, "locale": "en-US", "verified": True, "email": None}
        return self.user(self._world.bot) | own

    def member(self, guild: Guild, person: Person) -> Json:
        return {
            "nick": None,
            "avatar": None,
            "banner": None,
            "roles": role_ids(self._world, guild, person),
            "joined_at": JOINED,
            "premium_since": None,
            "communication_disabled_until": None,
            "deaf": False,
            "mute": False,
            "pending": False,
            "flags": 0,
        }

    def member_with_user(self, guild: Guild, person: Person) -> Json:
        return self.member(guild, person) | {"user": self.user(person)}

    def application(self, *, message_content_allowed: bool) -> Json:
        world = self._world
        return {
            "id": world.application_id,
            "name": world.bot.name,
            "icon": None,
            "description": "",
            "type": None,
            "bot": self.user(world.bot),
            "bot_public": True,
            "bot_require_code_grant": False,
            "verify_key": "0" * 64,
            "flags": CONTENT_LIMITED if message_content_allowed else 0,
            "flags_new": str(CONTENT_LIMITED if message_content_allowed else 0),
            "hook": True,
            "is_monetized": False,
            "is_verified": False,
            "summary": "",
            "redirect_uris": [],
            "rpc_origins": [],
            "interactions_endpoint_url": None,
            "role_connections_verification_url": None,
            "integration_types_config": {"0": {}, "1": {}},
            "owner": self.user(next(iter(world.people.values()))),
            "team": None,
            "approximate_guild_count": sum(guild.bot_member for guild in world.guilds.values()),
            "approximate_user_install_count": 0,
            "approximate_user_authorization_count": 0,
            "eligible_oauth2_scopes": [],
            "explicit_content_filter": 0,
        }

    def role(self, role: Role, position: int) -> Json:
        return {
            "id": role.id,
            "name": role.name,
            "description": None,
            "color": 0,
            "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
            "hoist": False,
            "icon": None,
            "unicode_emoji": None,
            "position": position,
            "permissions": str(role.permissions),
            "managed": role.managed,
            "mentionable": False,
            "flags": 0,
            **({"tags": {"bot_id": self._world.bot.id}} if role.managed else {}),
        }

    def guild(self, guild: Guild) -> Json:
        return {
            "id": guild.id,
            "name": guild.name,
            "icon": None,
            "description": None,
            "home_header": None,
            "splash": None,
            "discovery_splash": None,
            "features": [],
            "banner": None,
            "owner_id": next(iter(self._world.people.values())).id,
            "application_id": None,
            "region": "deprecated",
            "afk_channel_id": None,
            "afk_timeout": 300,
            "system_channel_id": None,
            "system_channel_flags": 0,
            "widget_enabled": False,
            "widget_channel_id": None,
            "verification_level": 0,
            "roles": [self.role(role, i) for i, role in enumerate(guild.roles.values())],
            "default_message_notifications": 0,
            "mfa_level": 0,
            "explicit_content_filter": 0,
            "max_presences": None,
            "max_members": 500000,
            "max_stage_video_channel_users": 50,
            "max_video_channel_users": 25,
            "vanity_url_code": None,
            "premium_tier": guild.tier,
            "premium_subscription_count": 0,
            "premium_progress_bar_enabled": False,
            "preferred_locale": guild.locale,
            "rules_channel_id": None,
            "safety_alerts_channel_id": None,
            "public_updates_channel_id": None,
            "nsfw": False,
            "nsfw_level": 0,
            "emojis": [],
            "stickers": [],
        }

    def guild_create(self, guild: Guild, *, members: bool) -> Json:
        """What the gateway sends about a guild; without the presence intent only the bot is in ``members``."""
        people = self._world.people.values() if members else ()
        channels = [self.channel(c) for c in self._world.guild_channels(guild, threads=False)]
        threads = [c for c in self._world.guild_channels(guild, threads=True) if not c.archived]
        return self.guild(guild) | {
            "joined_at": JOINED,
            "large": False,
            "unavailable": False,
            "member_count": len(self._world.people) + 1,
            "members": [self.member_with_user(guild, each) for each in (self._world.bot, *people)],
            "channels": channels,
            "threads": [self.channel(thread) for thread in threads],
            "voice_states": [],
            "presences": [],
            "stage_instances": [],
            "guild_scheduled_events": [],
            "soundboard_sounds": [],
        }

    def channel(self, channel: Channel) -> Json:
        last = self._world.history(channel)
        common: Json = {
            "id": channel.id,
            "type": channel.kind,
            "flags": 0,
            "last_message_id": last[-1].id if last else None,
        }
        if channel.kind == DM:
            assert channel.recipient is not None
            return common | {"recipients": [self.user(channel.recipient)]}
        assert channel.guild is not None
        common |= {"guild_id": channel.guild.id, "name": channel.name, "rate_limit_per_user": 0}
        if channel.kind == PUBLIC_THREAD:
            assert channel.parent is not None
            return common | {
                "parent_id": channel.parent.id,
                "owner_id": next(iter(self._world.people.values())).id,
                "message_count": len(last),
                "total_message_sent": len(last),
                "member_count": 1,
                "thread_metadata": {
                    "archived": channel.archived,
                    "locked": channel.locked,
                    "auto_archive_duration": 1440,
                    "archive_timestamp": JOINED,
                    "create_timestamp": JOINED,
                },
            }
        overwrites = [
            {"id": role_id, "type": 0, "allow": str(allow), "deny": str(deny)}
            for role_id, (allow, deny) in channel.overwrites.items()
        ]
        others = {"parent_id": None, "position": 0, "topic": None, "nsfw": False, "permission_overwrites": overwrites}
        return common | others

    def partial_channel(self, channel: Channel, person: Person) -> Json:
        """The channel inside an interaction: with the permissions of the one who acted."""
        return self.channel(channel) | {"permissions": str(permissions(self._world, person, channel))}

    def file(self, file: File) -> Json:
        described = {} if file.description is None else {"description": file.description}
        sized = {"width": file.width, "height": file.height} if file.width else {}
        ephemeral = {"ephemeral": True} if file.folder.startswith("ephemeral") else {}
        return {
            "id": file.id,
            "filename": file.filename,
            "size": len(file.data),
            "url": self._cdn.url(file),
            "proxy_url": self._cdn.url(file, proxied=True),
            "content_type": file.mime,
            "flags": (1 << 3) if file.spoiler else 0,
            **described,
            **sized,
            **ephemeral,
        }

    def message(self, message: Message, *, content: bool = True, quoted_content: bool = True) -> Json:
        """A message; ``content`` False empties what the message-content intent guards, in it and in none other.

        ``quoted_content`` says the same of the message it replies to.
        """
        world = self._world
        body: Json = {
            "id": message.id,
            "channel_id": message.channel.id,
            "type": message.kind,
            "author": self.user(message.author),
            "content": message.content if content else "",
            "embeds": [self._embed(message, each) for each in message.embeds] if content else [],
            "attachments": [self.file(each) for each in shown_apart(message)] if content else [],
            "components": [self._component(message, each) for each in message.components] if content else [],
            "timestamp": moment(message.created),
            "edited_timestamp": None if message.edited is None else moment(message.edited),
            "flags": message.flags,
            "mentions": [self.user(each) for each in message.mentions],
            "mention_roles": list(message.mention_roles),
            "mention_everyone": message.mention_everyone,
            "pinned": False,
            "tts": message.tts,
        }
        if message.nonce is not None:
            body["nonce"] = message.nonce
        if message.reply_to is not None:
            place = {"guild_id": message.channel.guild.id} if message.channel.guild else {}
            channel_id = message.reply_channel or message.channel.id
            body["message_reference"] = {"type": 0, "message_id": message.reply_to, "channel_id": channel_id, **place}
            quoted = world.referenced(message)
            body["referenced_message"] = quoted and self._quoted(quoted, quoted_content)
        if message.interaction is not None:
            body |= self._origin(message.interaction)
        return body

    def _quoted(self, message: Message, content: bool) -> Json:
        inner = self.message(message, content=content)
        inner.pop("referenced_message", None)  # Discord goes one level deep
        return inner

    def _origin(self, interaction: Interaction) -> Json:
        owner = {"0": interaction.channel.guild.id} if interaction.channel.guild else {"1": interaction.person.id}
        origin: Json = {
            "id": interaction.id,
            "type": interaction.kind,
            "user": self.user(interaction.person),
            "authorizing_integration_owners": owner,
        }
        if interaction.kind == 2:
            origin |= {"name": interaction.name, "command_type": interaction.command_kind}
        elif interaction.kind == 3 and interaction.source is not None:
            origin["interacted_message_id"] = interaction.source.id
        elif interaction.kind == 5:
            # The form's own origin is not kept apart: Discord asks only that it be an object of the same shape.
            origin["triggering_interaction_metadata"] = {
                **origin,
                "type": 2,
                "name": interaction.name,
                "command_type": 1,
            }
        return {
            "interaction_metadata": origin,
            "application_id": self._world.application_id,
            "webhook_id": self._world.application_id,
        }

    def _embed(self, message: Message, embed: Json) -> Json:
        filled: Json = {"type": "rich", **{key: each for key, each in embed.items() if each is not None}}
        for key in ("image", "thumbnail"):
            if key in filled:
                filled[key] = self._media(message, filled[key]["url"])
        if "fields" in filled:
            filled["fields"] = [{"inline": False} | each for each in filled["fields"]]
        return filled

    def _media(self, message: Message, url: str) -> Json:
        file = attached(message, url)
        if file is None:
            return {"url": url, "proxy_url": url}
        sized = {"width": file.width, "height": file.height} if file.width else {}
        whole = {"content_type": file.mime, "flags": 0}
        return {"url": self._cdn.url(file), "proxy_url": self._cdn.url(file, proxied=True), **sized, **whole}

    def _component(self, message: Message, component: Json) -> Json:
        filled = COMPONENT_DEFAULTS.get(component.get("type", 0), {}) | {
            key: each for key, each in component.items() if each is not None
        }
        for key in ("components", "items"):
            if key in filled:
                filled[key] = [self._component(message, each) for each in filled[key]]
        if "accessory" in filled:
            filled["accessory"] = self._component(message, filled["accessory"])
        for key in ("media", "file"):
            if key in filled:
                found = attached(message, filled[key]["url"])
                known = {"id": found.id, "attachment_id": found.id} if found else {"id": message.id}
                filled[key] = self._media(message, filled[key]["url"]) | known
                if key == "file" and found is not None:
                    filled |= {"name": found.filename, "size": len(found.data)}
        return filled


def attached(message: Message, url: str) -> File | None:
    """The file of the message that an ``attachment://name`` address means."""
    name = url.removeprefix("attachment://")
    return next((file for file in message.files if file.filename == name), None) if name != url else None


def shown_apart(message: Message) -> list[File]:
    """The files listed as attachments: those an embed shows are part of the embed and not listed."""
    urls = [embed[key]["url"] for embed in message.embeds for key in ("image", "thumbnail") if embed.get(key)]
    inside = [attached(message, url) for url in urls]
    return [file for file in message.files if file not in inside]
