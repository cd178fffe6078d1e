"""The demo's page in a real browser: pictures are made and changed in both chats, and are really there to see."""

import asyncio
import os
import re
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, Page, async_playwright, expect

CHECKOUT = Path(__file__).parents[1]
SHOTS = CHECKOUT / "test-results"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
#: Milliseconds for a picture: five seconds of the stand-ins', the rest for a busy machine.
PATIENCE = 60_000

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]


@asynccontextmanager
async def demo(folder: Path) -> AsyncIterator[str]:
    """``imagine demo`` as a process of its own; yields the address it prints."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bots",
        "demo",
        "--port",
        "0",
        "--no-browser",
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(CHECKOUT), "PYTHONUNBUFFERED": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    try:
        said = b""
        async with asyncio.timeout(60):
            while (found := re.search(rb"http://127\.0\.0\.1:\d+", said)) is None:
                line = await process.stdout.readline()
                assert line, f"the demo ended: {said.decode()}"
                said += line
        yield found[0].decode()
        process.terminate()
        async with asyncio.timeout(30):
            rest = await process.stdout.read()
            assert await process.wait() == 0, rest.decode()
        assert b"Traceback" not in rest, rest.decode()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    path = next(filter(None, map(shutil.which, BROWSERS)))
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        try:
            yield chromium
        finally:
            await chromium.close()


@asynccontextmanager
async def opened(chromium: Browser, address: str, **options: object) -> AsyncIterator[Page]:
    """The page; nothing may go wrong in it, and nothing may be asked of another machine."""
    page = await chromium.new_page(**{"viewport": {"width": 1280, "height": 800}, **options})  # type: ignore[arg-type]
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.on("request", lambda asked: wrong.append(asked.url) if not _is_local(asked.url) else None)
    await page.goto(address)
    yield page
    assert wrong == []
    await page.close()


def _is_local(url: str) -> bool:
    return url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "blob:http://127.0.0.1:", "data:"))


async def pictures(page: Page, platform: str, count: int) -> list[bytes]:
    """The bytes of the bots' pictures in a chat, once there are ``count`` and the browser has decoded them all."""
    shown = page.locator(f"#{platform} article[data-author^=bot] .picture img")
    await expect(shown).to_have_count(count, timeout=PATIENCE)
    found = []
    for number in range(count):
        image = shown.nth(number)
        await image.evaluate("image => image.decode()")
        assert await image.evaluate("image => image.naturalWidth") > 0
        answer = await page.request.get(await image.get_attribute("src") or "")
        found.append(await answer.body())
    assert len(set(found)) == count, "the same picture came twice"
    return found


async def write(page: Page, platform: str, text: str) -> None:
    box = page.get_by_label(f"{platform} message", exact=True)
    await box.fill(text)
    await box.press("Enter")


def newest_picture(page: Page, platform: str) -> Locator:
    return page.locator(f"#{platform} article[data-author^=bot]:has(.picture)").last


async def on_telegram(page: Page) -> None:
    await write(page, "Telegram", "/imagine a red fox in the snow --ar 16:9")
    await pictures(page, "telegram", 1)
    await newest_picture(page, "telegram").hover()
    await newest_picture(page, "telegram").get_by_role("button", name="Reply", exact=True).click()
    await expect(page.locator("#telegram .replying")).to_contain_text("Reply to Imagine")
    await write(page, "Telegram", "make it night")
    await pictures(page, "telegram", 2)
    await newest_picture(page, "telegram").get_by_role("button", name="Again").click()
    await expect(page.locator("#telegram .toast")).to_have_text("On it…")
    await pictures(page, "telegram", 3)


async def on_discord(page: Page) -> None:
    await write(page, "Discord", "/imagine a lighthouse by the sea at sunset --ar 16:9")
    await pictures(page, "discord", 1)
    await newest_picture(page, "discord").locator(".picture").click(button="right")
    await page.get_by_role("menuitem", name="Apps: Edit image").click()
    form = page.get_by_role("dialog", name="Edit image")
    await form.get_by_label("What should change?").fill("make it snow")
    await form.get_by_label("Submit the form").click()
    await expect(form).to_be_hidden()
    await pictures(page, "discord", 2)


