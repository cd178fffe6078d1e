"""Videos in the chats of the page, in a real browser: they are there to play."""

import pytest
from playwright.async_api import Locator, expect

from sandbox.chat import Upload
from sandbox.demo.stage import Stage
from sandbox.pictures import clip
from tests.sandbox.demo.stages import page_of, quiet_stage
from tests.test_demo_page import SHOTS, browser, opened

pytestmark = [pytest.mark.browser]

FILM = Upload("waves.mp4", "video/mp4", clip(seconds=4, ratio="16:9"))
UPRIGHT = Upload("waves.mp4", "video/mp4", clip(seconds=4, ratio="9:16"))


async def plays(film: Locator, width: int, height: int) -> None:
    """It has its shape before it is asked to play, makes no noise, and moves when asked."""
    await expect(film).to_be_visible()
    await expect(film).to_have_js_property("videoWidth", width)
    await expect(film).to_have_js_property("videoHeight", height)
    for name, value in (("muted", True), ("loop", True), ("controls", True), ("playsInline", True), ("paused", True)):
        await expect(film).to_have_js_property(name, value)
    room = await film.bounding_box()
    assert room is not None
    assert room["width"] / room["height"] == pytest.approx(max(width / height, 1 / 1.4), rel=0.05)
    await film.evaluate("film => film.play()")
    await film.evaluate("film => new Promise((done) => film.requestVideoFrameCallback(() => done()))")


async def shown(stage: Stage) -> None:
    for upload in (FILM, UPRIGHT):
        await stage.telegram.say("ana", "group", "waves", files=[upload])
        await stage.discord.say("ana", "general", "waves", files=[upload])


async def test_a_video_plays_in_both_chats_and_one_sent_as_a_file_opens_large() -> None:
    SHOTS.mkdir(exist_ok=True)
    async with (
        quiet_stage() as stage,
        page_of(stage) as address,
        browser() as chromium,
        opened(chromium, address) as page,
    ):
        await shown(stage)
        for platform in ("telegram", "discord"):
            films = page.locator(f"#{platform} video")
            await expect(films).to_have_count(2)
            await expect(films.first).to_have_attribute("aria-label", "Video by Ana: waves")
            await plays(films.first, 640, 360)
            await plays(films.last, 360, 640)
        await page.screenshot(path=SHOTS / "films.png")

        as_file = Upload("film.mp4", "video/mp4", FILM.data, as_file=True)
        await stage.telegram.say("ana", "group", files=[as_file])
        await page.get_by_label("Open film.mp4").click()
        large = page.get_by_role("dialog", name="Picture")
        await expect(large.locator("video")).to_have_js_property("videoWidth", 640)
        await page.keyboard.press("Escape")
        await expect(large.locator("video")).to_have_count(0)
