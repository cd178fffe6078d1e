"""What is posted is told in lines of text."""

import io

from rich.console import Console

from sandbox.chat import Attachment, Post
from sandbox.demo.telling import Teller
from tests.sandbox.demo.stages import quiet_stage


async def test_a_video_is_told_with_its_size() -> None:
    out = io.StringIO()
    film = Attachment("1", "waves.mp4", "video/mp4", "video", "", 40_000, 640, 360)
    async with quiet_stage() as stage:
        Teller(stage, Console(file=out, width=120)).heard(
            Post("telegram", "group", "2", "bot", "Imagine", "waves", attachments=(film,))
        )
    assert "telegram group | bot: [video 640×360] waves" in out.getvalue()
