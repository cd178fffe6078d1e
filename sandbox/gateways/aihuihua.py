"""aihuihua: operations that fetch their pictures, tasks in one of several spellings, and one post at the end."""

import asyncio
import base64
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Self

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox.gateways import aihuihua_forms as forms
from sandbox.gateways import fields, references
from sandbox.gateways.aihuihua_book import FAILS, LIMITS, Book, rolled_or
from sandbox.gateways.aihuihua_codes import AihuihuaCodes
from sandbox.gateways.aihuihua_dialect import Dialect
from sandbox.gateways.aihuihua_hooks import Hooks
from sandbox.gateways.aihuihua_pictures import quarter
from sandbox.gateways.aihuihua_tasks import HuihuaTask, cost_of, opens_window
from sandbox.gateways.faults import REFUSALS, TASKS, Fault, Stage
from sandbox.gateways.line import Line
from sandbox.gateways.midjourney_tasks import grid_size
from sandbox.gateways.records import Order
from sandbox.gateways.refusals import HungUp
from sandbox.gateways.shapes import Json

#: Operations that start from nothing but their form: path after /api/v2/, form, and the task's action. Only the
#: paths are the vendor's; what its tasks call their actions is not published.
OPERATIONS: Mapping[str, tuple[type[forms.Submit], str]] = {
    "image/upScale": (forms.UpScale, "UP_SCALE"),
    "image/removeBg": (forms.OnePicture, "REMOVE_BG"),
    "face/style": (forms.FaceStyle, "FACE_STYLE"),
    "face/swap": (forms.FaceSwap, "SWAP_FACE"),
    "line/image2line": (forms.OnePicture, "IMAGE2LINE"),
    "flux/text2Image": (forms.Text2Image, "FLUX_TEXT2IMAGE"),
    "flux/image2Image": (forms.Image2Image, "FLUX_IMAGE2IMAGE"),
    "nanoBanana/generate": (forms.NanoBanana, "NANO_BANANA"),
    "mdj/imagine": (forms.Imagine, "IMAGINE"),
    "mdj/blend": (forms.Blend, "BLEND"),
    "mdj/describe": (forms.Describe, "DESCRIBE"),
    "video/text2Video": (forms.Text2Video, "VIDEO"),
    "video/image2Video": (forms.Image2Video, "VIDEO"),
}
#: What the vendor has closed to the public.
CLOSED = frozenset({"face/style", "face/swap", "video/text2Video", "video/image2Video"})


