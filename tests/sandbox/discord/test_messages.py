"""What a message may be: every refusal of the create and edit routes, by plain HTTP."""

import asyncio
import json
from typing import Any

import pytest

from sandbox.chat import Upload
from sandbox.discord import DiscordSandbox
from tests.sandbox.discord.conftest import Raw, png, problem, refused

MIB = 1024 * 1024


def button(**changes: Any) -> dict[str, Any]:
    return {"type": 2, "style": 1, "label": "Go", "custom_id": "go"} | changes


def row(*components: dict[str, Any]) -> dict[str, Any]:
    return {"type": 1, "components": list(components)}


def select(**changes: Any) -> dict[str, Any]:
    return {"type": 3, "custom_id": "pick", "options": [{"label": "a", "value": "a"}]} | changes


def many(count: int) -> list[dict[str, Any]]:
    return [{"label": str(i), "value": str(i)} for i in range(count)]


V2 = 1 << 15
TEXT = {"type": 10, "content": "hello"}


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"content": "x" * 2001}, ("content",)),
        ({"content": 5}, ("content",)),
        ({"content": "x", "colour": 1}, ("colour",)),
        ({"content": "x", "nonce": "n" * 26}, ("nonce",)),
        ({"content": "x", "flags": 1 << 6}, ("flags",)),
        ({"content": "x", "flags": "4"}, ("flags",)),
        ({"content": "x", "tts": "yes"}, ("tts",)),
        ({"embeds": [{"title": "x" * 257}]}, ("embeds", 0, "title")),
        ({"embeds": [{"description": "x" * 4097}]}, ("embeds", 0, "description")),
        ({"embeds": [{"title": "x"}] * 11}, ("embeds",)),
        ({"embeds": [{"description": "x" * 3001}] * 2}, ("embeds",)),
        ({"embeds": [{"fields": [{"name": "n", "value": "v"}] * 26}]}, ("embeds", 0, "fields")),
        ({"embeds": [{"fields": [{"name": "n", "value": "v" * 1025}]}]}, ("embeds", 0, "fields", 0, "value")),
        ({"embeds": [{"fields": [{"name": "n"}]}]}, ("embeds", 0, "fields", 0, "value")),
        ({"embeds": [{"footer": {"text": "x" * 2049}}]}, ("embeds", 0, "footer", "text")),
        ({"embeds": [{"image": {"url": "cat.png"}}]}, ("embeds", 0, "image", "url")),
        ({"embeds": [{"timestamp": "today"}]}, ("embeds", 0, "timestamp")),
        ({"embeds": [{"titel": "x"}]}, ("embeds", 0, "titel")),
        ({"components": [row(button(custom_id=str(i))) for i in range(6)]}, ("components",)),
        ({"components": [row(*(button(custom_id=str(i)) for i in range(6)))]}, ("components", 0, "components")),
        ({"components": [row(button(), button())]}, ("components", 0, "components", 1, "custom_id")),
        ({"components": [row(button()), row(button())]}, ("components", 1, "components", 0, "custom_id")),
        ({"components": [row(button(custom_id=""))]}, ("components", 0, "components", 0, "custom_id")),
        ({"components": [row(button(custom_id="x" * 101))]}, ("components", 0, "components", 0, "custom_id")),
        ({"components": [row(button(custom_id=None))]}, ("components", 0, "components", 0, "custom_id")),
        ({"components": [row(button(label="x" * 81))]}, ("components", 0, "components", 0, "label")),
        ({"components": [row(button(label=None))]}, ("components", 0, "components", 0)),
        ({"components": [row(button(style=9))]}, ("components", 0, "components", 0, "style")),
        ({"components": [row(button(style=5, custom_id=None))]}, ("components", 0, "components", 0, "url")),
        (
            {"components": [row(button(style=5, url="https://example.org"))]},
            ("components", 0, "components", 0, "custom_id"),
        ),
        ({"components": [row(button(url="https://example.org"))]}, ("components", 0, "components", 0, "url")),
        ({"components": [row(button(), select())]}, ("components", 0, "components")),
        ({"components": [row()]}, ("components", 0, "components")),
        ({"components": [button()]}, ("components", 0, "type")),
        ({"components": [{"type": 99}]}, ("components", 0, "type")),
        ({"components": [row(select(options=many(26)))]}, ("components", 0, "components", 0, "options")),
        ({"components": [row(select(options=[]))]}, ("components", 0, "components", 0, "options")),
        (
            {"components": [row(select(options=many(1) * 2))]},
            ("components", 0, "components", 0, "options", 1, "value"),
        ),
        ({"components": [row(select(max_values=2))]}, ("components", 0, "components", 0, "max_values")),
        ({"components": [TEXT]}, ("components", 0, "type")),
        ({"flags": V2, "content": "x", "components": [TEXT]}, ("content",)),
        ({"flags": V2, "embeds": [{"title": "x"}], "components": [TEXT]}, ("embeds",)),
        ({"flags": V2, "components": [TEXT] * 41}, ("components",)),
        ({"flags": V2, "components": [{"type": 17, "components": [TEXT] * 39}, TEXT]}, ("components",)),
        ({"flags": V2, "components": [TEXT | {"content": "x" * 2001}] * 2}, ("components",)),
        ({"flags": V2, "components": [{"type": 12, "items": []}]}, ("components", 0, "items")),
        (
            {"flags": V2, "components": [{"type": 12, "items": [{"media": {"url": "attachment://no.png"}}]}]},
            ("components", 0, "items", 0, "media", "url"),
        ),
        ({"content": "x", "allowed_mentions": {"parse": ["people"]}}, ("allowed_mentions", "parse", 0)),
        ({"content": "x", "allowed_mentions": {"parse": ["users"], "users": ["5"]}}, ("allowed_mentions",)),
        ({"content": "x", "attachments": [{"id": "5"}]}, ("attachments", 0, "id")),
        ({"content": "x", "message_reference": {"message_id": "5"}}, ("message_reference",)),
        ({"content": "x", "message_reference": {"message_id": "five"}}, ("message_reference", "message_id")),
        ({"content": "x", "message_reference": {"channel_id": "5", "message_id": "5"}}, ("message_reference",)),
    ],
)
async def test_an_unfit_message_is_refused_with_the_place_of_the_fault(
    sandbox: DiscordSandbox, raw: Raw, body: dict[str, Any], path: tuple[str | int, ...]
) -> None:
    problem(await raw.post("general", body), *path)
    assert sandbox.feed.posts("general") == []


