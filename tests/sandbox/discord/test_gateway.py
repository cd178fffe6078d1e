"""The gateway: identifying, resuming, sharding and its close codes."""

import asyncio
import json
import sys
import zlib
from importlib import import_module
from typing import Any

import discord
import pytest
import websockets
from yarl import URL

from sandbox.discord import DiscordSandbox
from sandbox.discord.sessions import squeezer
from tests.sandbox.discord.bot import all_intents, running
from tests.sandbox.discord.wire import listening, wire


async def test_messages_said_while_the_connection_was_cut_are_replayed_on_resume(sandbox: DiscordSandbox) -> None:
    async with running(sandbox, all_intents()) as bot:
        await sandbox.drop_gateway()
        said = await sandbox.say("ana", "general", "in the gap")
        assert (await bot.heard(said.id)).content == "in the gap"
        assert await asyncio.wait_for(bot.resumes.get(), 5) == 0
        assert sandbox.gateway.identified == 1


async def test_a_lost_session_identifies_anew_and_misses_what_was_said(
    sandbox: DiscordSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", URL(sandbox.gateway_url))
    async with running(sandbox, all_intents()) as bot:
        await sandbox.drop_gateway(resume=False)
        await sandbox.say("ana", "general", "lost")
        await sandbox.gateway.wait_connected()
        said = await sandbox.say("ana", "general", "heard")
        assert (await asyncio.wait_for(bot.messages.get(), 10)).id == int(said.id)
        assert sandbox.gateway.identified == 2


async def test_a_reconnect_request_is_followed_by_a_resume(sandbox: DiscordSandbox) -> None:
    async with running(sandbox, all_intents()) as bot:
        sandbox.gateway.ask_reconnect()
        assert await asyncio.wait_for(bot.resumes.get(), 10) == 0


async def test_a_redelivered_event_comes_a_second_time(sandbox: DiscordSandbox) -> None:
    async with running(sandbox, all_intents()) as bot:
        said = await sandbox.say("ana", "general", "twice")
        assert await sandbox.redeliver("MESSAGE_CREATE") == 1
        assert [str((await bot.heard(said.id)).id) for _ in range(2)] == [said.id, said.id]


async def test_only_the_shard_that_owns_the_guild_hears_its_messages(sandbox: DiscordSandbox) -> None:
    other = sandbox.add_guild("other", guild_id=str((int(sandbox.world.guilds["guild"].id) >> 22) + 1 << 22))
    sandbox.add_channel("lounge", guild="other")
    mine = (int(sandbox.world.guilds["guild"].id) >> 22) % 2
    async with listening(sandbox, shard=[mine, 2]) as one, listening(sandbox, shard=[1 - mine, 2]) as two:
        assert (await one.event("GUILD_CREATE"))["id"] == sandbox.world.guilds["guild"].id
        assert (await two.event("GUILD_CREATE"))["id"] == other.id
        await sandbox.say("ana", "general", "here")
        await sandbox.say("ana", "lounge", "there")
        assert (await one.event("MESSAGE_CREATE"))["content"] == "here"
        assert (await two.event("MESSAGE_CREATE"))["content"] == "there"


async def test_direct_messages_go_to_shard_zero(sandbox: DiscordSandbox) -> None:
    intents = 1 | 1 << 12
    async with listening(sandbox, shard=[0, 2], intents=intents) as zero:
        await sandbox.say("ana", "dm:ana", "hello")
        assert (await zero.event("MESSAGE_CREATE"))["content"] == "hello"


async def test_a_session_hears_only_what_its_intents_ask_for(sandbox: DiscordSandbox) -> None:
    async with listening(sandbox, intents=1 << 12) as client:
        await sandbox.say("ana", "general", "not for you")
        await sandbox.say("ana", "dm:ana", "for you")
        assert (await client.receive())["d"]["content"] == "for you", "neither the guild nor its message came"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"token": "wrong"}, 4004),
        ({"shard": [2, 2]}, 4010),
        ({"intents": None}, 4013),
        ({"intents": 1 << 30}, 4013),
        ({"intents": 1 | 1 << 8}, 4014),
        ({"properties": None}, 4002),
    ],
)
async def test_a_bad_identify_is_closed_with_its_code(
    sandbox: DiscordSandbox, changes: dict[str, Any], code: int
) -> None:
    async with wire(sandbox) as client:
        await client.identify(**changes)
        assert await client.close_code() == code


