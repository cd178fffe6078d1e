"""Only the page itself may read and drive the demo."""

import httpx
import pytest
import websockets

from tests.sandbox.demo.stages import page_of, quiet_stage


async def test_the_page_is_served_and_may_load_nothing_from_elsewhere() -> None:
    async with quiet_stage() as stage, page_of(stage) as address, httpx.AsyncClient() as client:
        answer = await client.get(address)
        assert answer.status_code == 200
        assert "Nothing leaves it" in answer.text
        policy = answer.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "media-src http://127.0.0.1:*;" in policy, "the stand-ins' videos play"
        assert "https://" not in answer.text


async def test_a_name_that_was_bound_to_this_machine_is_refused() -> None:
    async with quiet_stage() as stage, page_of(stage) as address, httpx.AsyncClient() as client:
        assert (await client.get(address, headers={"Host": "evil.example"})).status_code == 403
        port = httpx.URL(address).port
        assert (await client.get(address, headers={"Host": f"localhost:{port}"})).status_code == 200


@pytest.mark.parametrize("origin", [None, "null", "http://evil.example", "http://127.0.0.1:1"])
async def test_an_act_from_another_page_is_refused_and_not_carried_out(origin: str | None) -> None:
    headers = {} if origin is None else {"Origin": origin}
    form = {"platform": "telegram", "who": "ana", "chat": "group", "text": "/imagine a fox"}
    async with quiet_stage() as stage, page_of(stage) as address, httpx.AsyncClient() as client:
        answer = await client.post(f"{address}/do/say", data=form, headers=headers)
        assert answer.status_code == 403
        assert stage.telegram.feed.posts() == []
        answer = await client.post(f"{address}/do/say", data=form, headers={"Origin": address})
        assert answer.status_code == 200
        assert len(stage.telegram.feed.posts()) == 1


async def test_another_page_cannot_listen() -> None:
    async with quiet_stage() as stage, page_of(stage) as address:
        live = address.replace("http", "ws") + "/live"
        with pytest.raises(websockets.InvalidStatus):
            await websockets.connect(live, origin=websockets.Origin("http://evil.example"))
        with pytest.raises(websockets.InvalidStatus):
            await websockets.connect(live)
        async with websockets.connect(live, origin=websockets.Origin(address)) as socket:
            assert await socket.recv() == '{"type":"hello"}'
