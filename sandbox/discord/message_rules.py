"""Rules for a message's body that the contract's schemas do not express.

Sources: Discord "Create Message", "Component Reference", "Allowed Mentions", "Embed Limits"; error codes as the
service names them.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.discord.errors import Path, Problems
from sandbox.discord.world import COMPONENTS_V2, EPHEMERAL, SUPPRESS_EMBEDS, SUPPRESS_NOTIFICATIONS

Json = dict[str, Any]

CONTENT_LIMIT = 2000  #: characters (bots; the contract's 4000 is for Nitro)
EMBEDS_TOTAL = 6000  #: characters over title, description, fields, footer and author of all embeds
LEGACY_ROWS = 5
V2_COMPONENTS = 40  #: nested ones counted
V2_TEXT = 4000  #: characters over all text displays (discord.py ui.LayoutView states it)
ROW, BUTTON, STRING_SELECT, TEXT_INPUT, TEXT, CONTAINER, LABEL, FILE_UPLOAD = 1, 2, 3, 4, 10, 17, 18, 19
LINK, PREMIUM = 5, 6

FLAGS_CREATE = SUPPRESS_EMBEDS | SUPPRESS_NOTIFICATIONS | COMPONENTS_V2
FLAGS_EDIT = SUPPRESS_EMBEDS | COMPONENTS_V2
FLAGS_INTERACTION = FLAGS_CREATE | EPHEMERAL


def walk(components: list[Json], path: Path = ("components",)) -> Iterator[tuple[Path, Json]]:
    """Every component with its place, nested ones after the one that holds them."""
    for i, component in enumerate(components):
        here = (*path, i)
        yield here, component
        yield from walk(component.get("components") or [], (*here, "components"))
        for single in ("accessory", "component"):
            if component.get(single):
                yield (*here, single), component[single]


def check_message(body: Mapping[str, Any], *, allowed_flags: int, v2: bool, problems: Problems) -> None:
    """Add what is wrong with a create or edit body; ``v2`` says whether the message is (or becomes) components v2."""
    content = body.get("content") or ""
    if len(content) > CONTENT_LIMIT:
        problems.add(("content",), "BASE_TYPE_MAX_LENGTH", f"Must be {CONTENT_LIMIT} or fewer in length.")
    if (body.get("flags") or 0) & ~allowed_flags:
        problems.add(("flags",), "MESSAGE_FLAGS_INVALID", "These flags cannot be set here.")
    if body.get("poll"):
        problems.add(("poll",), "POLL_UNSUPPORTED", "This stand-in has no polls.")
    embeds = body.get("embeds") or []
    if sum(map(embed_length, embeds)) > EMBEDS_TOTAL:
        text = f"Embed size exceeds maximum size of {EMBEDS_TOTAL}"
        problems.add(("embeds",), "MAX_EMBED_SIZE_EXCEEDED", text)
    _allowed_mentions(body.get("allowed_mentions") or {}, problems)
    check_components(body.get("components") or [], v2=v2, problems=problems)
    if v2:
        for key in ("content", "embeds", "poll", "sticker_ids"):
            if body.get(key):
                text = f"The '{key}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2"
                problems.add((key,), "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", text)


def embed_length(embed: Json) -> int:
    """Characters of an embed that count towards the 6000."""
    named = [embed.get("title"), embed.get("description")]
    named += [(embed.get("footer") or {}).get("text"), (embed.get("author") or {}).get("name")]
    for field in embed.get("fields") or []:
        named += [field.get("name"), field.get("value")]
    return sum(len(each) for each in named if isinstance(each, str))


def _allowed_mentions(allowed: Json, problems: Problems) -> None:
    for key in ("users", "roles"):
        if key in (allowed.get("parse") or []) and allowed.get(key):
            text = f'parse:["{key}"] and {key}: [ids...] are mutually exclusive.'
            problems.add(("allowed_mentions",), "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", text)


def check_components(components: list[Json], *, v2: bool, problems: Problems) -> None:
    everything = list(walk(components))
    if v2:
        if len(everything) > V2_COMPONENTS:
            text = f"Must be {V2_COMPONENTS} or fewer in length, nested components included."
            problems.add(("components",), "BASE_TYPE_MAX_LENGTH", text)
        if sum(len(each.get("content", "")) for _, each in everything if each.get("type") == TEXT) > V2_TEXT:
            text = f"The text of all text displays must be {V2_TEXT} or fewer in length."
            problems.add(("components",), "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED", text)
    else:
        if len(components) > LEGACY_ROWS:
            problems.add(("components",), "BASE_TYPE_BAD_LENGTH", f"Must be between 1 and {LEGACY_ROWS} in length.")
        for i, each in enumerate(components):
            if each.get("type") != ROW:
                problems.add(("components", i, "type"), "UNION_TYPE_CHOICES", "Value must be one of (1,).")
    for path, each in everything:
        if each.get("type") == ROW:
            _row(path, each, problems)
        elif each.get("type") == BUTTON:
            _button(path, each, problems)
        elif each.get("type") == STRING_SELECT:
            check_select(path, each, problems)
    _unique(
        everything, "custom_id", "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated", problems
    )
    _unique(everything, "id", "COMPONENT_ID_DUPLICATED", "Component id cannot be duplicated", problems)


def _unique(everything: list[tuple[Path, Json]], key: str, code: str, text: str, problems: Problems) -> None:
    counted = Counter(each[key] for _, each in everything if each.get(key))
    seen: set[Any] = set()
    for path, each in everything:
        value = each.get(key)
        if value and counted[value] > 1 and value in seen:
            problems.add((*path, key), code, text)
        seen.add(value)


def _row(path: Path, row: Json, problems: Problems) -> None:
    inside = row.get("components") or []
    others = [each for each in inside if each.get("type") != BUTTON]
    if others and len(inside) > 1:
        text = "An action row holds up to five buttons or a single select."
        problems.add((*path, "components"), "COMPONENT_LAYOUT_WIDTH_EXCEEDED", text)


def _button(path: Path, button: Json, problems: Problems) -> None:
    style = button.get("style")
    if style == PREMIUM:
        if not button.get("sku_id"):
            problems.add((*path, "sku_id"), "BASE_TYPE_REQUIRED", "This field is required")
        return
    if style == LINK:
        if not button.get("url"):
            problems.add((*path, "url"), "BASE_TYPE_REQUIRED", "A url is required")
        if button.get("custom_id"):
            problems.add(
                (*path, "custom_id"),
                "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE",
                "A custom id and url cannot both be specified",
            )
    else:
        if not button.get("custom_id"):
            problems.add((*path, "custom_id"), "BUTTON_COMPONENT_CUSTOM_ID_REQUIRED", "A custom id is required")
        if button.get("url"):
            problems.add(
                (*path, "url"),
                "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE",
                "A custom id and url cannot both be specified",
            )
    if not button.get("label") and not button.get("emoji"):
        problems.add(path, "BUTTON_COMPONENT_INVALID_EMOJI_OR_LABEL", "A button must have either an emoji or a label")


def check_select(path: Path, select: Json, problems: Problems) -> None:
    """A string select: unique values, and minimum ≤ maximum ≤ number of options."""
    options = select.get("options") or []
    low = 1 if select.get("min_values") is None else select["min_values"]
    high = 1 if select.get("max_values") is None else select["max_values"]
    if low > high or high > len(options):
        text = "Must have min_values no greater than max_values, and max_values no greater than the options."
        problems.add((*path, "max_values"), "SELECT_COMPONENT_MAX_VALUES_TOO_LARGE", text)
    if sum(bool(each.get("default")) for each in options) > high:
        problems.add((*path, "options"), "SELECT_COMPONENT_TOO_MANY_DEFAULT_VALUES", "Too many default options")
    seen: set[str] = set()
    for i, each in enumerate(options):
        if each.get("value") in seen:
            text = "The specified option value is already used"
            problems.add((*path, "options", i, "value"), "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", text)
        seen.add(each.get("value"))


def number_components(components: list[Json]) -> None:
    """Give every component the ``id`` that Discord gives those that came without: counting up, skipping taken ones."""
    everything = [each for _, each in walk(components)]
    taken = {each["id"] for each in everything if each.get("id")}
    following = 1
    for each in everything:
        if not each.get("id"):
            while following in taken:
                following += 1
            each["id"] = following
            taken.add(following)
