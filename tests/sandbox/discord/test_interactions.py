"""The rules of answering an interaction, with answers that discord.py would never send."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from sandbox.chat import Modal, Notice, Post, Upload
from sandbox.discord import DiscordSandbox
from tests.sandbox.discord.conftest import Clock, Raw, png, problem, refused
from tests.sandbox.discord.wire import Wire, listening

TEXT_INPUT = {"type": 18, "label": "Words", "component": {"type": 4, "custom_id": "words", "style": 2}}
FILE_UPLOAD = {
    "type": 18,
    "label": "Picture",
    "description": "Of you",
    "component": {"type": 19, "custom_id": "picture"},
}
FORM = {"custom_id": "f", "title": "Form", "components": [TEXT_INPUT]}


class Desk:
    """A registered /imagine, a listening gateway client, and answers by plain HTTP."""

    def __init__(self, sandbox: DiscordSandbox, raw: Raw, gateway: Wire) -> None:
        self.sandbox = sandbox
        self.raw = raw
        self.gateway = gateway

    async def use(self, who: str = "ana", channel: str = "general", **options: Any) -> dict[str, Any]:
        await self.sandbox.command(who, channel, "imagine", {"prompt": "a cat", **options})
        return await self.gateway.event("INTERACTION_CREATE")

    async def answer(self, interaction: dict[str, Any], body: Any, query: str = "", **more: Any) -> httpx.Response:
        path = f"/interactions/{interaction['id']}/{interaction['token']}/callback{query}"
        return await self.raw("POST", path, body, headers={"Authorization": ""}, **more)

    async def hook(self, method: str, interaction: dict[str, Any], tail: str = "", body: Any = None) -> httpx.Response:
        path = f"/webhooks/{interaction['application_id']}/{interaction['token']}{tail}"
        return await self.raw(method, path, body, headers={"Authorization": ""})


@pytest.fixture
async def desk(sandbox: DiscordSandbox, raw: Raw) -> AsyncIterator[Desk]:
    options = [
        {"type": 3, "name": "prompt", "description": "words", "required": True},
        {"type": 3, "name": "model", "description": "which", "autocomplete": True},
        {"type": 11, "name": "image", "description": "picture"},
    ]
    body = {"name": "imagine", "description": "Make a picture", "options": options, "contexts": [0, 1]}
    made = await raw("POST", f"/applications/{sandbox.application_id}/commands", body)
    assert made.status_code == 201
    async with listening(sandbox) as gateway:
        yield Desk(sandbox, raw, gateway)


def notices(sandbox: DiscordSandbox) -> list[str]:
    return [event.text for event in sandbox.feed.events if isinstance(event, Notice)]


async def test_an_interaction_carries_all_that_discord_sends_with_it(desk: Desk, photo: Upload) -> None:
    got = await desk.use("chen", image=photo)
    assert got["type"] == 2
    assert (got["locale"], got["guild_locale"], got["context"]) == ("zh-CN", "en-US", 0)
    assert (got["attachment_size_limit"], got["entitlements"]) == (10 * 1024 * 1024, [])
    assert got["authorizing_integration_owners"] == {"0": got["guild_id"]}
    assert got["member"]["user"]["id"] == desk.sandbox.people["chen"].id
    assert "user" not in got
    assert got["channel"]["id"] == got["channel_id"]
    assert int(got["app_permissions"]) & 1 << 15
    prompt, image = got["data"]["options"]
    assert prompt == {"name": "prompt", "type": 3, "value": "a cat"}
    picture = got["data"]["resolved"]["attachments"][image["value"]]
    assert (picture["width"], picture["content_type"], picture["ephemeral"]) == (64, "image/png", True)


async def test_in_a_direct_message_the_user_comes_in_place_of_the_member(desk: Desk) -> None:
    got = await desk.use("ben", "dm:ben")
    assert got["user"]["username"] == "ben"
    assert "member" not in got
    assert "guild_id" not in got
    assert got["context"] == 1


async def test_an_answer_after_three_seconds_finds_no_interaction(desk: Desk) -> None:
    assert desk.sandbox.interactions.answer_seconds == 3.0
    desk.sandbox.interactions.answer_seconds = 0.05
    got = await desk.use()
    await desk.sandbox.feed.wait_for(lambda e: isinstance(e, Notice))
    assert notices(desk.sandbox) == ["The application did not respond"]
    refused(await desk.answer(got, {"type": 5}), 404, 10062)


async def test_an_answered_interaction_brings_no_notice_and_takes_no_second_answer(desk: Desk) -> None:
    desk.sandbox.interactions.answer_seconds = 1.5
    got = await desk.use()
    assert (await desk.answer(got, {"type": 5})).status_code == 204
    refused(await desk.answer(got, {"type": 4, "data": {"content": "again"}}), 400, 40060)
    late = await desk.use("ben")  # its time is up after that of the first
    await desk.sandbox.feed.wait_for(lambda e: isinstance(e, Notice) and e.person == "ben")
    assert len(notices(desk.sandbox)) == 1
    refused(await desk.answer(late, {"type": 5}), 404, 10062)


async def test_an_interaction_while_nobody_is_connected_says_so_at_once(desk: Desk) -> None:
    await desk.sandbox.drop_gateway(1000, resume=False)
    await desk.sandbox.command("ana", "general", "imagine", {"prompt": "x"})
    assert notices(desk.sandbox) == ["The application did not respond"]


async def test_an_unknown_token_or_webhook_is_refused(desk: Desk) -> None:
    got = await desk.use()
    refused(await desk.answer(got | {"token": "nothing"}, {"type": 5}), 404, 10062)
    refused(await desk.hook("PATCH", got | {"token": "nothing"}, "/messages/@original", {"content": "x"}), 401, 50027)
    refused(await desk.hook("POST", got | {"application_id": "5"}, "", {"content": "x"}), 404, 10015)


async def test_a_follow_up_before_the_first_answer_finds_no_webhook(desk: Desk) -> None:
    got = await desk.use()
    refused(await desk.hook("POST", got, "", {"content": "x"}), 404, 10015)


async def test_the_token_dies_after_fifteen_minutes(desk: Desk, clock: Clock) -> None:
    got = await desk.use()
    await desk.answer(got, {"type": 5})
    clock.ahead += 14 * 60
    assert (await desk.hook("PATCH", got, "/messages/@original", {"content": "still"})).status_code == 200
    clock.ahead += 61
    refused(await desk.hook("PATCH", got, "/messages/@original", {"content": "late"}), 401, 50027)
    refused(await desk.hook("POST", got, "", {"content": "late"}), 401, 50027)


async def test_a_deferred_answer_carries_only_the_ephemeral_flag(desk: Desk) -> None:
    got = await desk.use()
    words = {"type": 5, "data": {"content": "x"}}
    assert problem(await desk.answer(got, words), "data", "content") == "UNKNOWN_FIELD"
    layout = {"type": 5, "data": {"flags": 1 << 15}}
    assert problem(await desk.answer(got, layout), "data", "flags") == "MESSAGE_FLAGS_INVALID"
    answer = await desk.answer(got, {"type": 5, "data": {"flags": 64}}, "?with_response=true")
    about = answer.json()["interaction"]
    assert (about["response_message_loading"], about["response_message_ephemeral"]) == (True, True)
    post = desk.sandbox.feed.post("general", about["response_message_id"])
    assert (post.thinking, post.only_for, post.via) == (True, "ana", "ana used /imagine")
    refused(await desk.raw("GET", f"/channels/{got['channel_id']}/messages/{post.id}"), 404, 10008)


async def test_a_form_must_be_the_first_answer(desk: Desk) -> None:
    got = await desk.use()
    await desk.answer(got, {"type": 5})
    refused(await desk.answer(got, {"type": 9, "data": FORM}), 400, 40060)


async def test_a_form_cannot_answer_a_form(desk: Desk) -> None:
    assert (await desk.answer(await desk.use(), {"type": 9, "data": FORM})).status_code == 204
    form = await desk.sandbox.feed.wait_for(lambda e: isinstance(e, Modal))
    assert isinstance(form, Modal)
    await desk.sandbox.submit("ana", form.id, {"words": "x"})
    sent = await desk.gateway.event("INTERACTION_CREATE")
    assert sent["data"]["components"][0]["component"]["value"] == "x"
    assert problem(await desk.answer(sent, {"type": 9, "data": FORM}), "type") == "INTERACTION_CALLBACK_TYPE_INVALID"
    assert problem(await desk.answer(sent, {"type": 6}), "type") == "INTERACTION_CALLBACK_TYPE_INVALID"


async def test_a_form_takes_a_file_and_says_in_its_answer_where_it_lies(desk: Desk, photo: Upload) -> None:
    await desk.answer(await desk.use(), {"type": 9, "data": FORM | {"components": [FILE_UPLOAD]}})
    form = await desk.sandbox.feed.wait_for(lambda e: isinstance(e, Modal))
    assert isinstance(form, Modal)
    (field,) = form.fields
    assert (field.id, field.label, field.description, field.style) == ("picture", "Picture", "Of you", "file")
    unfit: Any
    for unfit in ({}, {"picture": [photo, "cat.png"]}, {"picture": [photo, photo]}):
        with pytest.raises(ValueError, match="picture takes"):
            await desk.sandbox.submit("ana", form.id, unfit)
    await desk.sandbox.submit("ana", form.id, {"picture": photo})

    data = (await desk.gateway.event("INTERACTION_CREATE"))["data"]
    (label,) = data["components"]
    ((file_id, file),) = data["resolved"]["attachments"].items()
    assert (label["type"], label["component"]["type"], label["component"]["custom_id"]) == (18, 19, "picture")
    assert label["component"]["values"] == [file_id] == [file["id"]]
    assert (file["filename"], file["content_type"], file["size"]) == ("cat.png", "image/png", len(photo.data))
    assert (await desk.raw.client.get(file["url"])).content == photo.data


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"title": "x" * 46}, ("title",)),
        ({"title": ""}, ("title",)),
        ({"custom_id": "x" * 101}, ("custom_id",)),
        ({"components": []}, ("components",)),
        ({"components": [{"type": 10, "content": "t"}] * 6}, ("components",)),
        ({"components": [TEXT_INPUT, TEXT_INPUT]}, ("components", 1, "component", "custom_id")),
        ({"components": [TEXT_INPUT | {"label": "x" * 46}]}, ("components", 0, "label")),
        ({"components": [{"type": 2, "style": 1, "label": "x"}]}, ("components", 0, "type")),
        ({"components": [FILE_UPLOAD["component"]]}, ("components", 0, "type")),
        ({"components": [FILE_UPLOAD | {"description": "x" * 101}]}, ("components", 0, "description")),
        (
            {"components": [TEXT_INPUT | {"component": {**TEXT_INPUT["component"], "max_length": 4001}}]},  # type: ignore[dict-item]
            ("components", 0, "component", "max_length"),
        ),
    ],
)
async def test_an_unfit_form_is_refused_and_not_shown(
    desk: Desk, change: dict[str, Any], path: tuple[Any, ...]
) -> None:
    got = await desk.use()
    problem(await desk.answer(got, {"type": 9, "data": FORM | change}), "data", *path)
    assert not [event for event in desk.sandbox.feed.events if isinstance(event, Modal)]
    assert (await desk.answer(got, {"type": 5})).status_code == 204, "a refused answer leaves the interaction open"


async def test_autocomplete_takes_at_most_25_choices_and_nothing_else(desk: Desk) -> None:
    typing = asyncio.create_task(desk.sandbox.autocomplete("ana", "general", "imagine", "model", "fl"))
    got = await desk.gateway.event("INTERACTION_CREATE")
    assert got["type"] == 4
    assert got["data"]["options"] == [{"name": "model", "type": 3, "value": "fl", "focused": True}]
    many = [{"name": str(i), "value": str(i)} for i in range(26)]
    problem(await desk.answer(got, {"type": 8, "data": {"choices": many}}), "data", "choices")
    problem(await desk.answer(got, {"type": 4, "data": {"content": "x"}}), "type")
    assert (await desk.answer(got, {"type": 8, "data": {"choices": many[:2]}})).status_code == 204
    assert await typing == [("0", "0"), ("1", "1")]


async def test_files_come_with_an_answer_and_interactions_ping_only_users(desk: Desk) -> None:
    got = await desk.use()
    body = {
        "type": 4,
        "data": {
            "content": f"<@{desk.sandbox.people['ben'].id}> @everyone",
            "attachments": [{"id": 0, "filename": "cat.png", "description": "a cat"}],
        },
    }
    files = {"payload_json": (None, json.dumps(body)), "files[0]": ("x.png", png((5, 5)), "image/png")}
    answer = await desk.answer(got, None, "?with_response=1", files=files)
    message = answer.json()["resource"]["message"]
    assert [(a["filename"], a["description"]) for a in message["attachments"]] == [("cat.png", "a cat")]
    assert message["interaction_metadata"]["name"] == "imagine"
    assert message["mention_everyone"] is False
    assert [names for _, names in desk.sandbox.pings] == [{"ben"}]


async def test_a_pressed_button_can_update_its_message_or_answer_apart(desk: Desk, raw: Raw) -> None:
    row = {"type": 1, "components": [{"type": 2, "style": 1, "label": "Go", "custom_id": "go"}]}
    made = (await raw.post("general", {"content": "x", "components": [row]})).json()
    await desk.sandbox.press("ben", "general", made["id"], "go")
    got = await desk.gateway.event("INTERACTION_CREATE")
    assert got["message"]["id"] == made["id"]
    assert got["data"] == {"custom_id": "go", "component_type": 2, "id": 2}
    body = {"type": 7, "data": {"content": "y", "components": []}}
    update = await desk.answer(got, body, "?with_response=true")
    assert update.json()["resource"]["type"] == 7
    post = desk.sandbox.feed.post("general", made["id"])
    assert (post.text, post.buttons, post.revision) == ("y", (), 1)
    assert (await desk.hook("POST", got, "", {"content": "more", "flags": 64})).status_code == 200
    assert (await desk.hook("PATCH", got, "/messages/@original", {"content": "z"})).status_code == 200
    assert desk.sandbox.feed.post("general", made["id"]).text == "z"
    last = desk.sandbox.feed.posts("general")[-1]
    assert (last.text, last.only_for) == ("more", "ben")


async def test_where_only_the_user_installed_it_five_follow_ups_are_the_end(sandbox: DiscordSandbox, raw: Raw) -> None:
    sandbox.limits.set("POST /webhooks/{webhook_id}/{webhook_token}", 50, 1.0)
    sandbox.add_guild("elsewhere", bot_member=False)
    sandbox.add_channel("foreign", guild="elsewhere")
    command = {"name": "imagine", "description": "x", "integration_types": [0, 1], "contexts": [0, 1, 2]}
    await raw("POST", f"/applications/{sandbox.application_id}/commands", command)
    async with listening(sandbox) as gateway:
        desk = Desk(sandbox, raw, gateway)
        await sandbox.command("ana", "foreign", "imagine")
        got = await gateway.event("INTERACTION_CREATE")
        assert got["authorizing_integration_owners"] == {"1": sandbox.people["ana"].id}
        refused(await raw.post("foreign", {"content": "x"}), 403, 50001)
        await desk.answer(got, {"type": 4, "data": {"content": "first"}})
        for i in range(5):
            assert (await desk.hook("POST", got, "", {"content": str(i)})).status_code == 200
        refused(await desk.hook("POST", got, "", {"content": "6"}), 400, 40094)


async def test_a_subcommand_arrives_nested_as_it_was_registered(desk: Desk, raw: Raw) -> None:
    option = {"type": 6, "name": "who", "description": "d", "required": True}
    inner = {"type": 1, "name": "limit", "description": "d", "options": [option]}
    body = {"name": "admin", "description": "d", "options": [inner]}
    await raw("POST", f"/applications/{desk.sandbox.application_id}/commands", body)
    await desk.sandbox.command("ana", "general", "admin limit", {"who": "ben"})
    got = await desk.gateway.event("INTERACTION_CREATE")
    ben = desk.sandbox.people["ben"].id
    assert got["data"]["options"] == [
        {"name": "limit", "type": 1, "options": [{"name": "who", "type": 6, "value": ben}]}
    ]
    assert got["data"]["resolved"]["members"][ben]["permissions"]
    with pytest.raises(KeyError):
        await desk.sandbox.command("ana", "general", "admin", {})


async def test_commands_for_managers_are_not_offered_to_others(desk: Desk, raw: Raw) -> None:
    body = {"name": "admin", "description": "d", "default_member_permissions": 1 << 5}
    await raw("POST", f"/applications/{desk.sandbox.application_id}/commands", body)
    with pytest.raises(KeyError):
        await desk.sandbox.command("ben", "general", "admin")
    assert await desk.sandbox.command("ana", "general", "admin"), "ana owns the guild"


async def test_an_original_answer_can_be_fetched_and_deleted_once(desk: Desk) -> None:
    got = await desk.use()
    await desk.answer(got, {"type": 4, "data": {"content": "here"}})
    assert (await desk.hook("GET", got, "/messages/@original")).json()["content"] == "here"
    assert (await desk.hook("DELETE", got, "/messages/@original")).status_code == 204
    refused(await desk.hook("GET", got, "/messages/@original"), 404, 10008)
    assert [p for p in desk.sandbox.feed.posts("general") if isinstance(p, Post)] == []


async def test_where_the_bot_cannot_see_the_channel_it_is_told_that_it_may_do_nothing(desk: Desk) -> None:
    desk.sandbox.deny("general", "view_channel")
    got = await desk.use()
    assert got["app_permissions"] == "0"
    assert (await desk.answer(got, {"type": 4, "data": {"content": "here all the same"}})).status_code == 204
