"""Permission bits and the rule that computes them for a member in a channel.

Bits and algorithm: Discord's "Permissions" page (permission overwrites).
"""

from sandbox.chat import Person
from sandbox.discord import errors
from sandbox.discord.world import PUBLIC_THREAD, Channel, Guild, World

BITS = {
    "create_instant_invite": 1 << 0,
    "administrator": 1 << 3,
    "manage_channels": 1 << 4,
    "manage_guild": 1 << 5,
    "add_reactions": 1 << 6,
    "view_channel": 1 << 10,
    "send_messages": 1 << 11,
    "send_tts_messages": 1 << 12,
    "manage_messages": 1 << 13,
    "embed_links": 1 << 14,
    "attach_files": 1 << 15,
    "read_message_history": 1 << 16,
    "mention_everyone": 1 << 17,
    "use_external_emojis": 1 << 18,
    "use_application_commands": 1 << 31,
    "manage_threads": 1 << 34,
    "create_public_threads": 1 << 35,
    "send_messages_in_threads": 1 << 38,
}


def bits(*names: str) -> int:
    """The sum of named permissions. Raises ``KeyError`` for a name that is not in :data:`BITS`."""
    total = 0
    for name in names:
        total |= BITS[name]
    return total


#: What a new guild gives everybody.
EVERYONE = bits(
    "add_reactions",
    "view_channel",
    "send_messages",
    "embed_links",
    "attach_files",
    "read_message_history",
    "use_external_emojis",
    "use_application_commands",
    "create_public_threads",
    "send_messages_in_threads",
)
ALL = bits(*BITS)
#: In a direct message Discord gives both sides this.
IN_DM = bits("view_channel", "send_messages", "embed_links", "attach_files", "read_message_history", "add_reactions")


def in_guild(guild: Guild, role_ids: list[str]) -> int:
    total = guild.roles[guild.id].permissions
    for role_id in role_ids:
        total |= guild.roles[role_id].permissions
    return ALL if total & BITS["administrator"] else total


def role_ids(world: World, guild: Guild, person: Person) -> list[str]:
    """The roles of a member beside @everyone: only the bot has one, its own."""
    return [guild.bot_role] if person is world.bot and guild.bot_member else []


def permissions(world: World, person: Person, channel: Channel) -> int:
    """What a member may do in a channel; a thread takes it from its parent."""
    if channel.guild is None:
        return IN_DM
    guild = channel.guild
    if person is next(iter(world.people.values()), None):  # the owner
        return ALL
    place = channel.parent if channel.kind == PUBLIC_THREAD and channel.parent else channel
    held = role_ids(world, guild, person)
    total = in_guild(guild, held)
    if total & BITS["administrator"]:
        return ALL
    for group in ([guild.id], held):
        allowed = denied = 0
        for role_id in group:
            allow, deny = place.overwrites.get(role_id, (0, 0))
            allowed, denied = allowed | allow, denied | deny
        total = (total & ~denied) | allowed
    return total if total & BITS["view_channel"] else 0


def bot_may(world: World, channel: Channel, *names: str) -> bool:
    wanted = bits(*names)
    return permissions(world, world.bot, channel) & wanted == wanted


def require_access(world: World, channel: Channel) -> None:
    """Raises Missing Access where the bot cannot see the channel."""
    outside = channel.guild is not None and not channel.guild.bot_member
    if outside or not bot_may(world, channel, "view_channel"):
        raise errors.MISSING_ACCESS()


def require(world: World, channel: Channel, *names: str) -> None:
    """Raises Missing Access or Missing Permissions."""
    require_access(world, channel)
    if not bot_may(world, channel, *names):
        raise errors.MISSING_PERMISSIONS()
