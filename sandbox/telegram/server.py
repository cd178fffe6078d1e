"""The HTTP side: ``/bot<token>/<method>``, ``/file/bot<token>/<path>`` and ``/pictures/<id>``."""

import asyncio
import contextlib
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from sandbox.shown import shown
from sandbox.telegram import methods_bot, methods_edit, methods_send, methods_updates
from sandbox.telegram.errors import ApiError, bad_request, too_large
from sandbox.telegram.faults import Fault, Faults
from sandbox.telegram.methods_send import MAX_FILE_BYTES
from sandbox.telegram.service import Service
from sandbox.telegram.spec import UploadedFile, specification

Handler = Callable[[Service, Mapping[str, Any]], Awaitable[Any]]

HANDLERS: dict[str, Handler] = {
    "getMe": methods_bot.get_me,
    "logOut": methods_bot.accept,
    "close": methods_bot.accept,
    "setChatMenuButton": methods_bot.accept,
    "getFile": methods_bot.get_file,
    "getChat": methods_bot.get_chat,
    "getChatMember": methods_bot.get_chat_member,
    "getChatAdministrators": methods_bot.get_chat_administrators,
    "sendChatAction": methods_bot.send_chat_action,
    "setMyCommands": methods_bot.set_my_commands,
    "getMyCommands": methods_bot.get_my_commands,
    "deleteMyCommands": methods_bot.delete_my_commands,
    "setMyName": methods_bot.set_profile,
    "setMyDescription": methods_bot.set_profile,
    "setMyShortDescription": methods_bot.set_profile,
    "sendMessage": methods_send.send_message,
    "sendPhoto": methods_send.send_photo,
    "sendDocument": methods_send.send_document,
    "sendVideo": methods_send.send_video,
    "sendAnimation": methods_send.send_animation,
    "sendMediaGroup": methods_send.send_media_group,
    "copyMessage": methods_send.copy_message,
    "forwardMessage": methods_send.forward_message,
    "editMessageText": methods_edit.edit_message_text,
    "editMessageCaption": methods_edit.edit_message_caption,
    "editMessageMedia": methods_edit.edit_message_media,
    "editMessageReplyMarkup": methods_edit.edit_message_reply_markup,
    "deleteMessage": methods_edit.delete_message,
    "deleteMessages": methods_edit.delete_messages,
    "answerCallbackQuery": methods_edit.answer_callback_query,
    "setMessageReaction": methods_edit.set_message_reaction,
    "pinChatMessage": methods_edit.pin_chat_message,
    "setWebhook": methods_updates.set_webhook,
    "deleteWebhook": methods_updates.delete_webhook,
    "getWebhookInfo": methods_updates.get_webhook_info,
}
#: What :meth:`Faults.take` is asked for when a file is fetched, which is no method.
DOWNLOAD = "download"
#: A body above the largest upload plus room for its other fields is not even read.
_MAX_BODY_BYTES = MAX_FILE_BYTES + 1024 * 1024


@dataclass(frozen=True)
class SentFile:
    """An upload as the record of calls keeps it."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Call:
    """One call of the Bot API. ``answer`` is the whole JSON answer, ``None`` when there was none."""

    method: str
    params: dict[str, Any]  #: typed; as they came when they were refused; uploads are :class:`SentFile`
    answer: dict[str, Any] | None
    at: float  #: clock seconds


class _CutOff(Response):
    """An answer that ends before its body: the bot cannot know whether its call was carried out."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})


