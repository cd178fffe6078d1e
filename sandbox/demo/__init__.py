"""``imagine demo``: the real bots among the stand-ins, on a page with both chats or in a conversation from a file."""

from sandbox.demo.script import play
from sandbox.demo.show import show

__all__ = ["play", "show"]
