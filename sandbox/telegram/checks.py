"""Checks of what a bot sends that the specification does not express: lengths, keyboards, albums, commands."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.telegram import entities, markup
from sandbox.telegram.entities import Entity
from sandbox.telegram.errors import bad_request

#: core.telegram.org/bots/api#sendmessage and #sendphoto, after entities parsing; counted in UTF-16 code units.
MAX_TEXT = 4096
MAX_CAPTION = 1024
#: core.telegram.org/bots/api#inlinekeyboardbutton, in bytes, and #copytextbutton, in characters.
MAX_CALLBACK_DATA = 64
MAX_COPY_TEXT = 256
#: Buttons of one keyboard that the servers take (REPLY_MARKUP_TOO_LONG beyond).
MAX_BUTTONS = 100
#: core.telegram.org/bots/api#setmycommands and #botcommand.
MAX_COMMANDS = 100
MAX_COMMAND_DESCRIPTION = 256
#: core.telegram.org/bots/api#answercallbackquery.
MAX_ANSWER = 200

_COMMAND_NAME = re.compile(r"[a-z0-9_]{1,32}\Z")
_BUTTON_URL = re.compile(r"(?:https?|tg)://[^\s/]+\S*\Z")
_ACTIONS = frozenset({"url", "callback_data", "web_app", "login_url", "switch_inline_query", "copy_text",
    "switch_inline_query_current_chat", "switch_inline_query_chosen_chat", "callback_game", "pay"})  # fmt: skip
CHAT_ACTIONS = frozenset({"typing", "upload_photo", "record_video", "upload_video", "record_voice", "upload_voice",
    "upload_document", "choose_sticker", "find_location", "record_video_note", "upload_video_note"})  # fmt: skip


def _formatted(text: str, mode: str | None, given: Sequence[Entity] | None) -> tuple[str, list[Entity]]:
    """The text a person will see and its entities, found ones included."""
    marked: list[Entity] = list(given or [])
    if mode:
        text, marked = markup.parse(text, mode)
    length = entities.utf16_length(text)
    if any(item["offset"] < 0 or item["offset"] + item["length"] > length for item in marked):
        raise bad_request("ENTITY_BOUNDS_INVALID")
    text, marked = entities.trim(text, marked)
    return text, entities.detect(text, marked)


def text_fields(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """``text`` and ``entities`` of a message. Raises :class:`ApiError` 400 (empty, too long, bad markup)."""
    text, found = _formatted(parameters.get("text", ""), parameters.get("parse_mode"), parameters.get("entities"))
    if not text:
        raise bad_request("message text is empty")
    if entities.utf16_length(text) > MAX_TEXT:
        raise bad_request("message is too long")
    return {"text": text, "entities": found} if found else {"text": text}


def caption_fields(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """``caption`` and ``caption_entities``, nothing for an empty caption. Raises :class:`ApiError` 400."""
    text, found = _formatted(
        parameters.get("caption", ""), parameters.get("parse_mode"), parameters.get("caption_entities")
    )
    if entities.utf16_length(text) > MAX_CAPTION:
        raise bad_request("message caption is too long")
    fields: dict[str, Any] = {}
    if text:
        fields["caption"] = text
    if found:
        fields["caption_entities"] = found
    if parameters.get("show_caption_above_media"):
        fields["show_caption_above_media"] = True
    if parameters.get("has_spoiler"):
        fields["has_media_spoiler"] = True
    return fields


def keyboard_fields(reply_markup: Mapping[str, Any] | None) -> dict[str, Any]:
    """``reply_markup`` of a message when it is an inline keyboard with buttons. Raises :class:`ApiError` 400."""
    if reply_markup is None or "inline_keyboard" not in reply_markup:
        return {}
    rows = [row for row in reply_markup["inline_keyboard"] if row]
    buttons = [button for row in rows for button in row]
    if len(buttons) > MAX_BUTTONS:
        raise bad_request("REPLY_MARKUP_TOO_LONG")
    for button in buttons:
        _check_button(button)
    return {"reply_markup": {"inline_keyboard": rows}} if rows else {}


def _check_button(button: Mapping[str, Any]) -> None:
    if not button["text"].strip():
        raise bad_request('can\'t parse inline keyboard button: Field "text" must be non-empty')
    actions = _ACTIONS & button.keys()
    if not actions:
        raise bad_request("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
    if len(actions) > 1:
        raise bad_request("can't parse inline keyboard button: exactly one action must be specified")
    if "callback_data" in button and not 1 <= len(button["callback_data"].encode()) <= MAX_CALLBACK_DATA:
        raise bad_request("BUTTON_DATA_INVALID")
    if "url" in button and not _BUTTON_URL.match(button["url"]):
        raise bad_request(f"inline keyboard button URL '{button['url']}' is invalid: Wrong HTTP URL")
    if "copy_text" in button and not 1 <= len(button["copy_text"]["text"]) <= MAX_COPY_TEXT:
        raise bad_request("BUTTON_COPY_TEXT_INVALID")
    if button.get("style") not in (None, "danger", "success", "primary"):
        raise bad_request("can't parse inline keyboard button: invalid style specified")


def check_album(media: Sequence[Mapping[str, Any]]) -> None:
    """2-10 items, documents only among themselves (core.telegram.org/bots/api#sendmediagroup)."""
    if not 2 <= len(media) <= 10:
        few = len(media) < 2
        raise bad_request(f"too {'few' if few else 'many'} messages to send as an album")
    kinds = {item["type"] for item in media}
    if kinds - {"photo", "video"} and len(kinds) > 1:
        raise bad_request("document can't be mixed with other media types")


def check_commands(commands: Sequence[Mapping[str, Any]]) -> None:
    """The rules of setMyCommands. Raises :class:`ApiError` 400."""
    if len(commands) > MAX_COMMANDS:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    for command in commands:
        if not _COMMAND_NAME.match(command["command"]):
            raise bad_request("BOT_COMMAND_INVALID")
        if not 1 <= len(command["description"]) <= MAX_COMMAND_DESCRIPTION:
            raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
