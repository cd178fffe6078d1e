"""What a person does on the page, carried out in the stand-ins."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.datastructures import FormData, UploadFile

from sandbox.chat import Upload
from sandbox.demo.samples import sample
from sandbox.demo.stage import Stage
from sandbox.discord.command_rules import BOOLEAN, INTEGER, NUMBER
from sandbox.discord.commands import Value

Json = dict[str, Any]

#: Bytes of one attached file: what Discord takes without a subscription is 10 MiB, a Telegram bot fetches 20 MB.
FILE_LIMIT = 20_000_000


class Acts:
    """One method for each thing a person can do. They raise ``KeyError`` and ``ValueError`` as the stand-ins do."""

    def __init__(self, stage: Stage) -> None:
        self._telegram, self._discord = stage.telegram, stage.discord
        self._known: Mapping[str, Callable[[FormData], Awaitable[Json]]] = {
            "say": self._say,
            "press": self._press,
            "delete": self._delete,
            "command": self._command,
            "autocomplete": self._autocomplete,
            "menu": self._menu,
            "submit": self._submit,
        }

    async def act(self, name: str, form: FormData) -> Json:
        """Do it; the answer is for the page. Raises ``KeyError`` and ``ValueError``."""
        return await self._known[name](form)

    async def _say(self, form: FormData) -> Json:
        who, chat, text = _text(form, "who"), _text(form, "chat"), _text(form, "text")
        as_file = bool(form.get("as_file"))
        files = [await _upload(each, as_file=as_file) for each in form.getlist("file")]
        reply_to = _text(form, "reply_to") or None
        if form.get("platform") == "telegram":
            thread = _text(form, "thread") or None
            post = await self._telegram.say(who, chat, text, files=files, reply_to=reply_to, thread=thread)
        else:
            post = await self._discord.say(who, chat, text, files=files, reply_to=reply_to)
        return {"id": post.id}

    async def _press(self, form: FormData) -> Json:
        who, chat, post, button = (_text(form, name) for name in ("who", "chat", "post", "button"))
        if form.get("platform") == "telegram":
            await self._telegram.press(who, chat, post, button)
        else:
            await self._discord.press(who, chat, post, button)
        return {}

    async def _delete(self, form: FormData) -> Json:
        who, chat, post = (_text(form, name) for name in ("who", "chat", "post"))
        if form.get("platform") == "telegram":
            await self._telegram.delete(who, chat, post)
        else:
            await self._discord.delete(who, chat, post)
        return {}

    async def _command(self, form: FormData) -> Json:
        who, chat, name = (_text(form, each) for each in ("who", "chat", "name"))
        await self._discord.command(who, chat, name, await self._options(name, form))
        return {}

    async def _autocomplete(self, form: FormData) -> Json:
        who, chat, name, option = (_text(form, each) for each in ("who", "chat", "name", "option"))
        given = await self._options(name, form)
        given.pop(option, None)
        offered = await self._discord.autocomplete(who, chat, name, option, _text(form, "typed"), options=given)
        return {"choices": [{"name": label, "value": value} for label, value in offered]}

    async def _menu(self, form: FormData) -> Json:
        who, chat, name, post = (_text(form, each) for each in ("who", "chat", "name", "post"))
        await self._discord.context_menu(who, chat, name, post)
        return {}

    async def _submit(self, form: FormData) -> Json:
        values = json.loads(_text(form, "values"))
        chosen = {name: [value] if name in form.getlist("select") else value for name, value in values.items()}
        for key, value in form.multi_items():
            if key.startswith("file:"):
                chosen[key.removeprefix("file:")] = await _upload(value)
        await self._discord.submit(_text(form, "who"), _text(form, "modal"), chosen)
        return {}

    async def _options(self, command: str, form: FormData) -> dict[str, Value]:
        """The filled-in options: ``options`` is a JSON object of texts, files come as ``file:<option>``."""
        kinds = {
            option["name"]: option["type"]
            for each in self._discord.commands.all(None)
            if each["name"] == command
            for option in each["options"]
        }
        given: dict[str, Value] = {}
        for name, text in json.loads(_text(form, "options") or "{}").items():
            given[name] = _typed(name, str(text), kinds.get(name))
        for key, value in form.multi_items():
            if key.startswith("file:"):
                given[key.removeprefix("file:")] = await _upload(value)
        return given


def _typed(name: str, text: str, kind: int | None) -> Value:
    if kind == BOOLEAN:
        return text == "true"
    if kind in (INTEGER, NUMBER):
        try:
            return int(text) if kind == INTEGER else float(text)
        except ValueError:
            raise ValueError(f"{name} takes a number") from None
    return text


async def _upload(value: UploadFile | str, *, as_file: bool = False) -> Upload:
    """A chosen file, or by its words a sample."""
    if isinstance(value, str):
        return await sample(value, as_file=as_file)
    data = await value.read(FILE_LIMIT + 1)
    if len(data) > FILE_LIMIT:
        raise ValueError(f"{value.filename} is larger than {FILE_LIMIT // 1_000_000} MB")
    return Upload(value.filename or "file", value.content_type or "application/octet-stream", data, as_file)


def _text(form: FormData, name: str) -> str:
    value = form.get(name, "")
    if not isinstance(value, str):
        raise ValueError(f"{name} is a text")
    return value
