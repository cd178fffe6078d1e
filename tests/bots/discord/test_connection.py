"""The connection: intents, tokens, registering commands, reconnecting, stopping, secrets."""

import asyncio
import logging
from pathlib import Path

import pytest

from bots.discord.front import DiscordFront
from core.errors import ChatBusy, SettingsError
from tests.bots.discord.world import World, a_result, a_world, upload
from tests.waiting import until


async def test_without_the_intent_the_bot_starts_all_the_same_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with a_world(tmp_path, message_content_allowed=False) as world, world.listening():
        text = (await world.told(world.sandbox.command("ana", "general", "help"))).text
        task = await world.imagined()

    assert world.words.say("en", "help.no_message_content")[:40] in text
    assert task.request.prompt == "a red fox"
    assert "Developer Portal" in capsys.readouterr().out


async def test_with_the_intent_help_has_no_such_hint(world: World, front: DiscordFront) -> None:
    text = (await world.told(world.sandbox.command("ana", "general", "help"))).text

    assert world.words.say("en", "help.no_message_content")[:40] not in text


async def test_insisting_on_an_intent_that_is_refused_names_the_setting(tmp_path: Path) -> None:
    async with a_world(tmp_path, message_content_allowed=False) as world:
        front = world.front(message_content="on")
        with pytest.raises(SettingsError, match="DISCORD_MESSAGE_CONTENT"):
            await front.run(asyncio.Event())
        await front.close()


async def test_off_never_asks_for_the_intent(world: World) -> None:
    async with world.listening(message_content="off"):
        (session,) = world.sandbox.gateway.connected
        assert not session.intents & (1 << 15)


async def test_a_wrong_token_names_the_setting_and_not_the_token(world: World) -> None:
    front = world.front(token="wrong.token.altogether")
    with pytest.raises(SettingsError, match="DISCORD_BOT_TOKEN") as caught:
        await front.run(asyncio.Event())
    await front.close()

    assert "wrong.token" not in str(caught.value)


async def test_commands_are_registered_once_and_again_only_when_they_change(world: World) -> None:
    async with world.listening():
        pass
    async with world.listening():
        task = await world.imagined()
    assert len(world.calls("PUT", "/commands")) == 1
    assert task

    await _changed(world)
    async with world.listening():
        pass
    assert len(world.calls("PUT", "/commands")) == 2


async def _changed(world: World) -> None:
    """As another version of the bot would have left them."""
    import httpx

    (call,) = world.calls("PUT", "/commands")
    commands = [{**command, "description": "Something else"} for command in call.body if command.get("type", 1) == 1]
    url = world.sandbox.base_url + call.path
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.put(url, json=commands, headers={"Authorization": f"Bot {world.sandbox.token}"})
    assert answer.status_code == 200
    world.sandbox.calls.remove(next(each for each in world.calls("PUT", "/commands") if each is not call))


async def test_commands_describe_themselves_in_every_language(world: World, front: DiscordFront) -> None:
    (call,) = world.calls("PUT", "/commands")
    for command in call.body:
        if command["name"] == "Edit image":
            assert command["name_localizations"]["zh-CN"] == world.words.say("zh-CN", "menu.edit_image")
            continue
        for each in (command, *command["options"]):
            described = each["description_localizations"]
            assert {"zh-CN", "zh-TW"} == set(described), each["name"]
            assert described["zh-CN"] != each["description"]


async def test_commands_may_be_used_in_servers_private_chats_and_by_people_alone(
    world: World, front: DiscordFront
) -> None:
    (call,) = world.calls("PUT", "/commands")

    assert {command["name"] for command in call.body} == {
        "imagine", "edit", "models", "usage", "queue", "cancel", "help", "Edit image",
    }  # fmt: skip
    for command in call.body:
        assert command["integration_types"] == [0, 1]
        assert command["contexts"] == [0, 1, 2]


async def test_a_failing_registration_does_not_keep_the_bot_from_starting(world: World) -> None:
    async with world.listening():
        pass
    await _changed(world)
    world.sandbox.fail_next("PUT", "/commands$", status=400, code=30034, message="daily creates")
    async with world.listening():
        await world.ordered(world.sandbox.say("ana", "general", "@bot night", files=[upload()]))


@pytest.mark.parametrize("resume", [True, False])
async def test_a_dropped_gateway_is_found_again(world: World, front: DiscordFront, resume: bool) -> None:
    await world.sandbox.drop_gateway(resume=resume)
    await until(lambda: world.sandbox.gateway.connected, timeout=30)
    await world.imagined()


async def test_it_starts_as_soon_as_discord_can_be_reached(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bots.discord.front.RECONNECT", (0.05, 0.1))
    world.sandbox.fail_next("GET", "/users/@me$", status=503, times=2)
    async with world.listening():
        await world.imagined()


async def test_after_the_stop_nothing_new_is_taken_but_results_are_still_posted(world: World) -> None:
    front, stopping = world.front(), asyncio.Event()
    running = asyncio.create_task(front.run(stopping))
    await until(lambda: front.is_listening)
    task = await world.imagined()
    stopping.set()
    await asyncio.wait_for(running, 5)

    assert not world.sandbox.gateway.connected
    assert not front.is_listening
    picture = a_result(task)
    view = await world.finish(task, picture)
    await front.hand_over(task.address, view, [picture], attempt=1)
    assert len(world.pictures()) == 1
    await front.close()
    with pytest.raises(ChatBusy):
        await front.hand_over(task.address, view, [picture], attempt=2)


async def test_a_front_that_never_ran_can_be_closed(world: World) -> None:
    await world.front().close()


@pytest.mark.parametrize("status", [500, 503], ids=["which discord.py tries again by itself", "which it does not"])
async def test_the_stop_is_heard_while_discord_cannot_be_reached(world: World, status: int) -> None:
    front, stopping = world.front(), asyncio.Event()
    world.sandbox.fail_next("GET", "/users/@me$", status=status, times=1000)
    running = asyncio.create_task(front.run(stopping))
    await until(lambda: world.sandbox.calls)
    stopping.set()

    await asyncio.wait_for(running, 3)
    await front.close()


async def test_an_event_that_the_library_cannot_read_does_not_end_the_bot(
    world: World, front: DiscordFront, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bots.discord.front.RECONNECT", (0.05, 0.1))
    (session,) = world.sandbox.gateway.connected
    session.dispatch("INTERACTION_CREATE", {"id": "1"})
    await until(lambda: not front.is_listening)
    await until(lambda: front.is_listening)

    await world.imagined()


async def test_no_secret_is_ever_logged(
    world: World, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.INFO)
    async with world.listening() as front:
        task = await world.imagined()
        address = await front.show(task.address, await world.view(task.id))
        world.sandbox.fail_next("PATCH", "/messages/(@|%40)original$", status=404, code=10015)
        world.sandbox.fail_next("POST", "/messages$", mode="drop_before")
        picture = a_result(task)
        view = await world.finish(task, picture)
        with pytest.raises(ChatBusy) as caught:
            await front.hand_over(address, view, [picture], attempt=1)
        await front.hand_over(address, view, [picture], attempt=2)

    # The stand-in's own server logs the requests it gets.
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith("uvicorn")]
    printed = "\n".join([*ours, *capsys.readouterr(), str(caught.value)])
    assert "discord" in printed
    assert world.sandbox.token not in printed
    assert task.address.data["interaction"]["token"] not in printed
