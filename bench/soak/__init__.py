"""10,000 waiting orders in one embedded process: loop lag, memory and work over time."""

from bench.soak.running import main

__all__ = ["main"]