class Server:
    """Answers calls for one bot token. ``closing`` ends calls that would never be answered."""

    def __init__(self, token: str, service: Service, faults: Faults, calls: list[Call]) -> None:
        self.closing = asyncio.Event()
        self._token = token
        self._service = service
        self._faults = faults
        self._calls = calls
        self.app = Starlette(
            routes=[
                Route("/bot{token}/{method}", self._api, methods=["GET", "POST"]),
                Route("/file/bot{token}/{path:path}", self._download, methods=["GET"]),
                Route("/pictures/{picture}", self._picture, methods=["GET"]),
            ]
        )

    async def _api(self, request: Request) -> Response:
        if request.path_params["token"] != self._token:
            return _refused(ApiError(401, "Unauthorized"))
        method = specification().method(request.path_params["method"])
        if method is None:
            return _refused(ApiError(404, "Not Found"))
        params: dict[str, Any] = {}
        uploads: dict[str, UploadedFile] = {}
        fault: Fault | None = None
        try:
            raw, uploads = await _read(request)
            params = {**raw, **uploads}
            params = specification().parameters(method, raw, uploads)
            fault = self._faults.take(method, params)
            if fault is not None and fault.mode in ("hang", "drop_before"):
                await self._record(method, params, None)
                if fault.mode == "hang":
                    await self._hang(request)
                return _CutOff()
            if fault is not None and fault.mode == "answer":
                raise fault.error
            result = await self._handle(method, params, request)
        except ClientDisconnect:
            return Response(status_code=499)
        except ApiError as error:
            await self._record(method, params, error.answer())
            return _refused(error)
        answer = {"ok": True, "result": result}
        await self._record(method, params, answer)
        return _CutOff() if fault is not None else JSONResponse(answer)

    async def _handle(self, method: str, params: dict[str, Any], request: Request) -> Any:
        if method != "getUpdates":
            return await HANDLERS[method](self._service, params)
        async with _gone(request) as gone:
            return await methods_updates.get_updates(self._service, params, gone)

    async def _hang(self, request: Request) -> None:
        closing: asyncio.Future[Any] = asyncio.ensure_future(self.closing.wait())
        async with _gone(request) as gone:
            await asyncio.wait([closing, gone], return_when=asyncio.FIRST_COMPLETED)
        closing.cancel()

    async def _record(self, method: str, params: dict[str, Any], answer: dict[str, Any] | None) -> None:
        at = self._service.clock()
        kept = await asyncio.to_thread(_recorded, params)
        self._calls.append(Call(method, kept, answer, at))

    async def _download(self, request: Request) -> Response:
        if request.path_params["token"] != self._token:
            return _refused(ApiError(401, "Unauthorized"))
        path = request.path_params["path"]
        fault = self._faults.take(DOWNLOAD, {"file_path": path})
        if fault is not None:
            if fault.mode == "hang":
                await self._hang(request)
            return _refused(fault.error) if fault.mode == "answer" else _CutOff()
        stored = self._service.files.by_path(path)
        if stored is None:
            return _refused(ApiError(404, "Not Found"))
        # Telegram tells no type: a bot has to look at the bytes.
        return Response(stored.data, media_type="application/octet-stream")

    async def _picture(self, request: Request) -> Response:
        stored = self._service.files.picture(request.path_params["picture"])
        if stored is None:
            return Response(status_code=404)
        return shown(request, stored.data, stored.mime)


def _refused(error: ApiError) -> Response:
    retry_after = error.parameters.get("retry_after")
    headers = {"Retry-After": str(retry_after)} if retry_after is not None else None
    return JSONResponse(error.answer(), status_code=error.code, headers=headers)


@contextlib.asynccontextmanager
async def _gone(request: Request) -> AsyncIterator[asyncio.Future[Any]]:
    """A future that is done when the caller has hung up; the body has been read before."""

    async def watch() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            continue

    task = asyncio.ensure_future(watch())
    try:
        yield task
    finally:
        task.cancel()


async def _read(request: Request) -> tuple[dict[str, Any], dict[str, UploadedFile]]:
    """The parameters of a call as they came, and its uploads. Raises :class:`ApiError` 400 or 413."""
    if int(request.headers.get("content-length", "0")) > _MAX_BODY_BYTES:
        async for _ in request.stream():
            continue
        raise too_large()
    raw: dict[str, Any] = dict(request.query_params)
    uploads: dict[str, UploadedFile] = {}
    if request.headers.get("content-type", "").startswith("application/json"):
        try:
            body = json.loads(await request.body() or b"{}")
        except ValueError:
            raise bad_request("can't parse request JSON object") from None
        if not isinstance(body, dict):
            raise bad_request("can't parse request JSON object")
        return raw | body, uploads
    try:
        async with request.form() as form:
            for name, value in form.multi_items():
                if isinstance(value, UploadFile):
                    mime = value.content_type or "application/octet-stream"
                    uploads[name] = UploadedFile(value.filename or name, mime, await value.read())
                else:
                    raw[name] = value
    except HTTPException:
        raise bad_request("can't parse multipart/form-data request") from None
    return raw, uploads


def _recorded(value: Any) -> Any:
    """Uploads by name, size and checksum; runs in a thread, for it reads all of them."""
    if isinstance(value, UploadedFile):
        return SentFile(value.filename, len(value.data), hashlib.sha256(value.data).hexdigest())
    if isinstance(value, dict):
        return {name: _recorded(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_recorded(item) for item in value]
    return value
