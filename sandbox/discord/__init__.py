"""A strict stand-in for Discord: REST API v10, gateway WebSocket and CDN on one loopback port.

It refuses what Discord refuses, in Discord's words, and forgets what Discord forgets: the tests and the demo run
the real bot (discord.py) against it.
"""

from sandbox.discord.door import Call
from sandbox.discord.sandbox import DiscordSandbox

__all__ = ["Call", "DiscordSandbox"]