class AihuihuaSandbox(AihuihuaCodes):
    """A stand-in for aihuihua's "AI绘画API".

    ``concurrent`` tasks are worked on at once; a key may have ``unfinished`` of them that have not ended. ``closed``
    operations are refused, as the vendor's portraits and videos are. ``dialect`` is how tasks are told. A grid has
    about ``area`` pixels. ``text_codes``: a submit's code is "1" and not 1. ``window_code``: what opening a window is
    answered with (the family says 21). ``hooks`` says how the posts to a ``notifyHook`` go.
    """

    def __init__(
        self,
        *,
        keys: Iterable[str] | None = None,
        seconds: float | tuple[float, float] = 0.0,
        clock: Callable[[], float] = time.time,
        dialect: Dialect | None = None,
        closed: bool = True,
        concurrent: int = 3,
        unfinished: int = 5,
        area: int = 1024 * 1024,
        text_codes: bool = False,
        window_code: int = 1,
    ) -> None:
        super().__init__(keys=keys, seconds=seconds, clock=clock)
        self.dialect = dialect or Dialect()
        self.closed, self.unfinished = closed, unfinished
        self.text_codes, self.window_code = text_codes, window_code
        self.polls = 0  #: questions about tasks, of one or of several
        self.polled_ids: list[str] = []  #: the ids in them, in order
        self.hooks = Hooks(clock, self._tell)
        self._area = area
        self._book = Book(clock, self._delivery, self._tell, concurrent=concurrent, area=area)

    @property
    def tasks(self) -> Mapping[str, HuihuaTask]:
        """Every accepted task, by id."""
        return self._book.tasks

    @contextlib.asynccontextmanager
    async def running(self, port: int = 0) -> AsyncIterator[Self]:
        """Serve as every gateway does; posts and fetches that are still to come are dropped at the end."""
        async with super().running(port):
            try:
                yield self
            finally:
                await self.hooks.finish()
                await self._book.stop()

    def _routes(self) -> list[BaseRoute]:
        root = "/api/v2"
        return [
            *(Route(f"{root}/{name}", partial(self._submit, name), methods=["POST"]) for name in OPERATIONS),
            Route(f"{root}/mdj/action", partial(self._act, "mdj/action"), methods=["POST"]),
            Route(f"{root}/image/action", partial(self._act, "image/action"), methods=["POST"]),
            Route(f"{root}/mdj/modal", self._modal, methods=["POST"]),
            Route(f"{root}/task/id/{{id}}", self._one, methods=["GET"]),
            Route(f"{root}/task/list/", self._several, methods=["POST"]),
            # The slash belongs to the path; a client that follows this asks with GET and is lost.
            Route(f"{root}/task/list", RedirectResponse(f"{root}/task/list/", 301)),
        ]

    # -- submits ------------------------------------------------------------------------------------------------

    async def _submit(self, operation: str, request: Request) -> Response:
        kind, action = OPERATIONS[operation]
        key = self._key(request)
        if self.closed and operation in CLOSED:
            raise self._trouble(403, "接口暂未开放，请联系客服")
        sent = await self._json(request)
        form = fields.read(kind, sent, self._invalid)
        self._judged(form.words())
        times = int(form.size) if isinstance(form, forms.UpScale) else 0
        task = self._task(key, operation, action, form, sent, prompt=form.words(), index=times, size=self._size(form))
        return await self._take(request, task, form)

    async def _act(self, operation: str, request: Request) -> Response:
        """A button. It works at the endpoint of the operation that made the task, whatever its id looks like."""
        key = self._key(request)
        sent = await self._json(request)
        form: forms.MdjAction | forms.ImageAction = (
            fields.read(forms.MdjAction, sent, self._invalid)
            if operation == "mdj/action"
            else fields.read(forms.ImageAction, sent, self._invalid)
        )
        parent = self._found(str(form.taskId), key)
        if parent.mdj is not (operation == "mdj/action"):
            raise self._invalid("该任务不支持此接口", "taskId")
        await self._book.shown(parent, self.clock())
        if parent.status(self.clock()) != "SUCCESS":
            raise self._invalid("关联任务状态错误", "taskId")
        pressed = parent.pressed(form.customId)
        if pressed is None:
            raise self._invalid("关联按钮错误", "customId")
        action, number = pressed
        size = parent.size
        pictures: tuple[bytes, ...] = (parent.result,)
        if action == "REROLL":
            pictures = parent.order.pictures
        elif parent.is_grid:
            pictures = (await asyncio.to_thread(quarter, parent.result, number),)
        else:
            size = references.size(parent.result)
        task = self._task(key, operation, action, form, sent, prompt=parent.prompt, index=number, size=size)
        task.parent, task.mdj, task.order.pictures = parent, parent.mdj, pictures
        if not opens_window(action):
            return await self._take(request, task, form)
        # Nothing is made, and nothing charged, before the window is filled in.
        self._book.write(task)
        return JSONResponse(self._said(self.window_code, task.id))

    async def _modal(self, request: Request) -> Response:
        key = self._key(request)
        form = fields.read(forms.Modal, await self._json(request), self._invalid)
        task = self._found(form.taskId, key)
        if task.takes is not None:
            raise self._invalid("关联任务状态错误", "taskId")
        mask = await asyncio.to_thread(base64.b64decode, form.maskBase64.partition(",")[2])
        await asyncio.to_thread(references.look, mask, LIMITS, partial(self._invalid, param="maskBase64"))
        if references.size(mask) != references.size(task.order.pictures[0]):
            raise self._invalid("mask must have the same size as the original", "maskBase64")
        self._judged(form.prompt)
        filled = replace(task, prompt=form.prompt, mask=mask, hook=form.notifyHook)
        filled.order.prompt, filled.order.model = form.prompt, "mdj/modal"
        return await self._take(request, filled, form)

    async def _take(self, request: Request, task: HuihuaTask, form: forms.Submit) -> Response:
        """From a checked task to the answer, or what a planned fault makes of it."""
        line: Line = request.scope["line"]
        if self._book.unfinished(task.order.key) >= self.unfinished:
            # As in the family, it names an id under which there is nothing.
            return JSONResponse(self._said(23, self._book.new_id()))
        fault = self._planned(form.words(), task.order.model)
        if fault is Fault.DROP_BEFORE:
            await line.cut()
            raise HungUp
        task.fault, task.fail_reason = fault, FAILS.get(fault, "") if fault else ""
        # Whether the vendor gives points back for a failure is not said; here it does.
        task.order.charged = fault not in TASKS or fault is Fault.UNKNOWN_STATUS
        task.order.number = len(self.orders) + 1
        self._book.write(task)
        ahead = self._book.begin(task, form.addresses(), self.seconds)
        self.orders.append(task.order)
        self.hooks.follow(task, task.hook, self._told)
        await self._tell()
        waits = task.started_at > self.clock()
        answer = self._said(22, task.id, f"排队中，前面还有{ahead}个任务") if waits else self._said(1, task.id)
        return await self._reply(line, task.order, fault, answer)

    def _task(
        self,
        key: str,
        operation: str,
        action: str,
        form: forms.Submit,
        sent: Json,
        *,
        prompt: str,
        index: int,
        size: tuple[int, int],
    ) -> HuihuaTask:
        now = self.clock()
        # What follows a result is another picture each time.
        seed = rolled_or(prompt if operation in OPERATIONS else "")
        return HuihuaTask(
            id=self._book.new_id(),
            action=action,
            order=Order(0, now, key, operation, prompt, seed, sent),
            prompt=prompt,
            submitted_at=now,
            hook=form.notifyHook,
            size=size,
            index=index,
            mdj=operation.startswith("mdj/"),
            cost=cost_of(action, index),
        )

    def _size(self, form: forms.Submit) -> tuple[int, int]:
        ratio = getattr(form, "aspectRatio", "")
        return grid_size(f"--ar {ratio}" if ratio else form.words(), area=self._area)

    # -- questions ----------------------------------------------------------------------------------------------

    async def _one(self, request: Request) -> Response:
        key = self._key(request)
        name = request.path_params["id"]
        fault = await self._asked(request, [name])
        if fault is Fault.TASK_NOT_FOUND:
            raise self._trouble(404, "任务不存在")
        told = await self._told(self._found(name, key), fault=fault)
        return self._say(json.dumps(self.dialect.single(told)), fault)

    async def _several(self, request: Request) -> Response:
        key = self._key(request)
        form = fields.read(forms.Listed, await self._json(request), self._invalid)
        fault = await self._asked(request, form.ids)
        known = [task for name in dict.fromkeys(form.ids) if (task := self._book.find(name, key)) is not None]
        if fault is Fault.TASK_NOT_FOUND:
            known = []
        # In nobody's order.
        told = [await self._told(task, fault=fault) for task in sorted(known, key=lambda task: task.grid)]
        return self._say(json.dumps(self.dialect.listed(told)), fault)

    async def _asked(self, request: Request, names: Iterable[str]) -> Fault | None:
        """Count a question, and let a planned fault strike or give it back."""
        self.polls += 1
        self.polled_ids.extend(names)
        line: Line = request.scope["line"]
        fault = self._faults.take(Stage.TASK, model="")
        if fault in REFUSALS or fault is Fault.CLOUDFLARE_524:
            raise self._refusal(fault, "aihuihua")
        if fault is Fault.HANG:
            await line.stays(None)
        if fault in (Fault.HANG, Fault.DROP_BEFORE, Fault.DROP_AFTER):
            await line.cut()
            raise HungUp
        return fault

    async def _told(self, task: HuihuaTask, at: float | None = None, *, fault: Fault | None = None) -> Json:
        """The task in the dialect; a fault of the question passes with it."""
        if fault in FAILS:
            task = replace(task, fail_reason=FAILS[fault], started_at=task.submitted_at, takes=0.0)
        elif fault is Fault.UNKNOWN_STATUS:
            task = replace(task, fault=fault)
        return self.dialect.task(await self._book.shown(task, self.clock() if at is None else at))

    def _found(self, name: str, key: str) -> HuihuaTask:
        task = self._book.find(name, key)
        if task is None:
            raise self._trouble(404, "任务不存在")
        return task
