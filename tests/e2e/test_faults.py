"""Every way a gateway can fail ends in a clear message, with the credits back and nothing ordered twice."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bots.words import Words
from core.types import Failure
from sandbox.chat import Post
from sandbox.gateways import Fault
from sandbox.telegram import Rates
from tests.e2e.town import Town, town
from tests.waiting import until

ANA = {"telegram": "telegram:501000001", "discord": "discord:1170000000000000001"}
#: Room for all faults at once, and a short patience with gateways that never answer.
GENEROUS = {
    "USER_QUEUED": "100",
    "USER_RUNNING": "100",
    "USER_DAILY_CREDITS": "0",
    "USER_MONTHLY_CREDITS": "0",
    "APIYI_CONCURRENCY": "100",
    "GATEWAY_TIMEOUT": "4",
}
#: What the person is told, by fault, at a gateway that answers on its connection with a link.
TOLD = {
    Fault.MODERATION_400: "error.prompt_refused",
    Fault.MODERATION_451: "error.prompt_refused",
    Fault.UNAUTHORIZED_401: "error.gateway_setup",
    Fault.BALANCE_402: "error.gateway_balance",
    Fault.BALANCE_403: "error.gateway_balance",
    Fault.BALANCE_429: "error.gateway_balance",
    Fault.NOT_FOUND_404: "error.gateway_model",
    Fault.SERVER_500: "error.gateway_failed",
    Fault.HTML_502: "error.gateway_failed",
    Fault.CLOUDFLARE_524: "error.gateway_failed",
    Fault.HANG: "error.gateway_silent",
    Fault.DROP_BEFORE: "error.gateway_silent",
    Fault.DROP_AFTER: "error.gateway_silent",
    Fault.BROKEN_JSON: "error.answer_unreadable",
    Fault.EMPTY_DATA: "error.prompt_refused",
    Fault.EMPTY_STRINGS: "error.prompt_refused",
    Fault.TRUNCATED_PICTURE: "error.picture_broken",
    Fault.HTML_PICTURE: "error.picture_broken",
    Fault.BOMB_PICTURE: "error.picture_broken",
    Fault.HUGE_PICTURE: "error.picture_broken",
    Fault.ENDLESS_PICTURE: "error.picture_broken",
    Fault.EXPIRED_URL: "error.picture_gone",
    Fault.REDIRECT_INTERNAL: "error.picture_broken",
}
#: Took nothing, so they are tried again; here, until the gateway is well.
PASSING = (Fault.RATE_429, Fault.RATE_429_AFTER, Fault.BUSY_503)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Town]:
    async with town(tmp_path, apiyi_seconds=0.2, settings=GENEROUS) as found:
        found.telegram.rates = Rates.unlimited()
        await found.started()
        yield found


def finals(place: Town, chat: str) -> list[Post]:
    posts = (place.telegram if chat == "telegram" else place.discord).feed.posts(author="bot")
    return [post for post in posts if any("again" in button.id for row in post.buttons for button in row)]


def sentence(key: str) -> str:
    return Words().error("en", Failure(key))


@pytest.mark.timeout(240)
async def test_each_fault_is_told_in_words_and_costs_the_person_nothing(place: Town) -> None:
    for fault in TOLD:
        await place.telegram.say("ana", "private:ana", f"/imagine a fox [fault:{fault}] --model flux-2-pro")
    await until(lambda: len(finals(place, "telegram")) == len(TOLD), timeout=150)
    asked = {post.id: post.text for post in place.telegram.feed.posts(author="ana")}
    for post in finals(place, "telegram"):
        (fault,) = [fault for fault in TOLD if f"[fault:{fault}]" in asked[post.reply_to or ""]]
        assert sentence(TOLD[fault]) in post.text, fault
        assert not post.attachments
        assert "Traceback" not in post.text
        assert "{" not in post.text
    usage = await place.usage(ANA["telegram"])
    assert (usage.day_used, usage.day_held, usage.month_used) == (0, 0, 0)
    prompts = [order.prompt for order in place.apiyi.orders]
    assert len(prompts) == len(set(prompts)), "something that may have been paid was ordered twice"


@pytest.mark.parametrize("fault", PASSING)
async def test_a_gateway_that_took_nothing_is_tried_again_and_the_picture_comes(place: Town, fault: Fault) -> None:
    place.apiyi.fail_next(fault)
    await place.discord.command("ana", "general", "imagine", {"prompt": "a fox", "model": "flux-2-pro"})
    await until(lambda: place.discord_pictures(), timeout=40)
    assert len(place.apiyi.orders) == 1


async def test_a_task_that_goes_wrong_at_the_gateway_is_told_on_discord(place: Town) -> None:
    told = {
        Fault.MODERATED_REQUEST: "error.prompt_refused",
        Fault.MODERATED_CONTENT: "error.prompt_refused",
        Fault.TASK_ERROR: "error.gateway_failed",
    }
    for fault in told:
        options = {"prompt": f"a fox [fault:{fault}]", "model": "hub-flux-kontext-max"}
        await place.discord.command("ana", "general", "imagine", options)
    await until(lambda: len(finals(place, "discord")) == len(told), timeout=60)
    for key in told.values():
        assert any(sentence(key) in post.text for post in finals(place, "discord")), key
    assert (await place.usage(ANA["discord"])).day_held == 0


async def test_a_question_that_fails_does_not_lose_the_task(place: Town) -> None:
    for fault in ("server_500", "broken_json", "drop_before"):
        place.aihubmix.fail_next(fault, at="task")
    options = {"prompt": "a fox", "model": "hub-flux-kontext-max"}
    await place.discord.command("ana", "general", "imagine", options)
    await until(lambda: place.discord_pictures(), timeout=60)
    assert len(place.aihubmix.orders) == 1


async def test_a_download_that_stumbles_is_repeated_and_nothing_is_ordered_again(place: Town) -> None:
    for fault in ("server_500", "drop_before"):
        place.apiyi.fail_next(fault, at="download")
    await place.telegram.say("ana", "group", "/imagine a fox --model flux-2-pro")
    await until(lambda: place.telegram_pictures(), timeout=60)
    assert len(place.apiyi.orders) == 1


async def test_two_hundred_at_once_get_what_the_limit_allows_and_not_one_more(tmp_path: Path) -> None:
    changes = GENEROUS | {"USER_DAILY_CREDITS": "5", "USER_QUEUED": "300", "USER_RUNNING": "20"}
    async with town(tmp_path, apiyi_seconds=0.2, settings=changes) as place:
        place.telegram.rates = Rates.unlimited()
        await place.started()
        wish = "/imagine a fox --model flux-2-klein-4b"
        await asyncio.gather(*(place.telegram.say("ana", "private:ana", wish) for _ in range(200)))
        await until(lambda: len(place.telegram_pictures()) == 5, timeout=60)
        await until(lambda: place.telegram.pending_updates == 0, timeout=60)
        await until(lambda: len(place.telegram.called("sendMessage")) >= 195, timeout=60)
        assert len(place.apiyi.orders) == 5
        await until(lambda: all_settled(place), timeout=20)
        assert (await place.usage(ANA["telegram"])).day_used == 5


async def all_settled(place: Town) -> bool:
    return (await place.usage(ANA["telegram"])).day_held == 0
