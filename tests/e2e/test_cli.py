"""The command line as an operator meets it: real processes, exit codes, one sentence for every mistake."""

import asyncio
import itertools
import json
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkstemp

import httpx
import pytest
from PIL import Image

from core.clock import utc_now
from core.links import Links, Publisher
from core.media import open_media
from core.store import open_store
from sandbox.gateways import ApicoreSandbox, ApiyiSandbox
from tests.core.world import png
from tests.e2e.started import CHECKOUT, start
from tests.e2e.town import Town, town


@dataclass
class Ran:
    code: int
    out: str
    err: str


async def imagine(
    folder: Path, *arguments: str, settings: Mapping[str, str] | None = None, within: float = 60.0
) -> Ran:
    """Run ``imagine`` in ``folder`` with nothing in the environment but ``settings``."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(CHECKOUT), **(settings or {})}
    out, err = Path(mkstemp()[1]), Path(mkstemp()[1])
    async with asyncio.timeout(within):
        process = await start(*arguments, folder=folder, environment=environment, out=out, err=err)
        code = await process.wait()
    return Ran(code, out.read_text("utf-8"), err.read_text("utf-8"))


async def test_the_module_is_the_program(tmp_path: Path) -> None:
    """All others are forked from a process that has imported it; this one is started as people do."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bots", "run"),
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(CHECKOUT)},
        stderr=asyncio.subprocess.PIPE,
    )
    said = (await process.communicate())[1].decode()
    assert (process.returncode, "imagine demo" in said) == (1, True), said


async def test_without_any_token_it_refuses_to_run_and_names_the_way(tmp_path: Path) -> None:
    ran = await imagine(tmp_path, "run")
    assert ran.code == 1
    for word in ("TELEGRAM_BOT_TOKEN", "DISCORD_BOT_TOKEN", "imagine demo"):
        assert word in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    "arguments", [["run", "--part", "kitchen"], ["dance"], ["generate"], ["generate", "x", "--count", "many"]]
)
async def test_wrong_usage_is_exit_2(tmp_path: Path, arguments: list[str]) -> None:
    ran = await imagine(tmp_path, *arguments)
    assert (ran.code, "Traceback" in ran.err) == (2, False)


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"DATABASE_URL": "mysql://x"}, "DATABASE_URL"),
        ({"MEDIA_URL": "ftp://x"}, "MEDIA_URL"),
        ({"MODELS_FILE": "nowhere.toml"}, "MODELS_FILE"),
        ({"DEFAULT_LANGUAGE": "tlh"}, "DEFAULT_LANGUAGE"),
        ({"DEFAULT_MODEL": "nobody"}, "DEFAULT_MODEL"),
        ({"APIYI_API_KEY": "k", "APIYI_BASE_URL": "not an address"}, "APIYI_BASE_URL"),
        ({"USER_DAILY_CREDITS": "-1"}, "USER_DAILY_CREDITS"),
    ],
)
async def test_a_wrong_setting_is_one_sentence_that_names_it(
    tmp_path: Path, environment: dict[str, str], named: str
) -> None:
    ran = await imagine(tmp_path, "run", settings={"TELEGRAM_BOT_TOKEN": "1:a", **environment})
    assert ran.code == 1
    assert named in ran.err.splitlines()[-1]
    assert "Traceback" not in ran.err


async def test_a_traceback_is_shown_only_when_asked_for(tmp_path: Path) -> None:
    assert "Traceback" in (await imagine(tmp_path, "--debug", "run")).err


async def test_models_are_a_line_each_with_the_name_first_and_why_not(tmp_path: Path) -> None:
    ran = await imagine(tmp_path, "models", settings={"APIYI_API_KEY": "k"})
    lines = {line.split()[0]: line for line in ran.out.splitlines()}
    assert ran.code == 0
    assert "usable" in lines["flux-2-pro"]
    assert "AIHUBMIX_API_KEY is not set" in lines["hub-seedream-4"]
    rows = json.loads((await imagine(tmp_path, "models", "--json", settings={"APIYI_API_KEY": "k"})).out)
    assert {row["name"] for row in rows} == set(lines)
    assert {row["name"] for row in rows if row["usable"]} == {
        name for name, line in lines.items() if line.endswith("usable")
    }


