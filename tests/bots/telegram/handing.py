"""Views of one task in its stages, and a front that only posts."""

from dataclasses import replace

from bots.telegram import TelegramFront
from core.types import Action, Address, Failure, Stage, View
from sandbox.chat import Post
from tests.bots.telegram.world import World, an_address
from tests.core.build import NOW, a_request

DONE = View(
    task_id="7h2k9qz0m4xa",
    revision=3,
    stage=Stage.DONE,
    locale="en",
    account="telegram:1",
    request=a_request("a red fox"),
    seconds=4.0,
    credits=1,
    actions=(Action.AGAIN, Action.EDIT, Action.DELETE),
)
QUEUED = replace(DONE, stage=Stage.QUEUED, position=3, seconds=None, actions=(Action.CANCEL,))
WORKING = replace(QUEUED, stage=Stage.WORKING, position=None, progress=0.4, started_at=NOW, actions=())
FAILED = replace(
    DONE, stage=Stage.FAILED, failure=Failure("error.prompt_refused"), credits=0, missing=1, actions=(Action.AGAIN,)
)


async def a_chat(world: World, chat: str = "group", *, topic: str | None = None) -> tuple[TelegramFront, Address, Post]:
    """A front that only posts, and somebody's request."""
    post = await world.sandbox.say("ana", chat, "/imagine a red fox", thread=topic)
    return world.front(), an_address(world, chat, request=post.id, topic=topic), post
