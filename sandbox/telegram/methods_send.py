"""The methods that write: sendMessage, sendPhoto, sendDocument, sendVideo, sendAnimation, sendMediaGroup, copies."""

import secrets
from collections.abc import Mapping
from typing import Any

from sandbox.telegram import checks
from sandbox.telegram.errors import bad_request, too_large
from sandbox.telegram.files import Media
from sandbox.telegram.service import Service
from sandbox.telegram.spec import UploadedFile
from sandbox.telegram.world import Message

Parameters = Mapping[str, Any]
#: core.telegram.org/bots/api#sending-files: uploads of photos and of everything else, in bytes.
MAX_PHOTO_BYTES = 10 * 1024 * 1024
MAX_FILE_BYTES = 50 * 1024 * 1024


async def media_of(service: Service, kind: str, value: UploadedFile | str, parameters: Parameters) -> Media:
    """The media a parameter stands for: an upload (checked, stored) or the file id of an earlier one."""
    if isinstance(value, str):
        return service.files.media(value, kind)
    if len(value.data) > (MAX_PHOTO_BYTES if kind == "photo" else MAX_FILE_BYTES):
        raise too_large()
    if kind == "photo":
        if not value.data:
            raise bad_request("file must be non-empty")
        return await service.files.add_photo(value.data)
    told = {name: parameters.get(name, 0) for name in ("width", "height", "duration")}
    if kind == "video":
        return await service.files.add_video(value.filename, value.mime, value.data, **told)
    return service.files.add_file(kind, value.filename, value.mime, value.data, **told)


async def input_media(service: Service, item: Parameters) -> Media:
    """The media of an InputMedia object."""
    if item["type"] not in ("photo", "document", "video", "animation"):
        raise bad_request(f"media of type {item['type']} is not taken by this stand-in")
    return await media_of(service, item["type"], item["media"], item)


def _store(service: Service, message: Message) -> dict[str, Any]:
    return service.world.message(service.store(message))


async def send_message(service: Service, parameters: Parameters) -> dict[str, Any]:
    message = service.place(parameters)
    message.fields = checks.text_fields(parameters) | checks.keyboard_fields(parameters.get("reply_markup"))
    if options := parameters.get("link_preview_options"):
        message.fields["link_preview_options"] = options
    _protect(message, parameters)
    service.limiter.take(message.chat.id)
    return _store(service, message)


async def _send_media(service: Service, parameters: Parameters, kind: str) -> dict[str, Any]:
    message = service.place(parameters)
    message.fields = checks.caption_fields(parameters) | checks.keyboard_fields(parameters.get("reply_markup"))
    _protect(message, parameters)
    message.media = await media_of(service, kind, parameters[kind], parameters)
    service.limiter.take(message.chat.id)
    return _store(service, message)


async def send_photo(service: Service, parameters: Parameters) -> dict[str, Any]:
    return await _send_media(service, parameters, "photo")


async def send_document(service: Service, parameters: Parameters) -> dict[str, Any]:
    return await _send_media(service, parameters, "document")


async def send_video(service: Service, parameters: Parameters) -> dict[str, Any]:
    return await _send_media(service, parameters, "video")


async def send_animation(service: Service, parameters: Parameters) -> dict[str, Any]:
    return await _send_media(service, parameters, "animation")


async def send_media_group(service: Service, parameters: Parameters) -> list[dict[str, Any]]:
    checks.check_album(parameters["media"])
    group_id = str(secrets.randbelow(10**16) + 10**16)
    messages = []
    for item in parameters["media"]:
        message = service.place(parameters)
        message.fields = {"media_group_id": group_id} | checks.caption_fields(item)
        _protect(message, parameters)
        message.media = await input_media(service, item)
        messages.append(message)
    service.limiter.take(messages[0].chat.id, len(messages))
    return [_store(service, message) for message in messages]


def _source(service: Service, parameters: Parameters, what: str) -> Message:
    message = service.chat(parameters["from_chat_id"]).live(parameters["message_id"])
    if message is None or message.is_service:
        raise bad_request(f"message to {what} not found")
    if message.fields.get("has_protected_content"):
        raise bad_request("message has protected content and can't be forwarded")
    return message


def _content(source: Message) -> dict[str, Any]:
    """What of a message goes along with it to another chat."""
    left = ("reply_markup", "media_group_id", "edit_date")
    return {name: value for name, value in source.fields.items() if name not in left}


async def copy_message(service: Service, parameters: Parameters) -> dict[str, Any]:
    source = _source(service, parameters, "copy")
    message = service.place(parameters)
    kept = _content(source)
    if "caption" in parameters and source.media is not None:
        kept = checks.caption_fields(parameters)
    message.fields = kept | checks.keyboard_fields(parameters.get("reply_markup"))
    message.media = source.media
    service.limiter.take(message.chat.id)
    return {"message_id": service.store(message).id}


async def forward_message(service: Service, parameters: Parameters) -> dict[str, Any]:
    source = _source(service, parameters, "forward")
    message = service.place(parameters)
    sender = service.world.message(source)["from"]
    origin = {"type": "user", "date": source.date, "sender_user": sender}
    message.fields = _content(source) | {"forward_origin": origin}
    message.media = source.media
    service.limiter.take(message.chat.id)
    return _store(service, message)


def _protect(message: Message, parameters: Parameters) -> None:
    if parameters.get("protect_content"):
        message.fields["has_protected_content"] = True
