"""Whether the commands Discord has are the ones we have."""

from collections.abc import Mapping, Sequence
from typing import Any

from discord import app_commands

# What Discord adds to a command it keeps.
_OF_DISCORD = frozenset({"id", "application_id", "version", "guild_id", "handler", "name_localized"})
_OF_DISCORD_TOO = frozenset({"description_localized", "dm_permission", "default_permission"})
#: A set of bits, which Discord writes as a string.
_PERMISSIONS = "default_member_permissions"


async def changed(tree: app_commands.CommandTree[Any], registered: Sequence[Mapping[str, Any]]) -> bool:
    """Compare what :meth:`CommandTree.sync` would send with what is there already."""
    ours = [
        await command.get_translated_payload(tree, tree.translator) if tree.translator else command.to_dict(tree)
        for command in tree.get_commands()
    ]
    return _by_name(ours) != _by_name(registered)


def _by_name(commands: Sequence[Mapping[str, Any]]) -> dict[tuple[int, str], Any]:
    return {(command.get("type", 1), command["name"]): _plain(command) for command in commands}


def _plain(value: Any) -> Any:
    """Without what Discord adds, and without empty values: it leaves out some, and we others."""
    if isinstance(value, Mapping):
        kept = {
            key: _plain(each) for key, each in value.items() if key not in _OF_DISCORD and key not in _OF_DISCORD_TOO
        }
        if kept.get(_PERMISSIONS) is not None:
            kept[_PERMISSIONS] = str(kept[_PERMISSIONS])  # the library sends a number
        return {key: each for key, each in kept.items() if each not in (None, False, "", [], {})}
    if isinstance(value, Sequence) and not isinstance(value, str):
        plain = [_plain(each) for each in value]
        # Contexts and installations are sets that are written as lists.
        return sorted(plain) if all(isinstance(each, int) for each in plain) else plain
    return value
