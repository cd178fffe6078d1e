"""midjourney-proxy: submits that answer with codes, tasks to ask about, and new-api's changes to all of it."""

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Any, Self, TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from sandbox.gateways import fields
from sandbox.gateways import midjourney_forms as forms
from sandbox.gateways.base import GatewaySandbox, Json
from sandbox.gateways.faults import REFUSALS, Fault, Stage
from sandbox.gateways.line import Line
from sandbox.gateways.midjourney_book import Book, Wish
from sandbox.gateways.midjourney_hooks import Hooks
from sandbox.gateways.midjourney_pictures import decoded, painted, preview
from sandbox.gateways.midjourney_tasks import Task, described, grid_size, opens_window
from sandbox.gateways.refusals import HungUp, Refusal, envelope

#: Words that Midjourney will not hear, as far as this stand-in knows.
_BANNED = re.compile(r"\b(nude|gore|blood)\b", re.IGNORECASE)
#: Characters of a prompt that Discord's command takes.
PROMPT_LIMIT = 6000
#: Midjourney's own; new-api and MJT take them as prefixes of the path.
SPEEDS = ("fast", "relax", "turbo")
_INSTANCE = {"discordInstanceId": "1118138338562560102"}
#: What comes from inside a proxy, by code.
_TROUBLE = {3: "无可用的账号实例", 9: "系统异常", 23: "队列已满，请稍后尝试"}
#: Faults of a submit whose task fails later, by what the task says then.
_FAILS = {
    Fault.TASK_ERROR: "[Internal Error] Midjourney has failed",
    Fault.MODERATED_REQUEST: "Banned prompt detected",
}

S = TypeVar("S", bound=forms.Submit)