@pytest.mark.parametrize(
    ("message", "code"),
    [("{", 4002), ("[]", 4002), ('{"op": 3, "d": {}}', 4003), ('{"op": 1, "d": "' + "x" * 4096 + '"}', 4002)],
)
async def test_a_broken_or_early_message_is_closed_with_its_code(
    sandbox: DiscordSandbox, message: str, code: int
) -> None:
    async with wire(sandbox) as client:
        await client.socket.send(message)
        assert await client.close_code() == code


async def test_a_second_identify_an_unknown_opcode_and_a_flood_end_the_connection(sandbox: DiscordSandbox) -> None:
    async with listening(sandbox) as client:
        await client.identify()
        assert await client.close_code() == 4005
    async with listening(sandbox) as client:
        await client.send(77, {})
        assert await client.close_code() == 4001
    async with listening(sandbox) as client:
        for _ in range(121):
            await client.send(1, None)
        assert await client.close_code() == 4008


async def test_a_resume_with_a_future_sequence_or_an_unknown_session_is_refused(sandbox: DiscordSandbox) -> None:
    async with wire(sandbox) as client:
        await client.send(6, {"token": sandbox.token, "session_id": "nobody", "seq": 1})
        await client.receive()
        assert await client.receive() == {"op": 9, "d": False}
    async with wire(sandbox) as client:
        await client.identify()
        session_id = (await client.event("READY"))["session_id"]
        await client.socket.close(4000)
    async with wire(sandbox) as client:
        await client.send(6, {"token": sandbox.token, "session_id": session_id, "seq": 99})
        assert await client.close_code() == 4007


async def test_a_session_that_the_client_closed_normally_is_over(sandbox: DiscordSandbox) -> None:
    async with wire(sandbox) as client:
        await client.identify()
        session_id = (await client.event("READY"))["session_id"]
        await client.socket.close(1000)
    async with wire(sandbox) as client:
        await client.send(6, {"token": sandbox.token, "session_id": session_id, "seq": 1})
        await client.receive()
        assert await client.receive() == {"op": 9, "d": False}


async def test_zlib_stream_is_one_stream_with_a_sync_flush_after_each_message(sandbox: DiscordSandbox) -> None:
    async with websockets.connect(f"{sandbox.gateway_url}?v=10&compress=zlib-stream", proxy=None) as socket:
        stream = zlib.decompressobj()
        first = await socket.recv()
        assert isinstance(first, bytes)
        assert first.endswith(b"\x00\x00\xff\xff")
        assert json.loads(stream.decompress(first))["op"] == 10
        await socket.send('{"op": 1, "d": null}')
        second = await socket.recv()
        assert isinstance(second, bytes)
        assert json.loads(stream.decompress(second)) == {"op": 11}


@pytest.mark.parametrize("query", ["v=10&compress=lz4", "v=10&encoding=etf", "v=6"])
async def test_an_unknown_compression_encoding_or_version_is_refused(sandbox: DiscordSandbox, query: str) -> None:
    async with wire(sandbox, query) as client:
        assert await client.close_code() in (4002, 4012)


def test_zstd_stream_is_spoken_exactly_where_python_has_it_and_discord_py_asks_for_it() -> None:
    if sys.version_info < (3, 14):
        with pytest.raises(ValueError, match="zstd-stream"):
            squeezer("zstd-stream")
        return
    zstd = import_module("compression.zstd")
    squeeze = squeezer("zstd-stream")
    assert squeeze is not None
    reader = zstd.ZstdDecompressor()
    assert [reader.decompress(squeeze(text)) for text in (b"one", b"two")] == [b"one", b"two"]


async def test_members_are_sent_in_a_chunk_to_who_may_ask(sandbox: DiscordSandbox) -> None:
    async with listening(sandbox, intents=1 | 1 << 1) as client:
        guild_id = sandbox.world.guilds["guild"].id
        await client.send(8, {"guild_id": guild_id, "query": "", "limit": 0, "nonce": "n"})
        chunk = await client.event("GUILD_MEMBERS_CHUNK")
        assert {m["user"]["username"] for m in chunk["members"]} == {"imagine", "ana", "ben", "chen", "dora"}
        assert chunk["nonce"] == "n"
