"""Rules for registering commands and for opening forms that the contract's schemas do not express.

Sources: Discord "Application Commands" (naming, limits, option order), "Interaction Response: Modal"; the limit of
15 context-menu commands of each kind since 2026-03-03 (Discord change log).
"""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from sandbox.discord import errors
from sandbox.discord.errors import Path, Problems
from sandbox.discord.message_rules import STRING_SELECT, check_select, walk

Json = dict[str, Any]

SLASH, ON_USER, ON_MESSAGE = 1, 2, 3
SUBCOMMAND, GROUP, STRING, INTEGER, BOOLEAN, USER, CHANNEL, ROLE, MENTIONABLE, NUMBER, ATTACHMENT = range(1, 12)
#: How many of each kind, globally and again in each guild.
COUNTS = {SLASH: 100, ON_USER: 15, ON_MESSAGE: 15}
#: Characters over names, descriptions and choice values of one command, its longest localization counted.
TOTAL_CHARACTERS = 8000
MODAL_COMPONENTS = 5  #: on the top level
#: Discord's locales ("Locales" in the reference).
LOCALES = frozenset(
    (
        *("id", "da", "de", "en-GB", "en-US", "es-ES", "es-419", "fr", "hr", "it", "lt", "hu", "nl", "no", "pl"),
        *("pt-BR", "ro", "fi", "sv-SE", "vi", "tr", "cs", "el", "bg", "ru", "uk", "hi", "th", "zh-CN", "ja", "zh-TW"),
        "ko",
    )
)
_NAME = re.compile(r"[-_'\w]{1,32}")  # Discord: letters and digits of any script, hyphen, underscore, apostrophe


def check_command(command: Json, problems: Problems, path: Path = ()) -> None:
    kind = command.get("type") or SLASH
    if kind == SLASH:
        _slash_name(command["name"], (*path, "name"), problems)
        if not command.get("description"):
            problems.add((*path, "description"), "BASE_TYPE_REQUIRED", "This field is required")
    elif command.get("description") or command.get("options"):
        for key in ("description", "options"):
            if command.get(key):
                text = "Context menu commands cannot have this field"
                problems.add((*path, key), "APPLICATION_COMMAND_CONTEXT_MENU_FIELD", text)
    _localized(command, path, problems, slash=kind == SLASH)
    _options(command.get("options") or [], (*path, "options"), problems)
    if characters(command) > TOTAL_CHARACTERS:
        text = f"Command exceeds maximum size ({TOTAL_CHARACTERS})"
        problems.add(path, "APPLICATION_COMMAND_TOO_LARGE", text)


def check_set(commands: Sequence[Json]) -> None:
    """A whole set of commands for one scope. Raises :class:`~sandbox.discord.errors.ApiError`."""
    problems = Problems()
    for i, command in enumerate(commands):
        check_command(command, problems, (i,))
    named = Counter((each.get("type") or SLASH, each["name"]) for each in commands)
    for i, command in enumerate(commands):
        if named[command.get("type") or SLASH, command["name"]] > 1:
            text = "Application command names must be unique"
            problems.add((i, "name"), "APPLICATION_COMMANDS_DUPLICATE_NAME", text)
    problems.raise_if_any()
    for kind, limit in COUNTS.items():
        if sum((each.get("type") or SLASH) == kind for each in commands) > limit:
            raise errors.TOO_MANY_COMMANDS()


def _slash_name(name: str, path: Path, problems: Problems) -> None:
    if not _NAME.fullmatch(name):
        problems.add(path, "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
    elif name != name.lower():
        problems.add(path, "APPLICATION_COMMAND_INVALID_NAME", "Command name must be lower case")


def _localized(item: Json, path: Path, problems: Problems, *, slash: bool) -> None:
    for key in ("name_localizations", "description_localizations"):
        for locale, text in (item.get(key) or {}).items():
            if locale not in LOCALES:
                problems.add((*path, key, locale), "BASE_TYPE_CHOICES", "Not one of Discord's locales.")
            if slash and key.startswith("name"):
                _slash_name(text, (*path, key, locale), problems)


def _options(options: list[Json], path: Path, problems: Problems) -> None:
    optional_seen = False
    names: set[str] = set()
    nesting = {each["type"] in (SUBCOMMAND, GROUP) for each in options}
    if len(nesting) > 1:
        text = "Sub-command and sub-command group option types are mutually exclusive to all other types"
        problems.add(path, "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", text)
    for i, option in enumerate(options):
        here = (*path, i)
        _slash_name(option["name"], (*here, "name"), problems)
        _localized(option, here, problems, slash=True)
        if option["name"] in names:
            text = "Option names must be unique"
            problems.add((*here, "name"), "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS", text)
        names.add(option["name"])
        if option["type"] in (SUBCOMMAND, GROUP):
            _options(option.get("options") or [], (*here, "options"), problems)
            continue
        if option.get("required") and optional_seen:
            text = "Required options must be placed before non-required options"
            problems.add(here, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", text)
        optional_seen = optional_seen or not option.get("required")
        _choices(option, here, problems)
        for low, high in (("min_value", "max_value"), ("min_length", "max_length")):
            if option.get(low) is not None and option.get(high) is not None and option[low] > option[high]:
                text = "The minimum must not be greater than the maximum"
                problems.add((*here, low), "APPLICATION_COMMAND_OPTION_MIN_MAX", text)


def _choices(option: Json, path: Path, problems: Problems) -> None:
    choices = option.get("choices") or []
    if choices and option.get("autocomplete"):
        text = "Choices and autocomplete cannot be used together"
        problems.add((*path, "autocomplete"), "APPLICATION_COMMAND_OPTIONS_AUTOCOMPLETE_CHOICES", text)
    for key in ("name", "value"):
        counted = Counter(each[key] for each in choices)
        for i, each in enumerate(choices):
            if counted[each[key]] > 1:
                text = f"Choice {key}s must be unique"
                problems.add((*path, "choices", i, key), "APPLICATION_COMMAND_OPTIONS_CHOICE_NAME_EXISTS", text)


def characters(item: Json) -> int:
    """Characters of a command or option that count towards the 8000."""
    total = 0
    for key in ("name", "description"):
        texts = [item.get(key) or "", *(item.get(f"{key}_localizations") or {}).values()]
        total += max(map(len, texts))
    total += sum(len(each["name"]) + len(str(each["value"])) for each in item.get("choices") or [])
    return total + sum(characters(each) for each in item.get("options") or [])


def check_modal(data: Json) -> None:
    """A form's body. Raises the 50035 :class:`~sandbox.discord.errors.ApiError`."""
    problems = Problems()
    if len(data["components"]) > MODAL_COMPONENTS:
        text = f"Must be between 1 and {MODAL_COMPONENTS} in length."
        problems.add(("data", "components"), "BASE_TYPE_BAD_LENGTH", text)
    seen: set[str] = set()
    for path, each in walk(data["components"], ("data", "components")):
        if each.get("type") == STRING_SELECT:
            check_select(path, each, problems)
        low, high = each.get("min_length"), each.get("max_length")
        if low is not None and high is not None and low > high:
            problems.add((*path, "min_length"), "TEXT_INPUT_COMPONENT_MIN_MAX", "min_length is above max_length")
        if each.get("custom_id") in seen:
            text = "Component custom id cannot be duplicated"
            problems.add((*path, "custom_id"), "COMPONENT_CUSTOM_ID_DUPLICATED", text)
        if each.get("custom_id"):
            seen.add(each["custom_id"])
    problems.raise_if_any()
