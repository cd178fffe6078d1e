"""Rate limits, failures on demand, and addresses that expire."""

import asyncio
import time
from urllib.parse import parse_qs, urlsplit

import discord
import httpx
import pytest

from sandbox.chat import Upload
from sandbox.discord import DiscordSandbox
from tests.sandbox.discord.bot import all_intents, running
from tests.sandbox.discord.conftest import Clock, Raw, refused


async def test_the_sixth_message_in_five_seconds_is_limited_per_channel(sandbox: DiscordSandbox, raw: Raw) -> None:
    first = await raw.post("general", {"content": "0"})
    assert (first.headers["X-RateLimit-Limit"], first.headers["X-RateLimit-Remaining"]) == ("5", "4")
    assert 0 < float(first.headers["X-RateLimit-Reset-After"]) <= 5
    more = [await raw.post("general", {"content": str(i)}) for i in range(4)]
    assert more[-1].headers["X-RateLimit-Remaining"] == "0"
    limited = await raw.post("general", {"content": "6"})
    body = limited.json()
    assert (limited.status_code, body["global"], limited.headers["X-RateLimit-Scope"]) == (429, False, "user")
    assert 0 < body["retry_after"] <= 5
    assert limited.headers["X-RateLimit-Bucket"] == first.headers["X-RateLimit-Bucket"]
    assert (await raw.post("thread", {"content": "x"})).status_code == 200, "another channel, another window"


async def test_discord_py_waits_for_the_window_and_delivers_all(sandbox: DiscordSandbox) -> None:
    sandbox.limits.set("POST /channels/{channel_id}/messages", 2, 0.5)
    async with running(sandbox, all_intents()) as bot:
        channel = bot.guilds[0].text_channels[0]
        started = time.monotonic()
        await asyncio.gather(*(channel.send(str(i)) for i in range(5)))
        assert time.monotonic() - started >= 1.0
        assert len(sandbox.feed.posts("general")) == 5
        assert all(call.status != 429 for call in sandbox.calls), "the headers alone let it wait"


async def test_more_than_fifty_requests_a_second_are_limited_globally_but_not_interactions(
    sandbox: DiscordSandbox, raw: Raw
) -> None:
    sandbox.limits.global_limit = 3
    answers = [await raw("GET", f"/users/{sandbox.application_id}") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[-1].json()["global"] is True
    assert answers[-1].headers["X-RateLimit-Global"] == "true"
    refused(await raw("POST", "/interactions/5/x/callback", {"type": 5}), 404, 10062)


async def test_a_429_on_demand_is_waited_for_by_discord_py(sandbox: DiscordSandbox) -> None:
    async with running(sandbox, all_intents()) as bot:
        sandbox.fail_next("POST", "/messages$", status=429, headers={"Retry-After": "0.2"})
        await bot.guilds[0].text_channels[0].send("patience")
        posts = [call.status for call in sandbox.calls if call.route == "/channels/{channel_id}/messages"]
        assert posts == [429, 200]


async def test_an_error_on_demand_comes_as_often_as_asked(sandbox: DiscordSandbox, raw: Raw) -> None:
    sandbox.fail_next("POST", "/messages$", status=403, code=50013, message="Missing Permissions", times=2)
    refused(await raw.post("general", {"content": "x"}), 403, 50013)
    refused(await raw.post("general", {"content": "x"}), 403, 50013)
    assert (await raw.post("general", {"content": "x"})).status_code == 200


@pytest.mark.parametrize(("mode", "arrived"), [("drop_before", 0), ("drop_after", 1)])
async def test_a_dropped_connection_leaves_open_whether_the_message_arrived(
    sandbox: DiscordSandbox, raw: Raw, mode: str, arrived: int
) -> None:
    sandbox.fail_next("POST", "/messages$", mode=mode)  # type: ignore[arg-type]
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        await raw.post("general", {"content": "x", "nonce": "n", "enforce_nonce": True})
    assert len(sandbox.feed.posts("general")) == arrived
    again = await raw.post("general", {"content": "x", "nonce": "n", "enforce_nonce": True})
    assert again.status_code == 200
    assert len(sandbox.feed.posts("general")) == 1


async def test_a_hanging_request_is_never_answered(sandbox: DiscordSandbox, raw: Raw) -> None:
    sandbox.fail_next("GET", "/users/@me", mode="hang")
    with pytest.raises(httpx.ReadTimeout):
        await raw("GET", "/users/@me", timeout=0.3)
    assert sandbox.calls[-1].status == 0
    assert (await raw("GET", "/users/@me")).status_code == 200


async def test_a_file_s_address_expires_and_a_fetch_gives_a_fresh_one(
    sandbox: DiscordSandbox, photo: Upload, clock: Clock
) -> None:
    async with running(sandbox, all_intents()) as bot:
        shown = await sandbox.say("ana", "general", files=[photo])
        message = await bot.heard(shown.id)
        old = message.attachments[0]
        assert await old.read() == await old.read(use_cached=True) == photo.data
        clock.ahead += 25 * 3600
        with pytest.raises(discord.NotFound):
            await old.read()
        fresh = (await message.channel.fetch_message(message.id)).attachments[0]
        assert (fresh.id, fresh.url != old.url) == (old.id, True)
        assert await fresh.read() == photo.data


async def test_a_file_s_address_cannot_be_forged(sandbox: DiscordSandbox, raw: Raw, photo: Upload) -> None:
    shown = await sandbox.say("ana", "general", files=[photo])
    message = sandbox.message("general", shown.id)
    url = sandbox.cdn.url(message.files[0])
    assert (await raw.client.get(url)).content == photo.data
    assert set(parse_qs(urlsplit(url).query)) == {"ex", "is", "hm"}
    for forged in (url.partition("?")[0], url.replace("ex=", "ex=7"), url.replace("hm=", "hm=0")):
        answer = await raw.client.get(forged)
        assert (answer.status_code, answer.text) == (404, "This content is no longer available.")


async def test_the_demo_page_gets_a_picture_without_a_signature(
    sandbox: DiscordSandbox, raw: Raw, photo: Upload
) -> None:
    shown = await sandbox.say("ana", "general", files=[photo])
    answer = await raw.client.get(shown.attachments[0].url)
    assert (answer.content, answer.headers["content-type"]) == (photo.data, "image/png")
    assert (await raw.client.get(f"{sandbox.base_url}/pictures/5")).status_code == 404


async def test_the_download_of_a_file_fails_on_demand(sandbox: DiscordSandbox, raw: Raw, photo: Upload) -> None:
    shown = await sandbox.say("ana", "general", files=[photo])
    url = sandbox.cdn.url(sandbox.message("general", shown.id).files[0])
    sandbox.fail_next("GET", "/attachments/", status=503)
    sandbox.fail_next("GET", "/attachments/", mode="drop_before")
    assert (await raw.client.get(url)).status_code == 503
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        await raw.client.get(url)
    assert (await raw.client.get(url)).content == photo.data
