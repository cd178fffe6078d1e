"""``imagine stats``: how everything stands, from a terminal."""

from typing import Any

from bots import texts
from bots.app import opened
from bots.words import Words
from core.admin import Report, Standing
from core.errors import SettingsError
from core.ports import Credits, GatewayFigures
from core.settings import Settings
from core.store import behind


async def asked(settings: Settings) -> Report:
    """Neither makes a database nor brings one up to date: bots of another version may be running on it.
    Raises SettingsError, StoreDown."""
    why = await behind(settings.database_url)
    if why is not None:
        raise SettingsError("DATABASE_URL", why)
    async with opened(settings) as core:
        return await core.admin.report()


def as_text(report: Report) -> str:
    """In English, as all of the command line."""
    words = Words()
    plain = texts.Style(
        quote=str,
        when=lambda unix_time: words.when("en", unix_time),
        bold=str,
        command=lambda name: f"imagine {name}",
    )
    return texts.stats(words, "en", report, plain)


def as_document(report: Report) -> dict[str, Any]:
    """For machines; the keys are part of the interface. Times are ISO 8601 in UTC."""
    stats = report.stats
    names = sorted(report.standings.keys() | stats.gateways.keys() | stats.rests.keys())
    return {
        "at": report.at.isoformat(),
        "orders": {state.value: count for state, count in stats.orders.items()},
        "next_due": None if stats.next_due is None else stats.next_due.isoformat(),
        "to_post": stats.to_post,
        "today": {"tasks": stats.tasks, "people": stats.people, "credits": _credits(stats.day)},
        "month": {"credits": _credits(stats.month)},
        "gateways": {name: _gateway(report, name) for name in names},
    }


def _credits(found: Credits) -> dict[str, int]:
    return {"settled": found.settled, "held": found.held, "released": found.released}


def _gateway(report: Report, name: str) -> dict[str, Any]:
    figures = report.stats.gateways.get(name, GatewayFigures())
    rest, standing = report.stats.rests.get(name), report.standings.get(name)
    return {
        "running": figures.running,
        "finished_today": figures.finished,
        "failed_today": figures.failed,
        "median_seconds": figures.seconds,
        "rests": None if rest is None else {"until": rest.until.isoformat(), "why": rest.why},
        "account": None if standing is None else _account(standing),
    }


def _account(standing: Standing) -> dict[str, str | None]:
    return {"line": standing.line or None, "trouble": standing.trouble}
