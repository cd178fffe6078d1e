"""Tasks at gateways that call back, and next steps on their results, in the hands of bots that are killed."""

import contextlib
import socket
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import httpx

from core.store import open_store
from core.types import OrderState
from sandbox.chat import Post
from sandbox.gateways import AihuihuaSandbox, MidjourneySandbox
from tests.e2e.test_kill import ACCOUNTS, imagine, pictures, price, settled
from tests.e2e.town import Town, town
from tests.waiting import until

#: Pixels of a grid: small, to be drawn and cut in no time.
AREA = 256 * 256


@contextlib.asynccontextmanager
async def called_back(folder: Path) -> AsyncIterator[tuple[Town, AihuihuaSandbox]]:
    """The town with aihuihua, and an address under which the bots are called back in every life."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        web = f"127.0.0.1:{found.getsockname()[1]}"
    gateway = AihuihuaSandbox(area=AREA)
    async with gateway.running():
        settings = {
            "AIHUIHUA_API_KEY": gateway.default_key,
            "AIHUIHUA_BASE_URL": gateway.base_url,
            "WEB_LISTEN": web,
            "PUBLIC_URL": f"http://{web}",
        }
        async with town(folder, settings=settings) as place:
            yield place, gateway


async def waits(place: Town, chat: str) -> bool:
    """Whether a request of ana's is out at a gateway, and the bots know under which id."""
    store = await open_store(place.database)
    try:
        orders = [order for task in await store.unfinished(ACCOUNTS[chat]) for order in await store.orders(task.id)]
    finally:
        await store.close()
    return any(order.state is OrderState.WAITING for order in orders)


def files(place: Town, chat: str) -> int:
    return sum(len(post.attachments) for post in pictures(place, chat))


def is_made(gateway: AihuihuaSandbox | MidjourneySandbox) -> bool:
    return all(task.status(gateway.clock()) == "SUCCESS" for task in gateway.tasks.values())


async def is_over(place: Town, chat: str, *, made: int, credits: int) -> None:
    """So many pictures in all, paid for once, and nothing is left to do."""
    await until(lambda: files(place, chat) >= made, timeout=90)
    await until(lambda: settled(place, chat, credits), timeout=60)
    assert files(place, chat) == made
    assert await place.unfinished(ACCOUNTS[chat]) == []


async def test_a_call_back_that_came_while_the_bots_were_dead_is_not_waited_for(tmp_path: Path) -> None:
    async with called_back(tmp_path) as (place, gateway):
        gateway.seconds = 3.0
        await place.started()
        await imagine(place, "telegram", "a red fox", "hui-flux")
        await until(lambda: waits(place, "telegram"), timeout=90)
        await place.bots.killed()
        await until(lambda: is_made(gateway))
        assert gateway.polls == 0
        await place.started()
        await is_over(place, "telegram", made=4, credits=price("hui-flux"))
        assert (len(gateway.orders), gateway.polls) == (1, 1)


async def test_a_call_back_brings_the_pictures_before_any_question_and_twice_is_once(tmp_path: Path) -> None:
    async with called_back(tmp_path) as (place, gateway):
        gateway.hooks.repeats = 0  # it is played here
        await place.started()
        await imagine(place, "discord", "a red fox", "hui-flux")
        await until(lambda: waits(place, "discord"), timeout=90)
        await until(lambda: is_made(gateway))
        assert (gateway.polls, files(place, "discord")) == (0, 0)
        [order], [task] = gateway.orders, gateway.tasks
        hook = order.fields["notifyHook"]
        async with httpx.AsyncClient(trust_env=False) as http:
            for _ in range(2):
                answer = await http.post(str(hook), json={"id": task})
                assert answer.status_code == 204
        await is_over(place, "discord", made=4, credits=price("hui-flux"))
        assert (len(gateway.orders), gateway.polls) == (1, 1)
        assert str(hook).rpartition("/")[2] not in place.bots.said()


async def test_a_step_on_a_result_outlives_the_bots_that_took_it(tmp_path: Path) -> None:
    async with MidjourneySandbox(area=AREA).running() as proxy:
        settings: Mapping[str, str] = {
            "MIDJOURNEY_PROXY_URL": proxy.base_url,
            "MIDJOURNEY_PROXY_SECRET": proxy.default_key,
        }
        async with town(tmp_path, settings=settings) as place:
            await place.started()
            await imagine(place, "discord", "a red fox", "midjourney")
            await is_over(place, "discord", made=4, credits=5)
            proxy.seconds = 3.0
            await place.discord.press("ana", "general", *button(place.discord_pictures(), "U2"))
            await until(lambda: waits(place, "discord"), timeout=90)
            await place.bots.killed()
            await place.started()
            await is_over(place, "discord", made=5, credits=5 + 3)
            first, second = proxy.tasks.values()
            assert (first.action, second.action, len(proxy.orders)) == ("IMAGINE", "UPSCALE", 2)
            assert button(place.discord_pictures(), "Zoom out 2×")


def button(posts: list[Post], label: str) -> tuple[str, str]:
    """The message and the button in it. Raises StopIteration when there is none."""
    return next(
        (post.id, each.id) for post in posts for row in post.buttons for each in row if each.label.endswith(label)
    )
