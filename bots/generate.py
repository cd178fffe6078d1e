"""``imagine generate``: one request through the whole core, with a progress bar."""

import asyncio
import contextlib
import secrets
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

from bots.app import Core, delivery_of, intake_of, opened, tracker_of
from bots.parts import only_worker
from bots.prompts import parse, request
from bots.terminal import NAME, TerminalFront
from core.errors import ImagineError
from core.quota import Limits
from core.settings import Settings
from core.types import Address, Failure, FrontFile, Operation, Stage, Task, View, Who

#: Whoever sits at the terminal runs the bots: no credits to use up, and room for a batch.
OPERATOR = Limits(user_day=0, user_month=0, unfinished=1000)


@dataclass(frozen=True)
class Wish:
    """The command line's words."""

    prompt: str
    images: tuple[Path, ...]
    model: str | None
    ratio: str | None
    count: int | None
    seed: int | None
    out: Path


class NotMade(ImagineError):
    """The task ended without a picture; carries the failure's own key."""

    def __init__(self, failure: Failure | None) -> None:
        super().__init__(**dict(failure.params if failure else {}))
        self.key = failure.key if failure else "error.unknown"  # type: ignore[misc]  # the stored failure's own key


async def make(settings: Settings, wish: Wish, console: Console) -> list[Path]:
    """The files written. Raises ImagineError with the reason when there are none."""
    with contextlib.ExitStack() as locks, _bar(console) as progress:
        alone = locks.enter_context(only_worker(settings.database_url))
        bar = progress.add_task("sending", total=1.0)
        front = TerminalFront(on_view=lambda view: _draw(progress, bar, view))
        async with opened(settings, limits=OPERATOR) as core:
            return await _made(core, front, wish, alone=alone)


async def _made(core: Core, front: TerminalFront, wish: Wish, *, alone: bool) -> list[Path]:
    stopping, drained = asyncio.Event(), asyncio.Event()
    fronts = {NAME: front}
    jobs = [
        asyncio.create_task(intake_of(core, fronts).run(stopping)),
        asyncio.create_task(delivery_of(core, fronts).run(drained)),
    ]
    if alone:
        # Where the bots are running on this database already, their tracker does the work.
        tracker = tracker_of(core)
        if core.settings.database_url.startswith("sqlite"):
            await tracker.recover()
        jobs.append(asyncio.create_task(tracker.run(stopping, grace=core.settings.stop_grace)))
    try:
        task = await _submit(core, wish)
        over = asyncio.create_task(front.over(task.id).wait())
        await asyncio.wait({over, *jobs}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.set()
        drained.set()
        await asyncio.gather(*jobs, return_exceptions=True)
    view = front.last.get(task.id)
    if view is None or view.stage is not Stage.DONE:
        raise NotMade(view.failure if view else None)
    return front.written[task.id]


async def _submit(core: Core, wish: Wish) -> Task:
    options = {name: getattr(wish, name) for name in ("model", "ratio", "count", "seed")}
    said = replace(parse(wish.prompt), **{name: value for name, value in options.items() if value is not None})
    images = tuple(FrontFile(NAME, {"path": str(path.resolve())}) for path in wish.images)
    return await core.client.submit(
        request(said, Operation.EDIT if images else Operation.IMAGINE, images),
        who=Who(account=f"{NAME}:local", chat=f"{NAME}:local", locale=core.words.pick(None)),
        address=Address(NAME, {"out": str(wish.out.resolve())}),
        event=f"{NAME}:{secrets.token_hex(8)}",
    )


def _bar(console: Console) -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )


def _draw(progress: Progress, bar: object, view: View) -> None:
    words = {
        Stage.QUEUED: "waiting" if view.position is None else f"waiting, place {view.position}",
        Stage.RETRYING: f"{view.request.model}'s gateway takes no requests just now; trying again",
        Stage.WORKING: f"{view.request.model} is working",
    }
    done = 1.0 if view.stage not in words else view.progress or 0.0
    progress.update(bar, completed=done, description=words.get(view.stage, "done"))  # type: ignore[arg-type]