@pytest.mark.parametrize(
    "body",
    [
        {"content": "x" * 2000, "nonce": "n" * 25},
        {"embeds": [{"description": "x" * 3000}] * 2},
        {"content": "x", "components": [row(*(button(custom_id=f"{r}{i}") for i in range(5))) for r in range(5)]},
        {"content": "x", "components": [row(button(custom_id="x" * 100, label="x" * 80))]},
        {"content": "x", "components": [row(select(options=many(25), max_values=25))]},
        {"flags": V2, "components": [{"type": 17, "components": [TEXT] * 38}, TEXT]},
        {"content": "x", "message_reference": {"message_id": "5", "fail_if_not_exists": False}},
        {"content": "x", "message_reference": None, "embeds": None, "components": []},
    ],
)
async def test_a_message_at_the_limits_is_taken(sandbox: DiscordSandbox, raw: Raw, body: dict[str, Any]) -> None:
    answer = await raw.post("general", body)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert len(sandbox.feed.posts("general")) == 1


async def test_an_empty_message_is_refused(raw: Raw) -> None:
    refused(await raw.post("general", {}), 400, 50006)
    refused(await raw.post("general", {"content": ""}), 400, 50006)


async def test_a_body_that_is_no_json_or_of_another_kind_is_refused(raw: Raw) -> None:
    headers = {"Content-Type": "application/json"}
    refused(await raw.post("general", content=b"{", headers=headers), 400, 50109)
    refused(await raw.post("general", content=b"a=b", headers={"Content-Type": "text/plain"}), 400, 50035)


async def test_every_problem_of_a_body_is_named_at_once(raw: Raw) -> None:
    answer = await raw.post("general", {"content": 5, "embeds": [{"title": "x" * 257}]})
    assert set(refused(answer, 400, 50035)["errors"]) == {"content", "embeds"}