async def test_the_database_is_made_checked_and_brought_up_to_date(tmp_path: Path) -> None:
    assert (await imagine(tmp_path, "db", "check")).code == 1
    assert (await imagine(tmp_path, "db", "upgrade")).code == 0
    ran = await imagine(tmp_path, "db", "check")
    assert (ran.code, "up to date" in ran.out) == (0, True)


async def test_generate_writes_the_pictures_and_prints_where(tmp_path: Path) -> None:
    async with ApiyiSandbox().running() as apiyi:
        environment = {"APIYI_API_KEY": apiyi.default_key, "APIYI_BASE_URL": apiyi.base_url}
        wish = ["a red fox", "--ratio", "16:9", "--count", "2", "--seed", "5", "--out", "fox"]
        ran = await imagine(tmp_path, "generate", *wish, settings=environment)
        assert ran.code == 0, ran.err
        files = [Path(line) for line in ran.out.splitlines()]
        assert [file.parent for file in files] == [tmp_path / "fox"] * 2
        for file in files:
            with Image.open(file) as picture:
                assert picture.width > picture.height
        assert {order.seed for order in apiyi.orders} == {5, 6}
        change = ["make it night", "--image", str(files[0]), "--model", "flux-kontext-pro"]
        edited = await imagine(tmp_path, "generate", *change, settings=environment)
        assert edited.code == 0, edited.err
        assert len(apiyi.orders[-1].pictures) == 1


async def test_generate_says_why_there_is_no_picture(tmp_path: Path) -> None:
    async with ApiyiSandbox().running() as apiyi:
        environment = {"APIYI_API_KEY": apiyi.default_key, "APIYI_BASE_URL": apiyi.base_url}
        ran = await imagine(tmp_path, "generate", "a fox [fault:moderation_400]", settings=environment)
        assert (ran.code, "content filter" in ran.err) == (1, True)
        wrong = await imagine(tmp_path, "generate", "a fox", "--model", "flux-2-prox", settings=environment)
        assert (wrong.code, "flux-2-pro" in wrong.err) == (1, True)
    without = await imagine(tmp_path, "generate", "a fox")
    assert without.code == 1
    assert "Traceback" not in ran.err + wrong.err + without.err


@pytest.mark.parametrize("options", [["--count", "0"], ["--n 0"], ["--ratio", ""], ["--model", ""]], ids=str)
async def test_generate_refuses_what_the_chats_refuse(tmp_path: Path, options: list[str]) -> None:
    async with ApiyiSandbox().running() as apiyi:
        environment = {"APIYI_API_KEY": apiyi.default_key, "APIYI_BASE_URL": apiyi.base_url}
        words = ["a fox", *options] if len(options) > 1 else [f"a fox {options[0]}"]
        ran = await imagine(tmp_path, "generate", *words, settings=environment)
        last = ran.err.splitlines()[-1]
        assert (ran.code, last.startswith("imagine: "), "Traceback" in ran.err) == (1, True, False), ran.err
        assert apiyi.orders == []


@pytest.mark.parametrize("name", ["nowhere.png", "."])
async def test_an_image_that_is_no_file_is_wrong_usage_and_named(tmp_path: Path, name: str) -> None:
    ran = await imagine(tmp_path, "generate", "a fox", "--image", name, settings={"APIYI_API_KEY": "k"})
    assert (ran.code, f"'{name}'" in ran.err, "--image" in ran.err) == (2, True, True), ran.err


async def test_generate_makes_no_more_at_once_than_a_person_may(tmp_path: Path) -> None:
    async with ApiyiSandbox(seconds=0.5).running() as apiyi:
        environment = {"APIYI_API_KEY": apiyi.default_key, "APIYI_BASE_URL": apiyi.base_url, "USER_RUNNING": "1"}
        ran = await imagine(tmp_path, "generate", "a fox", "--count", "3", settings=environment)
        assert (ran.code, len(ran.out.splitlines())) == (0, 3), ran.err
        started = [order.at for order in apiyi.orders]
        assert all(later - earlier >= 0.5 for earlier, later in itertools.pairwise(started)), started


def doctor_environment(place: Town) -> dict[str, str]:
    return {name: value for name, value in place.bots.environment.items() if name not in ("PATH", "HOME", "PYTHONPATH")}


