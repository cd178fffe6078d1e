"""What a process tells whoever watches it: figures for Prometheus, and whether it can do its work."""

import asyncio
import contextlib
import re
import socket
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from bots.parts import run
from bots.telegram.polling import POLL_SECONDS
from bots.web.metrics import Metrics, disks
from bots.web.pages import web_app
from bots.web.readiness import Looked, checks_of
from bots.web.serving import serve
from core.clock import utc_now
from core.engine import Embedded
from core.errors import GatewayBusy, GatewayDown, StoreDown
from core.loops import Beat
from core.media import open_media
from core.metrics import Meter
from core.ports import Credits, Depths, Rest
from core.settings import Settings
from core.types import Failed, Finished, OrderState, Outcome, Pending, Ticket
from tests.bots.telegram.world import a_world
from tests.waiting import until

OPERATING = Path(__file__).parents[3] / "docs" / "operating.md"
TICKET = Ticket("apiyi", "77")
NOTHING = Credits(settled=0, held=0, released=0)


def a_depth(**changes: Any) -> Depths:
    empty: dict[str, Any] = {"orders": {}, "to_post": {}, "to_fetch": {}, "oldest": {}, "day": NOTHING, "rests": {}}
    return Depths(**(empty | changes))


async def figures(metrics: Metrics) -> dict[str, float]:
    return read(await metrics.text())


