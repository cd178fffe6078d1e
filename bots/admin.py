"""What /admin can do, from one table for both chat programs: a further subcommand is an entry and its sentence."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from bots import texts
from bots.words import Words
from core.admin import Admin


@dataclass(frozen=True)
class Asked:
    """Somebody who may has asked for a subcommand."""

    admin: Admin
    words: Words
    locale: str
    style: texts.Style


async def _stats(asked: Asked) -> str:
    return texts.stats(asked.words, asked.locale, await asked.admin.report(), asked.style)


#: Each has a sentence ``command.admin_<name>`` that says what it is for, and answers with words. Raises StoreDown.
SUBCOMMANDS: Mapping[str, Callable[[Asked], Awaitable[str]]] = {"stats": _stats}


def overview(words: Words, locale: str, style: texts.Style) -> str:
    """The subcommands, for those who name none that there is."""
    admin, about = style.command("admin"), texts.command_description
    return "\n".join(f"{admin} {name} – {about(words, locale, f'admin_{name}')}" for name in SUBCOMMANDS)