async def test_doctor_finds_everything_well_and_names_what_is_not_without_a_secret(tmp_path: Path) -> None:
    async with town(tmp_path) as place:
        well = doctor_environment(place)
        ran = await imagine(tmp_path, "doctor", settings=well)
        assert ran.code == 0, ran.out + ran.err
        for what in ("database", "media store", "gateway apiyi", "gateway aihubmix", "telegram", "discord"):
            assert what in ran.out
        wrong = well | {
            "TELEGRAM_BOT_TOKEN": "1:wrong-token-of-telegram",
            "DISCORD_BOT_TOKEN": "wrong.token.of-discord",
            "APIYI_API_KEY": "sk-wrong-key-of-apiyi",
        }
        ran = await imagine(tmp_path, "doctor", settings=wrong)
        assert ran.code == 1
        failed = [line for line in ran.out.splitlines() if line.startswith("FAIL")]
        assert len(failed) == 3, ran.out
        for secret in ("wrong-token-of-telegram", "of-discord", "sk-wrong-key"):
            assert secret not in ran.out + ran.err


async def test_doctor_checks_each_thing_whatever_else_is_down_and_says_why(tmp_path: Path) -> None:
    (tmp_path / "a-file").write_text("in the way")
    async with town(tmp_path) as place:
        down = doctor_environment(place) | {
            "DATABASE_URL": "sqlite+aiosqlite:///a-file/imagine.db",
            "MEDIA_URL": "file://a-file/media",
            "MODELS_FILE": "nowhere.toml",
            "TELEGRAM_API_URL": "http://127.0.0.1:9",
            "DISCORD_API_URL": "http://127.0.0.1:9/api/v10",
            "AIHUBMIX_BASE_URL": "http://127.0.0.1:9",
        }
        ran = await imagine(tmp_path, "doctor", settings=down)
    lines = {line[5:].partition(":")[0]: line for line in ran.out.splitlines()}
    assert (ran.code, "Traceback" in ran.err) == (1, False), ran.err
    assert lines["gateway apiyi"].startswith("ok")
    for what, why in {
        "database": "a-file",
        "media store": "MEDIA_URL",
        "models": "MODELS_FILE",
        "gateway aihubmix": "cannot be reached",
        "telegram": "cannot be reached: httpx.ConnectError",
        "discord": "cannot be reached: Connect call failed",
    }.items():
        assert lines[what].startswith(f"FAIL {what}: "), ran.out
        assert why in lines[what], ran.out
    assert len(lines) == len(ran.out.splitlines()) == 7, ran.out


async def test_doctor_looks_at_discords_permissions_and_prints_names_as_they_are(tmp_path: Path) -> None:
    async with town(tmp_path) as place:
        well = await imagine(tmp_path, "doctor", settings=doctor_environment(place))
        assert well.code == 0, well.out
        for line in ("discord application", "discord intent", "discord permissions"):
            assert f"ok   {line}: " in well.out
        poor = place.discord.add_guild("poor", "[red]Poor[/red] Club")
        poor.roles[poor.bot_role].permissions = 0
        ran = await imagine(tmp_path, "doctor", settings=doctor_environment(place))
        assert ran.code == 1
        (line,) = [line for line in ran.out.splitlines() if line.startswith("FAIL")]
        assert "[red]Poor[/red] Club" in line
        assert "Attach Files" in line


async def test_the_public_address_is_served_and_doctor_says_that_it_leads_to_these_bots(tmp_path: Path) -> None:
    async with town(tmp_path) as place:
        settings = doctor_environment(place)
        await place.started(PUBLIC_URL="https://bots.example.org")
        address = re.search(r"web part .*address=(http://[\d.:]+)", place.bots.said())
        assert address is not None, place.bots.said()
        ran = await imagine(tmp_path, "doctor", settings=settings | {"PUBLIC_URL": f"{address[1]}/"})
        assert "ok   public address: leads to these bots, asked from this machine" in ran.out
        store = await open_store(place.database)
        links = Links(address[1], await store.secret("links"), utc_now)
        await store.close()
        async with httpx.AsyncClient() as http:
            link = await Publisher(links, open_media(f"file://{tmp_path}/data/media")).publish(png("green"))
            assert (await http.get(link)).content == png("green")
            # These gateways do not call back, and nobody else's address is known.
            assert (await http.post(links.hook("apiyi"), content=b"{}")).status_code == 404


