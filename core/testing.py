"""Scripted twins, shipped with the real things."""

from datetime import UTC, datetime, timedelta


class ManualClock:
    """A clock that only moves when told; aware UTC."""

    def __init__(self, now: datetime | None = None) -> None:
        self.now = now or datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> datetime:
        """Move on; returns the new now."""
        self.now += timedelta(seconds=seconds)
        return self.now