class MidjourneySandbox(GatewaySandbox):
    """A stand-in for midjourney-proxy (MJP and MJT), or with ``new_api`` for it behind a new-api gateway.

    ``concurrent`` tasks are worked on at once, ``queue`` more may wait. ``keys`` may be empty: then it is open. A
    grid has about ``area`` pixels. ``hooks`` says how the posts to a ``notifyHook`` go. With ``remix`` (an account's
    mode) variations, rerolls and pans open a window too. ``within`` another stand-in it has that one's keys, orders,
    faults and delivery host, and is served by it: by what ``routes`` returns.
    """

    default_key = "sandbox-midjourney-secret"

    def __init__(
        self,
        *,
        keys: Iterable[str] | None = None,
        seconds: float | tuple[float, float] = 0.0,
        clock: Callable[[], float] = time.time,
        new_api: bool = False,
        concurrent: int = 3,
        queue: int = 10,
        area: int = 1024 * 1024,
        within: GatewaySandbox | None = None,
    ) -> None:
        super().__init__(keys=keys, seconds=seconds, clock=clock)
        if within is not None:
            self.share(within)
        self.new_api, self._area = new_api, area
        self.remix = False
        self.hooks = Hooks(clock)
        self._book = Book(clock, self._delivery, concurrent=concurrent, queue=queue)
        self._codes: list[int] = []

    @property
    def tasks(self) -> Mapping[str, Task]:
        """Every accepted task, by id."""
        return self._book.tasks

    def answer_next(self, code: int) -> None:
        """Let the next valid submit be answered with ``code``: 3, 9 or 23, which a request cannot bring about."""
        self._codes.append(code)

    @contextlib.asynccontextmanager
    async def running(self, port: int = 0) -> AsyncIterator[Self]:
        """Serve as every gateway does; posts that are still to come are dropped at the end."""
        async with super().running(port):
            try:
                yield self
            finally:
                await self.hooks.finish()

    def routes(self) -> list[BaseRoute]:
        """For the stand-in that this one is within: the wire with every prefix that chooses a speed."""
        return [*self._routes(), *(Mount(f"/mj-{speed}", routes=self._routes()) for speed in SPEEDS)]

    def _routes(self) -> list[BaseRoute]:
        submits: Mapping[str, Callable[[Request], Any]] = {
            "submit/imagine": self._imagine,
            "submit/blend": self._blend,
            "submit/describe": self._describe,
            "submit/shorten": self._shorten,
            "submit/change": self._change,
            "submit/simple-change": self._simple_change,
            "submit/action": self._action,
            "submit/modal": self._modal,
            "submit/video": self._video,
            "insight-face/swap": self._swap,
        }
        return [
            *(Route(f"/mj/{path}", endpoint, methods=["POST"]) for path, endpoint in submits.items()),
            Route("/mj/task/list-by-condition", self._list, methods=["POST"]),
            Route("/mj/task/{id}/fetch", self._fetch, methods=["GET"]),
            Route("/mj/task/{id}/image-seed", self._image_seed, methods=["GET"]),
            Route("/mj/image/{id}", self._image, methods=["GET"]),
        ]

    # -- submits ------------------------------------------------------------------------------------------------

    async def _imagine(self, request: Request) -> Response:
        form, wish = await self._form(request, forms.Imagine)
        self._judged(form.prompt)
        return await self._take(request, wish("IMAGINE", form.prompt, size=grid_size(form.prompt, area=self._area)))

    async def _blend(self, request: Request) -> Response:
        form, wish = await self._form(request, forms.Blend)
        size = grid_size("", form.dimensions, area=self._area)
        return await self._take(request, wish("BLEND", "blend", size=size))

    async def _describe(self, request: Request) -> Response:
        form, wish = await self._form(request, forms.Describe)
        words = await asyncio.to_thread(described, [decoded(form.base64)])
        return await self._take(request, wish("DESCRIBE", "", words=words))

    async def _shorten(self, request: Request) -> Response:
        form, wish = await self._form(request, forms.Shorten)
        words = "\n\n".join(f"{n}️⃣ {' '.join(form.prompt.split()[:n])}" for n in range(1, 6))
        return await self._take(request, wish("SHORTEN", form.prompt, words=words))

    async def _video(self, request: Request) -> Response:
        form, wish = await self._form(request, forms.Video)
        return await self._take(request, wish("VIDEO", form.prompt, films=form.batchSize))

    async def _swap(self, request: Request) -> Response:
        _, wish = await self._form(request, forms.Swap)
        return await self._take(request, wish("SWAP_FACE", "InsightFace", size=grid_size("", area=self._area)))

    async def _change(self, request: Request) -> Response:
        form, wish = await self._form(request, forms.Change)
        if self.new_api and not form.index:
            raise self._invalid("index_is_required", "index")
        return await self._follow(request, wish, self._parent(form.taskId), (form.action, form.index))

    async def _simple_change(self, request: Request) -> Response:
        form, wish = await self._form(request, forms.SimpleChange)
        read = form.read()
        if read is None:
            raise self._invalid("content_parse_failed" if self.new_api else "content参数错误", "content")
        return await self._follow(request, wish, self._parent(read[0]), read[1:])

    async def _action(self, request: Request) -> Response:
        form, wish = await self._form(request, forms.Action)
        parent = self._parent(form.taskId, status=404)
        self._succeeded(parent)
        pressed = parent.pressed(form.customId)
        if pressed is None:
            raise self._invalid("关联按钮错误", "customId")
        action, index = pressed
        if self.new_api and action == "ANIMATE":
            raise self._invalid(f"unknown_action:{form.customId}", "customId")
        always = opens_window(form.customId)
        if not always and not (self.remix and action in ("VARIATION", "REROLL", "PAN")):
            return await self._follow(request, wish, parent, pressed)
        # Nothing is made, and nothing charged, before the window is filled in.
        task = self._book.write(
            wish(action, parent.prompt, parent=parent, index=index, size=parent.size), len(self.orders) + 1
        )
        shown = {"finalPrompt": "" if action == "INPAINT" else task.prompt, "remix": True}
        return self._said(21, "Waiting for window confirm", task.id, shown, window=always)

    async def _modal(self, request: Request) -> Response:
        form, _ = await self._form(request, forms.Modal)
        task = self._parent(form.taskId, status=404)
        if task.takes is not None:
            raise self._invalid("关联任务状态错误", "taskId")
        if not form.prompt.strip():
            raise self._invalid("参数错误", "prompt")
        self._judged(form.prompt)
        if task.action == "INPAINT" and form.maskBase64 is None:
            raise self._invalid("maskBase64 不能为空", "maskBase64")
        task.prompt, task.hook = form.prompt, "" if self.new_api else form.notifyHook
        task.mask = task.order.mask = decoded(form.maskBase64) if form.maskBase64 else None
        return await self._begin(task)

    async def _follow(
        self, request: Request, wish: Callable[..., Wish], parent: Task, pressed: tuple[str, int]
    ) -> Response:
        """U, V and R. An enlargement is made once: the second time its task is named again (21)."""
        self._succeeded(parent)
        action, index = pressed
        known = [
            task
            for task in self.tasks.values()
            if task.parent is parent and task.action == action == "UPSCALE" and task.index == index
        ]
        if known:
            shown = await self._book.shown(known[0], self.clock())
            extra = {"status": shown["status"], "imageUrl": shown["imageUrl"]}
            return self._said(21, "任务已存在", known[0].id, extra)
        return await self._take(
            request, wish(action, parent.prompt, parent=parent, index=index, size=_size(action, parent.size))
        )

    async def _take(self, request: Request, wish: Wish) -> Response:
        """From a checked wish to the answer, or what a planned fault makes of it."""
        line: Line = request.scope["line"]
        fault = self._planned()
        if fault is Fault.DROP_BEFORE:
            await line.cut()
            raise HungUp
        if self._book.is_full():
            raise self._trouble(23)
        task = self._book.write(wish, len(self.orders) + 1)
        if fault is not None:
            task.fail_reason = _FAILS.get(fault, "")
            task.order.charged = not task.fail_reason  # taken back
        answer = await self._begin(task)
        if fault in (Fault.HANG, Fault.DROP_AFTER):
            await line.stays(None if fault is Fault.HANG else 0)
            await self._abandon(line, task.order)
        if fault is Fault.BROKEN_JSON:
            return Response(bytes(answer.body)[:-20], media_type="application/json")
        return answer

    async def _begin(self, task: Task) -> Response:
        """Let it be made: from here on it is charged."""
        ahead = self._book.schedule(task, self.seconds)
        self.orders.append(task.order)
        self.hooks.follow(task, task.hook, self._book.shown)
        await self._tell()
        if task.started_at > self.clock():
            text = f"排队中,前面还有{ahead}个任务"
            return self._said(22, text, task.id, {"numberOfQueues": ahead, **_INSTANCE})
        return self._said(1, "Submit success", task.id, _INSTANCE)

    # -- questions ----------------------------------------------------------------------------------------------

    async def _fetch(self, request: Request) -> Response:
        self._key(request)
        await self._asked(request)
        task = self.tasks.get(request.path_params["id"])
        if task is None:
            if self.new_api:
                raise self._invalid("task_no_found", "id")
            return Response(status_code=200)
        return JSONResponse(await self._shown(task))

    async def _list(self, request: Request) -> Response:
        self._key(request)
        await self._asked(request)
        form = fields.read(forms.Condition, await self._json(request), self._invalid)
        found = [self.tasks[name] for name in dict.fromkeys(form.ids) if name in self.tasks]
        # In nobody's order.
        return JSONResponse([await self._shown(task) for task in sorted(found, key=lambda task: task.grid)])

    async def _image_seed(self, request: Request) -> Response:
        self._key(request)
        task = self._parent(request.path_params["id"])
        self._succeeded(task)
        return self._said(1, "成功", str(task.order.seed), {})

    async def _image(self, request: Request) -> Response:
        """new-api's own copy of a result, for whoever knows the id."""
        task = self.tasks.get(request.path_params["id"]) if self.new_api else None
        if task is None:
            return JSONResponse({"error": "midjourney_task_not_found"}, 400)
        data = await asyncio.to_thread(painted, task)
        if task.status(self.clock()) != "SUCCESS":
            data = await asyncio.to_thread(preview, data)
        return Response(data, media_type="image/png")

    async def _asked(self, request: Request) -> None:
        fault = self._faults.take(Stage.TASK, model="")
        if fault in REFUSALS:
            raise self._refusal(fault, "midjourney")
        if fault is not None:
            await request.scope["line"].cut()
            raise HungUp

    async def _shown(self, task: Task) -> Json:
        if self.new_api:
            return await self._book.shown_by_new_api(task, self.base_url)
        return await self._book.shown(task, self.clock())

    # -- codes and refusals -------------------------------------------------------------------------------------

    async def _form(self, request: Request, kind: type[S]) -> tuple[S, Callable[..., Wish]]:
        """The checked body, and what makes a wish of it."""
        key = self._key(request)
        sent = await self._json(request)
        form = fields.read(kind, sent, self._invalid)
        if len(getattr(form, "prompt", "")) > PROMPT_LIMIT:
            raise self._invalid("prompt太长", "prompt")
        pictures = tuple([await asyncio.to_thread(decoded, url) for url in form.pictures()])

        def wish(action: str, prompt: str, **more: Any) -> Wish:
            return Wish(
                key=key,
                action=action,
                prompt=prompt,
                fields={name: value for name, value in sent.items() if not name.lower().endswith(("64", "64array"))},
                bot=getattr(form, "botType", "MID_JOURNEY"),
                state=form.state,
                hook="" if self.new_api else form.notifyHook,
                pictures=pictures,
                **more,
            )

        return form, wish

    def _planned(self) -> Fault | None:
        if self._codes:
            raise self._trouble(self._codes.pop(0))
        fault = self._faults.take(Stage.SUBMIT, model="")
        if fault in REFUSALS:
            raise self._refusal(fault, "midjourney")
        return fault

    def _judged(self, prompt: str) -> None:
        found = _BANNED.search(prompt)
        if found is not None:
            extra = {"promptEn": prompt, "bannedWord": found[1]}
            raise Refusal(200, {"code": 24, "description": "可能包含敏感词", "properties": extra})

    def _parent(self, name: str, *, status: int = 200) -> Task:
        task = self.tasks.get(name)
        if task is None:
            if self.new_api:
                raise self._invalid("task_not_found", "taskId")
            raise Refusal(status, _body(3, "关联任务不存在或已失效"))
        return task

    def _succeeded(self, task: Task) -> None:
        if task.status(self.clock()) != "SUCCESS":
            raise self._invalid("task_status_not_success" if self.new_api else "关联任务状态错误", "taskId")

    def _said(
        self, code: int, text: str, result: str, properties: Mapping[str, object], *, window: bool = False
    ) -> Response:
        # new-api replaces the text "code":21 and "code":22, except where a window is opened.
        said = 1 if self.new_api and (code == 22 or (code == 21 and not window)) else code
        return JSONResponse(_body(said, text, result, properties))

    def _trouble(self, code: int) -> Refusal:
        return Refusal(200, _body(code, _TROUBLE[code], self._book.new_id() if code == 23 else None))

    def _invalid(self, message: str, param: str, reason: str = "") -> Refusal:
        if self.new_api:
            return Refusal(400, {"description": f"{message} ", "type": "upstream_error", "code": 4})
        return Refusal(200, _body(4, message))

    def _no_route(self, request: Request) -> Refusal:
        return Refusal(404, {"status": 404, "error": "Not Found", "path": request.url.path})

    def _own_words(self, fault: Fault, model: str) -> Refusal:
        if fault is Fault.UNAUTHORIZED_401:
            return self._unauthorized()
        if fault is Fault.NOT_FOUND_404:
            return Refusal(404, "")
        text = "当前分组上游负载已饱和，请稍后再试 "
        return Refusal(429, {"description": text, "type": "upstream_error", "code": 30})

    def _unauthorized(self) -> Refusal:
        return Refusal(401, envelope("Invalid token", type="new_api_error") if self.new_api else "")

    def _key(self, request: Request) -> str:
        given = request.headers.get("mj-api-secret", "")
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        if self.new_api and scheme == "Bearer" and bearer:
            given = bearer
        if self.keys and given not in self.keys:
            raise self._unauthorized()
        return given


def _size(action: str, parent: tuple[int, int]) -> tuple[int, int]:
    """The sides of what follows a result of these sides."""
    return (parent[0] * 2, parent[1] * 2) if action == "ENLARGE" else parent


def _body(code: int, text: str, result: str | None = None, properties: Mapping[str, object] | None = None) -> Json:
    return {"code": code, "description": text, "result": result, "properties": dict(properties or {})}