# Files ---------------------------------------------------------------------------------------------------------


def parts(body: dict[str, Any], *files: tuple[str, bytes]) -> dict[str, Any]:
    named = {f"files[{i}]": (name, data, "application/octet-stream") for i, (name, data) in enumerate(files)}
    return {"payload_json": (None, json.dumps(body)), **named}


async def test_ten_files_are_taken_and_eleven_are_not(sandbox: DiscordSandbox, raw: Raw) -> None:
    files = [(f"{i}.png", png((4, 4))) for i in range(11)]
    refused(await raw.post("general", files=parts({}, *files)), 400, 30015)
    assert (await raw.post("general", files=parts({}, *files[:10]))).status_code == 200
    [post] = sandbox.feed.posts("general")
    assert [a.filename for a in post.attachments] == [f"{i}.png" for i in range(10)]


async def test_three_sends_at_once_with_one_nonce_create_one_message(sandbox: DiscordSandbox, raw: Raw) -> None:
    form = parts({"nonce": "task-2", "enforce_nonce": True}, ("a.png", png((400, 400))))
    sent = await asyncio.gather(*(raw.post("general", files=form) for _ in range(3)))
    assert len({answer.json()["id"] for answer in sent}) == 1
    assert len(sandbox.feed.posts("general")) == 1


async def test_a_file_above_ten_mebibytes_is_too_large(sandbox: DiscordSandbox, raw: Raw) -> None:
    refused(await raw.post("general", files=parts({}, ("a.bin", bytes(10 * MIB + 1)))), 413, 40005)
    assert (await raw.post("general", files=parts({}, ("a.bin", bytes(10 * MIB))))).status_code == 200


async def test_a_boosted_guild_takes_larger_files_and_says_so(sandbox: DiscordSandbox, raw: Raw) -> None:
    sandbox.world.guilds["guild"].tier = 2
    assert (await raw.post("general", files=parts({}, ("a.bin", bytes(11 * MIB))))).status_code == 200


async def test_a_request_above_25_mebibytes_is_refused_whatever_is_in_it(raw: Raw) -> None:
    files = [(f"{i}.bin", bytes(9 * MIB)) for i in range(3)]
    refused(await raw.post("general", files=parts({}, *files)), 413, 40005)


async def test_a_part_of_another_name_is_refused(raw: Raw) -> None:
    problem(await raw.post("general", files={"file": ("a.png", b"x")}), "file")


async def test_an_edit_keeps_only_the_attachments_it_lists(sandbox: DiscordSandbox, raw: Raw) -> None:
    made = (await raw.post("general", files=parts({}, ("a.png", png((4, 4))), ("b.png", png((5, 5)))))).json()
    path = f"/channels/{made['channel_id']}/messages/{made['id']}"
    only_text = await raw("PATCH", path, {"content": "words"})
    assert len(only_text.json()["attachments"]) == 2, "an edit that does not speak of attachments leaves them"
    kept = await raw("PATCH", path, {"attachments": [{"id": made["attachments"][1]["id"]}]})
    assert [a["filename"] for a in kept.json()["attachments"]] == ["b.png"]
    problem(await raw("PATCH", path, {"attachments": [{"id": made["attachments"][0]["id"]}]}), "attachments", 0, "id")
    assert (await raw("PATCH", path, {"attachments": []})).json()["attachments"] == []
    refused(await raw("PATCH", path, {"content": ""}), 400, 50006)


async def test_components_v2_cannot_be_put_on_a_message_that_keeps_its_content(raw: Raw) -> None:
    made = (await raw.post("general", {"content": "x"})).json()
    path = f"/channels/{made['channel_id']}/messages/{made['id']}"
    problem(await raw("PATCH", path, {"flags": V2, "components": [TEXT]}), "flags")
    turned = await raw("PATCH", path, {"flags": V2, "content": None, "components": [TEXT]})
    assert turned.json()["flags"] & V2
    problem(await raw("PATCH", path, {"content": "back"}), "content")


