"""Gateway intents, and what a session without them is not told.

Sources: Discord "Gateway Intents"; "Message Content Intent" and "You might not need a privileged intent" for the
messages whose content arrives all the same.
"""

from sandbox.discord.world import DM, Message, World

GUILDS, GUILD_MEMBERS, GUILD_PRESENCES = 1 << 0, 1 << 1, 1 << 8
GUILD_MESSAGES, DIRECT_MESSAGES, MESSAGE_CONTENT = 1 << 9, 1 << 12, 1 << 15
PRIVILEGED = GUILD_MEMBERS | GUILD_PRESENCES | MESSAGE_CONTENT
#: Every bit Discord has given a meaning (0-16, 20, 21, 24, 25).
KNOWN = (1 << 17) - 1 | 1 << 20 | 1 << 21 | 1 << 24 | 1 << 25


def content_for_everyone(world: World, message: Message) -> bool:
    """Whether the content of a message reaches the bot without the message-content intent.

    Its own messages, direct messages, messages that mention it, and replies with a ping to its ordinary messages
    (a reply to an interaction's answer does not count, although it lists the bot among its mentions).
    """
    if message.author is world.bot or message.channel.kind == DM or message.named_bot:
        return True
    if not message.replied_user:
        return False
    quoted = world.referenced(message)
    return quoted is not None and quoted.author is world.bot and quoted.interaction is None


def intent_for(message: Message) -> int:
    """The intent a session needs to hear of a message at all."""
    return DIRECT_MESSAGES if message.channel.kind == DM else GUILD_MESSAGES
