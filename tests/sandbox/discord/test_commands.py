"""Registering commands: limits of names, options and sets."""

from typing import Any

import pytest

from sandbox.discord import DiscordSandbox
from tests.sandbox.discord.conftest import Raw, problem, refused


def slash(name: str = "imagine", **changes: Any) -> dict[str, Any]:
    return {"name": name, "description": "Make a picture"} | changes


def option(name: str = "prompt", **changes: Any) -> dict[str, Any]:
    return {"type": 3, "name": name, "description": "words"} | changes


def choices(count: int) -> list[dict[str, Any]]:
    return [{"name": str(i), "value": str(i)} for i in range(count)]


@pytest.fixture
def path(sandbox: DiscordSandbox) -> str:
    return f"/applications/{sandbox.application_id}/commands"


@pytest.mark.parametrize(
    ("command", "where"),
    [
        (slash("Imagine"), ("name",)),
        (slash("make it"), ("name",)),
        (slash(""), ("name",)),
        (slash("x" * 33), ("name",)),
        (slash(description="x" * 101), ("description",)),
        (slash(description=""), ("description",)),
        (slash(help="x"), ("help",)),
        (slash(type=9), ("type",)),
        (slash(contexts=[]), ("contexts",)),
        (slash(name_localizations={"xx": "y"}), ("name_localizations", "xx")),
        (slash(name_localizations={"de": "Bild Malen"}), ("name_localizations", "de")),
        (slash(description_localizations={"de": "x" * 101}), ("description_localizations", "de")),
        (slash(options=[option(str(i)) for i in range(26)]), ("options",)),
        (slash(options=[option("Prompt")]), ("options", 0, "name")),
        (slash(options=[option(), option()]), ("options", 1, "name")),
        (slash(options=[option("a"), option("b", required=True)]), ("options", 1)),
        (slash(options=[option(type=99)]), ("options", 0, "type")),
        (slash(options=[option(description="")]), ("options", 0, "description")),
        (slash(options=[option(choices=choices(26))]), ("options", 0, "choices")),
        (slash(options=[option(choices=choices(1) * 2)]), ("options", 0, "choices", 0, "name")),
        (slash(options=[option(choices=choices(1), autocomplete=True)]), ("options", 0, "autocomplete")),
        (slash(options=[option(choices=[{"name": "x", "value": 5}])]), ("options", 0, "choices", 0, "value")),
        (slash(options=[option(min_length=9, max_length=5)]), ("options", 0, "min_length")),
        (slash(options=[option(), {"type": 1, "name": "sub", "description": "d"}]), ("options",)),
        (slash("Edit image", type=3), ("description",)),
        (
            slash(
                options=[
                    option(str(i), choices=[{"name": "n" * 90, "value": f"{j}" * 90} for j in range(9)])
                    for i in range(9)
                ]
            ),
            (),
        ),
    ],
)
async def test_an_unfit_command_is_refused_with_the_place_of_the_fault(
    raw: Raw, path: str, command: dict[str, Any], where: tuple[str | int, ...]
) -> None:
    problem(await raw("PUT", path, [command]), 0, *where)
    assert (await raw("GET", path)).json() == []


async def test_a_whole_command_at_its_limits_is_taken(raw: Raw, path: str) -> None:
    whole = slash(
        "x" * 32,
        description="d" * 100,
        options=[option(f"o{i}", required=i == 0) for i in range(24)] + [option("c", choices=choices(25))],
        name_localizations={"zh-CN": "画图", "de": "malen"},
        description_localizations={"zh-CN": "画一张图"},
        integration_types=[0, 1],
        contexts=[0, 1, 2],
        default_member_permissions="8",
        nsfw=False,
    )
    problem(await raw("PUT", path, [whole]), 0, "default_member_permissions")
    menu = {"name": "Edit image", "type": 3}
    stored = (await raw("PUT", path, [whole | {"default_member_permissions": 8}, menu])).json()
    assert [(c["type"], c["name"]) for c in stored] == [(1, "x" * 32), (3, "Edit image")]
    assert stored[0]["default_member_permissions"] == "8"
    assert stored[1]["description"] == ""


async def test_names_are_unique_by_kind(raw: Raw, path: str) -> None:
    assert problem(await raw("PUT", path, [slash(), slash()]), 1, "name") == "APPLICATION_COMMANDS_DUPLICATE_NAME"
    assert (await raw("PUT", path, [slash("edit"), {"name": "edit", "type": 3}])).status_code == 200


@pytest.mark.parametrize(("kind", "limit"), [(1, 100), (2, 15), (3, 15)])
async def test_each_kind_has_its_number(raw: Raw, path: str, kind: int, limit: int) -> None:
    every = [slash(f"c{i}", type=kind, description="d" if kind == 1 else "") for i in range(limit + 1)]
    refused(await raw("PUT", path, every), 400, 30032)
    assert len((await raw("PUT", path, every[:-1])).json()) == limit
    refused(await raw("POST", path, every[-1]), 400, 30032)


async def test_commands_are_made_replaced_changed_and_deleted_one_by_one(raw: Raw, path: str) -> None:
    made = await raw("POST", path, slash())
    again = await raw("POST", path, slash(description="Another"))
    assert (made.status_code, again.status_code) == (201, 200)
    one = f"{path}/{made.json()['id']}"
    assert again.json()["id"] == made.json()["id"]
    assert (await raw("PATCH", one, {"name": "draw"})).json()["description"] == "Another"
    problem(await raw("PATCH", one, {"name": "Draw"}), 0, "name")
    assert (await raw("GET", one)).json()["name"] == "draw"
    assert (await raw("DELETE", one)).status_code == 204
    refused(await raw("GET", one), 404, 10063)
    refused(await raw("GET", "/applications/5/commands"), 404, 10002)


async def test_a_guild_s_command_comes_before_the_global_one(sandbox: DiscordSandbox, raw: Raw, path: str) -> None:
    guild = sandbox.world.guilds["guild"].id
    await raw("PUT", path, [slash()])
    own = f"/applications/{sandbox.application_id}/guilds/{guild}/commands"
    await raw("PUT", own, [slash(options=[option("words")])])
    await sandbox.command("ana", "general", "imagine", {"words": "x"})
    with pytest.raises(ValueError, match="no option 'words'"):
        await sandbox.command("ana", "dm:ana", "imagine", {"words": "x"})
