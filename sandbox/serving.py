"""Stand-ins are served the way the web part is, on loopback only."""

from bots.web.serving import serve

__all__ = ["serve"]