async def test_pictures_are_made_and_changed_in_both_chats(tmp_path: Path) -> None:
    SHOTS.mkdir(exist_ok=True)
    async with demo(tmp_path) as address, browser() as chromium, opened(chromium, address) as page:
        await on_telegram(page)
        await on_discord(page)
        await page.screenshot(path=SHOTS / "light.png")

        # Somebody else opens the page later: all is there, in the dark too, and on a telephone.
        async with opened(chromium, address, color_scheme="dark") as dark:
            await pictures(dark, "telegram", 3)
            await pictures(dark, "discord", 2)
            await dark.screenshot(path=SHOTS / "dark.png")
        async with opened(chromium, address, viewport={"width": 390, "height": 844}) as phone:
            await phone.get_by_role("tab", name="Discord").click()
            await expect(phone.get_by_label("Discord message", exact=True)).to_be_visible()
            await expect(phone.get_by_label("Telegram message", exact=True)).to_be_hidden()
            assert await phone.evaluate("document.documentElement.scrollWidth <= innerWidth")
            await phone.screenshot(path=SHOTS / "phone.png")


async def test_the_page_helps_to_ask(tmp_path: Path) -> None:
    """Commands are listed, models offered, samples attached, and answers that one person sees are kept from others."""
    async with demo(tmp_path) as address, browser() as chromium, opened(chromium, address) as page:
        await page.get_by_label("Telegram message", exact=True).fill("/")
        await expect(page.get_by_role("listbox", name="Telegram suggestions")).to_contain_text("Make a picture")
        await page.get_by_role("radio", name="Be Chen").click()
        await page.get_by_label("Telegram message", exact=True).fill("/im")
        await expect(page.get_by_role("listbox", name="Telegram suggestions")).not_to_contain_text("Make a picture")
        await page.get_by_role("radio", name="Be Ana").click()

        box = page.get_by_label("Discord message", exact=True)
        await box.fill("/ed")
        await box.press("Enter")
        await page.get_by_label("prompt", exact=True).fill("make it autumn")
        await page.get_by_label("image: a sample").select_option("a lake at sunset")
        await page.get_by_label("Add model").click()
        await page.get_by_role("option", name=re.compile("flux-2-klein-4b")).click()
        await page.get_by_label("Run /edit").click()
        await pictures(page, "discord", 1)
        await expect(newest_picture(page, "discord")).to_contain_text("flux-2-klein-4b")

        await write(page, "Discord", "/usage")
        secret = page.locator("#discord .post.secret")
        await expect(secret).to_contain_text("Only you can see this")
        await page.get_by_role("radio", name="Be Ben").click()
        await expect(secret).to_have_count(0)
        await page.get_by_role("radio", name="Be Ana").click()
        await secret.get_by_role("button", name="Dismiss message").click()
        await expect(secret).to_have_count(0)

        await page.get_by_role("tab", name="Private chat").click()
        await page.get_by_label("Telegram: attach a picture").click()
        await page.get_by_label("Attach a lake at sunset").first.click()
        await write(page, "Telegram", "turn it into winter")
        await pictures(page, "telegram", 1)
        await newest_picture(page, "telegram").locator(".picture").click()
        await expect(page.get_by_role("dialog", name="Picture").locator("img")).to_be_visible()


async def test_a_grid_is_an_album_with_its_buttons_and_a_film_can_be_played(tmp_path: Path) -> None:
    SHOTS.mkdir(exist_ok=True)
    async with demo(tmp_path) as address, browser() as chromium, opened(chromium, address) as page:
        await write(page, "Telegram", "/imagine a castle on a cliff --model hui-flux")
        await write(page, "Discord", "/animate waves in the evening")
        await pictures(page, "telegram", 4)
        await expect(page.locator("#telegram .mosaic .picture")).to_have_count(4)
        await expect(page.locator("#discord video")).to_have_js_property("videoWidth", 640, timeout=PATIENCE)
        await page.locator("#telegram").get_by_role("button", name="U2", exact=True).click()
        await pictures(page, "telegram", 5)
        await expect(newest_picture(page, "telegram").get_by_role("button", name="Vary (subtle)")).to_be_visible()
        await page.screenshot(path=SHOTS / "operations.png")
