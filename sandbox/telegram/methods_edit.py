"""The methods that change or remove what was written, and the answers to pressed buttons."""

from typing import Any

from sandbox.chat import Notice
from sandbox.telegram import checks
from sandbox.telegram.errors import NOT_MODIFIED, QUERY_TOO_OLD, bad_request
from sandbox.telegram.files import Media
from sandbox.telegram.methods_send import Parameters, input_media
from sandbox.telegram.service import Service
from sandbox.telegram.world import Chat, Message

_TEXT = ("text", "entities", "link_preview_options")
_CAPTION = ("caption", "caption_entities", "show_caption_above_media", "has_media_spoiler")


def _changed(
    service: Service,
    message: Message,
    drop: tuple[str, ...],
    new: dict[str, Any],
    parameters: Parameters,
    *,
    media: Media | None = None,
) -> dict[str, Any]:
    """Apply an edit. An edit without a keyboard takes the keyboard away, as at Telegram."""
    fields = {name: value for name, value in message.fields.items() if name not in (*drop, "reply_markup", "edit_date")}
    fields |= new | checks.keyboard_fields(parameters.get("reply_markup"))
    before = {name: value for name, value in message.fields.items() if name != "edit_date"}
    media = media or message.media
    if fields == before and media is message.media:
        raise bad_request(NOT_MODIFIED)
    service.limiter.take(message.chat.id)
    message.media = media
    message.fields = fields | {"edit_date": service.now()}
    service.publish(message)
    return service.world.message(message)


async def edit_message_text(service: Service, parameters: Parameters) -> dict[str, Any]:
    message = service.editable(parameters)
    if message.media is not None:
        raise bad_request("there is no text in the message to edit")
    new = checks.text_fields(parameters)
    if options := parameters.get("link_preview_options"):
        new["link_preview_options"] = options
    return _changed(service, message, _TEXT, new, parameters)


async def edit_message_caption(service: Service, parameters: Parameters) -> dict[str, Any]:
    message = service.editable(parameters)
    if message.media is None:
        raise bad_request("there is no caption in the message to edit")
    kept = {"has_media_spoiler": True} if message.fields.get("has_media_spoiler") else {}
    return _changed(service, message, _CAPTION, checks.caption_fields(parameters) | kept, parameters)


async def edit_message_reply_markup(service: Service, parameters: Parameters) -> dict[str, Any]:
    return _changed(service, service.editable(parameters), (), {}, parameters)


async def edit_message_media(service: Service, parameters: Parameters) -> dict[str, Any]:
    """Since Bot API 10.1 the message may be a text message before."""
    message = service.editable(parameters)
    new = checks.caption_fields(parameters["media"])
    media = await input_media(service, parameters["media"])
    of_documents = message.media is not None and message.media.kind == "document"
    if "media_group_id" in message.fields and (media.kind == "document") != of_documents:
        raise bad_request("message can't be edited")
    return _changed(service, message, (*_TEXT, *_CAPTION), new, parameters, media=media)


def _deletable(chat: Chat, message: Message) -> bool:
    return chat.type == "private" or chat.bot_admin or (message.author is None and not message.is_service)


async def delete_message(service: Service, parameters: Parameters) -> bool:
    chat = service.chat(parameters["chat_id"])
    message = chat.live(parameters["message_id"])
    if message is None:
        raise bad_request("message to delete not found")
    if not _deletable(chat, message):
        raise bad_request("message can't be deleted")
    message.deleted = True
    service.publish(message)
    return True


async def delete_messages(service: Service, parameters: Parameters) -> bool:
    """Skips what cannot be found, as documented."""
    chat = service.chat(parameters["chat_id"])
    if not 1 <= len(parameters["message_ids"]) <= 100:
        raise bad_request("there must be 1-100 message identifiers")
    found = [message for number in parameters["message_ids"] if (message := chat.live(number)) is not None]
    if not all(_deletable(chat, message) for message in found):
        raise bad_request("message can't be deleted")
    for message in found:
        message.deleted = True
        service.publish(message)
    return True


async def answer_callback_query(service: Service, parameters: Parameters) -> bool:
    text = parameters.get("text", "")
    if len(text) > checks.MAX_ANSWER:
        raise bad_request("MESSAGE_TOO_LONG")
    query = service.queries.get(parameters["callback_query_id"])
    if query is None or service.clock() > query.until:
        raise bad_request(QUERY_TOO_OLD)
    if not query.answered and text:
        alert = bool(parameters.get("show_alert"))
        service.feed.publish(Notice("telegram", query.chat, query.person, text, alert))
    query.answered = True
    return True


async def set_message_reaction(service: Service, parameters: Parameters) -> bool:
    message = service.chat(parameters["chat_id"]).live(parameters["message_id"])
    if message is None:
        raise bad_request("message to react not found")
    reactions = parameters.get("reaction", [])
    if len(reactions) > 1:
        raise bad_request("REACTIONS_TOO_MANY")
    if any(item["type"] != "emoji" for item in reactions):
        raise bad_request("REACTION_INVALID")
    message.reactions = [item["emoji"] for item in reactions]
    return True


async def pin_chat_message(service: Service, parameters: Parameters) -> bool:
    chat = service.chat(parameters["chat_id"])
    if chat.type != "private" and not chat.bot_admin:
        raise bad_request("not enough rights to manage pinned messages in the chat")
    if chat.live(parameters["message_id"]) is None:
        raise bad_request("message to pin not found")
    chat.pinned.append(parameters["message_id"])
    return True