def read(text: bytes) -> dict[str, float]:
    """Values by name and labels, such as ``imagine_orders{gateway=apiyi,state=queued}``."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text.decode()):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


def test_the_table_for_operators_names_every_metric_with_its_labels_and_no_other() -> None:
    metrics = Metrics()
    told = {}
    for line in OPERATING.read_text("utf-8").splitlines():
        row = re.match(r"\| `(imagine_\w+)` \*? ?\| (.*?) ?\| ", line)
        if row:
            told[row[1]] = set(re.findall(r"`(\w+)`", row[2]))
    mine = [collector for collector in vars(metrics).values() if hasattr(collector, "_labelnames")]
    labels = {collector._name: set(collector._labelnames) for collector in mine}
    there = {}
    for family in metrics.registry.collect():
        if family.name.startswith("imagine_"):
            name = f"{family.name}_total" if family.type == "counter" else family.name
            there[name] = labels[family.name] if family.name in labels else set(getattr(family, "_labelnames", ()))
    assert len(there) > 12
    assert told == there


async def test_what_gateways_answer_is_counted_and_timed() -> None:
    metrics = Metrics()

    async def answered(outcome: Outcome) -> Outcome:
        return outcome

    async def told(outcome: Outcome) -> dict[Ticket, Outcome]:
        return {TICKET: outcome}

    async def refused() -> dict[Ticket, Outcome]:
        raise GatewayDown

    for outcome in (Finished(()), Pending(TICKET, 1.0), Failed(GatewayBusy()), Failed(GatewayBusy())):
        assert await metrics.call("apiyi", answered(outcome)) is outcome
    assert await metrics.question("apiyi", told(Pending(TICKET, 1.0))) == {TICKET: Pending(TICKET, 1.0)}
    await metrics.question("apiyi", told(Failed(GatewayBusy())))
    with pytest.raises(GatewayDown):
        await metrics.question("apiyi", refused())
    metrics.delivery("telegram", "posted")
    metrics.limited("discord")
    found = await figures(metrics)
    assert found["imagine_gateway_calls_total{gateway=apiyi,outcome=finished}"] == 1
    assert found["imagine_gateway_calls_total{gateway=apiyi,outcome=pending}"] == 1
    assert found["imagine_gateway_calls_total{gateway=apiyi,outcome=GatewayBusy}"] == 2
    assert found["imagine_gateway_call_seconds_count{gateway=apiyi}"] == 4
    assert found["imagine_gateway_questions_total{gateway=apiyi,outcome=answered}"] == 1
    assert found["imagine_gateway_questions_total{gateway=apiyi,outcome=GatewayBusy}"] == 1
    assert found["imagine_gateway_questions_total{gateway=apiyi,outcome=GatewayDown}"] == 1
    assert found["imagine_deliveries_total{front=telegram,outcome=posted}"] == 1
    assert found["imagine_rate_limited_total{by=discord}"] == 1
    assert isinstance(metrics, Meter)


async def test_what_the_database_knows_is_told_while_it_answers_and_left_out_while_it_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bots.web.metrics.EVERY", 0.0)
    metrics, is_down = Metrics(), False
    depth = a_depth(
        orders={(OrderState.QUEUED, "apiyi"): 3},
        to_post={"telegram": 2},
        oldest={"queued": utc_now() - timedelta(seconds=90), "outbox": utc_now() + timedelta(seconds=90)},
        day=Credits(settled=5, held=2, released=1),
        rests={"apiyi": Rest(utc_now(), "GatewayDown")},
    )

    async def depths() -> Depths:
        if is_down:
            raise StoreDown("gone")
        return depth

    metrics.watch(depths, {}, disks(database_url=f"sqlite+aiosqlite:///{tmp_path}", media_url=f"file://{tmp_path}"))
    found = await figures(metrics)
    assert found["imagine_database_up"] == 1
    assert found["imagine_orders{gateway=apiyi,state=queued}"] == 3
    assert found["imagine_tasks_to_post{front=telegram}"] == 2
    assert found["imagine_oldest_due_seconds{kind=queued}"] == pytest.approx(90, abs=5)
    assert found["imagine_oldest_due_seconds{kind=outbox}"] == 0
    assert [found[f"imagine_credits_today{{state={state}}}"] for state in ("settled", "held", "released")] == [5, 2, 1]
    assert found["imagine_gateway_resting{gateway=apiyi}"] == 1
    assert found["imagine_disk_free_bytes{of=media}"] > 0
    assert found["imagine_disk_free_bytes{of=database}"] > 0
    is_down = True
    found = await figures(metrics)
    assert found["imagine_database_up"] == 0
    assert not any(name.startswith("imagine_orders") for name in found)


async def test_an_event_loop_that_is_held_up_shows_in_its_lag() -> None:
    metrics = Metrics()
    async with metrics.timing():
        await asyncio.sleep(0)
        time.sleep(0.8)  # noqa: ASYNC251  # this is what must not happen
        await until(lambda: metrics.registry.get_sample_value("imagine_event_loop_lag_seconds_count"))
    found = await figures(metrics)
    assert found["imagine_event_loop_lag_seconds_bucket{le=0.25}"] == 0
    assert found["imagine_event_loop_lag_seconds_bucket{le=2.5}"] == 1


async def test_a_check_that_hangs_is_told_as_failed_and_made_once_for_all_who_ask() -> None:
    hangs, made = asyncio.Event(), 0

    async def check() -> str:
        nonlocal made
        made += 1
        await hangs.wait()
        return ""

    looked = Looked(check, every=60, within=0.05)
    assert set(await asyncio.gather(looked(), looked(), looked())) == {"no answer within 0.05 s"}
    hangs.set()

    async def is_fine() -> bool:
        return await looked() == ""

    await until(is_fine)
    assert made == 1


class Chat:
    is_listening = True


async def test_a_process_is_ready_when_its_stores_its_chats_and_its_loops_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bots.web.readiness.MEDIA_EVERY", 0.0)
    chat, media = Chat(), open_media(f"file://{tmp_path}/media")
    beat = Beat("tracker", Embedded().listener(), utc_now)

    async def fine() -> str:
        return ""

    checks = checks_of(database=fine, media=media, fronts={"telegram": chat}, beats={"tracker": beat})
    async with serve(web_app(checks)) as base, httpx.AsyncClient(base_url=base) as http:
        answer = await http.get("/readyz")
        assert (answer.status_code, answer.json()["checks"]) == (200, dict.fromkeys(checks, "ok"))
        chat.is_listening = False
        monkeypatch.setattr("bots.web.readiness.SILENCE", 0.0)
        (tmp_path / "media").rename(tmp_path / "gone")
        (tmp_path / "media").write_text("no folder")
        answer = await http.get("/readyz")
        assert answer.status_code == 503
        wrong = answer.json()["checks"]
        assert wrong["database"] == "ok"
        assert wrong["telegram"] == "not connected"
        assert wrong["media"].startswith("media store: ")
        assert wrong["tracker"].startswith("no round went well for ")
        assert (await http.get("/healthz")).status_code == 200


async def test_a_telegram_that_no_longer_answers_is_not_listened_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_world(tmp_path) as world:
        assert not world.front().is_listening
        async with world.listening() as front:
            await until(lambda: front.is_listening)
            # As if nothing had been heard for that long.
            monkeypatch.setattr("bots.telegram.polling.SLACK", -POLL_SECONDS)
            assert not front.is_listening


@contextlib.asynccontextmanager
async def a_worker(folder: Path, **more: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A process with a worker alone, and whoever watches it."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    settings = Settings(
        database_url=f"sqlite+aiosqlite:///{folder}/imagine.db",
        media_url=f"file://{folder}/media",
        apiyi_api_key=SecretStr("sk-a-key-of-apiyi"),
        metrics_listen=f"127.0.0.1:{port}",
        **more,
    )
    stopping = asyncio.Event()
    running = asyncio.create_task(run(settings, ("worker",), stopping))
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
            await until(lambda: running.done() or answers(http))
            yield http
    finally:
        stopping.set()
        await running


async def answers(http: httpx.AsyncClient) -> bool:
    try:
        return (await http.get("/healthz")).status_code == 200
    except httpx.HTTPError:
        return False


async def test_a_process_without_the_web_part_is_watched_at_an_address_of_its_own(tmp_path: Path) -> None:
    async with a_worker(tmp_path, public_url="https://bots.example.org") as http:
        ready = (await http.get("/readyz")).json()
        assert ready == {"status": "ok", "checks": {"database": "ok", "media": "ok", "tracker": "ok"}}
        answer = await http.get("/metrics")
        assert answer.headers["content-type"].startswith("text/plain; version=")
        found = read(answer.content)
        assert found["imagine_database_up"] == 1
        assert found["imagine_ready{check=tracker}"] == 1
        assert found["process_resident_memory_bytes"] > 1e6
        assert "sk-a-key-of-apiyi" not in answer.text
        # What gateways may reach is elsewhere.
        assert (await http.post("/callbacks/apiyi/secret")).status_code == 404