# Places --------------------------------------------------------------------------------------------------------


async def test_what_is_not_there_is_unknown(sandbox: DiscordSandbox, raw: Raw) -> None:
    channel = sandbox.world.channels["general"].id
    refused(await raw("POST", "/channels/5/messages", {"content": "x"}), 404, 10003)
    refused(await raw("PATCH", f"/channels/{channel}/messages/5", {"content": "x"}), 404, 10008)
    refused(await raw("DELETE", f"/channels/{channel}/messages/5"), 404, 10008)
    refused(await raw("GET", "/guilds/5"), 404, 10004)
    refused(await raw("GET", "/users/5"), 404, 10013)
    refused(await raw("GET", "/nowhere"), 404, 0)
    refused(await raw("PUT", f"/channels/{channel}/messages"), 405, 0)
    problem(await raw("GET", "/channels/general"), "channel_id")
    problem(await raw("GET", f"/channels/{channel}/messages?limit=101"), "limit")
    problem(await raw("GET", f"/channels/{channel}/messages?count=5"), "count")
    sandbox.remove_channel("general")
    refused(await raw("POST", f"/channels/{channel}/messages", {"content": "x"}), 404, 10003)


async def test_without_the_token_nothing_goes(sandbox: DiscordSandbox, raw: Raw) -> None:
    for header in ("", sandbox.token, f"Bearer {sandbox.token}", "Bot wrong"):
        answer = await raw("GET", "/users/@me", headers={"Authorization": header})
        assert refused(answer, 401, 0)["message"] == "401: Unauthorized"


@pytest.mark.parametrize(
    ("denied", "body", "files", "expected"),
    [
        (["view_channel"], {"content": "x"}, (), (403, 50001)),
        (["send_messages"], {"content": "x"}, (), (403, 50013)),
        (["attach_files"], {"content": "x"}, [("a.png", b"x")], (403, 50013)),
        (["embed_links"], {"embeds": [{"title": "x"}]}, (), (403, 50013)),
        (["read_message_history"], {"content": "x", "message_reference": {"message_id": "5"}}, (), (400, 160002)),
    ],
)
async def test_a_missing_permission_has_its_own_refusal(
    sandbox: DiscordSandbox,
    raw: Raw,
    denied: list[str],
    body: dict[str, Any],
    files: list[tuple[str, bytes]],
    expected: tuple[int, int],
) -> None:
    sandbox.deny("general", *denied)
    refused(await raw.post("general", files=parts(body, *files)), *expected)
    sandbox.allow("general", *denied)
    body.pop("message_reference", None)
    assert (await raw.post("general", files=parts(body, *files))).status_code == 200


async def test_nobody_edits_another_s_message_and_only_moderators_delete_it(sandbox: DiscordSandbox, raw: Raw) -> None:
    said = await sandbox.say("ana", "general", "mine")
    path = f"/channels/{sandbox.world.channels['general'].id}/messages/{said.id}"
    refused(await raw("PATCH", path, {"content": "yours"}), 403, 50005)
    refused(await raw("DELETE", path), 403, 50013)
    sandbox.allow("general", "manage_messages")
    assert (await raw("DELETE", path)).status_code == 204
    assert sandbox.feed.post("general", said.id).deleted


async def test_an_archived_thread_refuses_edits_and_a_locked_one_also_new_messages(
    sandbox: DiscordSandbox, raw: Raw
) -> None:
    made = (await raw.post("thread", {"content": "x"})).json()
    assert sandbox.feed.post("thread", made["id"]).thread == "thread"
    path = f"/channels/{made['channel_id']}/messages/{made['id']}"
    sandbox.archive("thread")
    refused(await raw("PATCH", path, {"content": "y"}), 400, 50083)
    refused(await raw.post("thread", {"content": "y"}), 400, 50083)
    sandbox.archive("thread", locked=False)
    assert (await raw.post("thread", {"content": "y"})).status_code == 200
    assert (await raw("GET", f"/channels/{made['channel_id']}")).json()["thread_metadata"]["archived"] is False
    sandbox.deny("general", "send_messages_in_threads")
    refused(await raw.post("thread", {"content": "z"}), 403, 50013)