async def test_stats_are_told_beside_running_bots_in_the_terminal_and_to_operators_in_the_chat(tmp_path: Path) -> None:
    async with ApicoreSandbox().running() as apicore, town(tmp_path) as place:
        ana, ben = (place.telegram.people[who].id for who in ("ana", "ben"))
        gateway = {"APICORE_API_KEY": apicore.default_key, "APICORE_BASE_URL": apicore.base_url}
        await place.started(**gateway, ADMINS=f"telegram:{ana}")
        await place.telegram.say("ben", "group", "/imagine a red fox")
        await place.telegram_post(lambda post: bool(post.attachments))
        await place.telegram.say("ana", "private:ana", "/admin stats")
        await place.telegram.say("ben", "private:ben", "/admin stats")
        told = await place.telegram_post(lambda post: post.chat == "private:ana")
        refused = await place.telegram_post(lambda post: post.chat == "private:ben")
        settings = doctor_environment(place) | gateway
        ran = await imagine(tmp_path, "stats", settings=settings)
        document = await imagine(tmp_path, "stats", "--json", settings=settings)
    for text in (told.text, ran.out):
        assert "Requests: 1, people: 1" in text, text
        assert "account: takes the key; spent $0.00, $2.00 left" in text, text
    assert f"telegram:{ben}" in refused.text
    assert "Requests" not in refused.text
    assert (ran.code, document.code) == (0, 0), ran.err + document.err
    found = json.loads(document.out)
    assert found["orders"] == {"queued": 0, "starting": 0, "waiting": 0}
    assert (found["today"]["tasks"], found["gateways"]["apiyi"]["finished_today"]) == (1, 1)
    assert found["gateways"]["apicore"]["account"] == {
        "line": "takes the key; spent $0.00, $2.00 left",
        "trouble": None,
    }
    for secret in (apicore.default_key, place.apiyi.default_key):
        assert secret not in told.text + ran.out + ran.err + document.out + document.err


async def test_stats_make_no_database_and_say_so(tmp_path: Path) -> None:
    ran = await imagine(tmp_path, "stats")
    assert (ran.code, "DATABASE_URL" in ran.err, "Traceback" in ran.err) == (1, True, False), ran.err
    assert not (tmp_path / "data" / "imagine.db").exists()


@pytest.mark.parametrize("part", [[], ["--part", "telegram"]], ids=str)
@pytest.mark.parametrize(
    ("name", "value"),
    [("DATABASE_URL", "sqlite+aiosqlite:///a-file/imagine.db"), ("MEDIA_URL", "file://a-file/media")],
)
async def test_a_place_that_cannot_be_made_is_one_sentence_that_names_it(
    tmp_path: Path, name: str, value: str, part: list[str]
) -> None:
    (tmp_path / "a-file").write_text("in the way")
    ran = await imagine(tmp_path, "run", *part, settings={"TELEGRAM_BOT_TOKEN": "1:a", name: value})
    assert ran.code == 1
    assert f"{name}: " in ran.err.splitlines()[-1]
    assert "Traceback" not in ran.err


async def test_settings_that_do_nothing_yet_are_warned_about_once(tmp_path: Path) -> None:
    reserved = {"WEB_PASSWORD": "a-password-of-the-web"}
    async with town(tmp_path) as place:
        await place.started()
        assert "reserved" not in place.bots.said()
        await place.bots.killed()
        await place.started(**reserved)
        (line,) = [line for line in place.bots.said().splitlines() if "reserved" in line]
    for name, value in reserved.items():
        assert (name in line, value in line) == (True, False)


async def test_a_wrong_token_is_one_sentence_naming_the_setting(tmp_path: Path) -> None:
    async with town(tmp_path) as place:
        for name in ("TELEGRAM_BOT_TOKEN", "DISCORD_BOT_TOKEN"):
            ran = await imagine(tmp_path, "run", settings=doctor_environment(place) | {name: "123:wrong.token.here"})
            assert ran.code == 1
            assert name in ran.err.splitlines()[-1]
            assert "Traceback" not in ran.err


async def test_two_workers_on_one_file_are_refused(tmp_path: Path) -> None:
    async with town(tmp_path) as place:
        await place.started()
        ran = await imagine(tmp_path, "run", "--part", "worker", settings=doctor_environment(place))
        assert (ran.code, "DATABASE_URL" in ran.err) == (1, True)