async def test_a_thread_is_made_on_a_message_once_and_takes_messages(sandbox: DiscordSandbox, raw: Raw) -> None:
    made = (await raw.post("general", {"content": "x"})).json()
    path = f"/channels/{made['channel_id']}/messages/{made['id']}/threads"
    thread = await raw("POST", path, {"name": "About x"})
    assert (thread.status_code, thread.json()["id"]) == (201, made["id"])
    refused(await raw("POST", path, {"name": "About x"}), 400, 160004)
    assert (await raw.post("about-x", {"content": "inside"})).status_code == 200
    other = await raw("POST", f"/channels/{made['channel_id']}/threads", {"name": "Other", "type": 11})
    assert other.json()["parent_id"] == made["channel_id"]
    assert (await raw("PUT", f"/channels/{made['id']}/thread-members/@me")).status_code == 204
    sandbox.allow("general", "manage_threads")
    changed = await raw("PATCH", f"/channels/{made['id']}", {"archived": True, "name": "Done"})
    assert (changed.json()["name"], changed.json()["thread_metadata"]["archived"]) == ("Done", True)
    active = (await raw("GET", f"/guilds/{sandbox.world.guilds['guild'].id}/threads/active")).json()["threads"]
    assert {each["name"] for each in active} == {"thread", "Other"}


async def test_history_is_newest_first_and_cut_by_limit_before_after_and_around(
    sandbox: DiscordSandbox, raw: Raw
) -> None:
    ids = [(await sandbox.say("ana", "general", str(i))).id for i in range(5)]
    path = f"/channels/{sandbox.world.channels['general'].id}/messages"

    async def texts(query: str) -> list[str]:
        return [message["content"] for message in (await raw("GET", path + query)).json()]

    assert await texts("") == ["4", "3", "2", "1", "0"]
    assert await texts("?limit=2") == ["4", "3"]
    assert await texts(f"?before={ids[2]}") == ["1", "0"]
    assert await texts(f"?after={ids[1]}&limit=2") == ["3", "2"]
    assert await texts(f"?around={ids[2]}&limit=3") == ["3", "2", "1"]
    sandbox.deny("general", "read_message_history")
    assert await texts("") == []


# Mentions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("allowed", "pinged"),
    [
        (None, {"ana", "ben", "everyone"}),
        ({"parse": []}, set()),
        ({"parse": [], "users": ["1170000000000000002"]}, {"ben"}),
        ({"parse": ["users"]}, {"ben"}),
        ({"parse": ["everyone"]}, {"everyone"}),
        ({"parse": [], "replied_user": True}, {"ana"}),
    ],
)
async def test_only_the_allowed_are_pinged(
    sandbox: DiscordSandbox, raw: Raw, allowed: dict[str, Any] | None, pinged: set[str]
) -> None:
    asked = await sandbox.say("ana", "general", "please")
    body = {"content": "<@1170000000000000002> @everyone", "message_reference": {"message_id": asked.id}}
    made = (await raw.post("general", body | ({} if allowed is None else {"allowed_mentions": allowed}))).json()
    assert sandbox.pings == ([(made["id"], pinged)] if pinged else [])
    assert {user["username"] for user in made["mentions"]} == pinged - {"everyone"}
    assert made["mention_everyone"] is ("everyone" in pinged)


async def test_a_reply_quotes_the_message_and_says_when_it_is_gone(
    sandbox: DiscordSandbox, raw: Raw, photo: Upload
) -> None:
    asked = await sandbox.say("ana", "general", "please", files=[photo])
    body = {"content": "done", "message_reference": {"message_id": int(asked.id)}}
    made = (await raw.post("general", body)).json()
    assert made["referenced_message"]["content"] == "please"
    assert sandbox.feed.post("general", made["id"]).reply_to == asked.id
    await sandbox.delete("ana", "general", asked.id)
    again = (await raw("GET", f"/channels/{made['channel_id']}/messages/{made['id']}")).json()
    assert again["referenced_message"] is None
    assert problem(await raw.post("general", body), "message_reference") == "REPLIES_UNKNOWN_MESSAGE"
