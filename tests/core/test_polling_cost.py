"""What a thousand waiting orders cost in questions, counted at the stand-in: docs/architecture.md states the figure."""

import asyncio
import json
from pathlib import Path
from typing import Any

from core.catalogue import Catalogue
from core.engine import Embedded
from core.gateway import Call
from core.gateways import configured
from core.gateways.midjourney_answers import ASK_IN
from core.gateways.midjourney_wire import BATCH, TASKS
from core.masking import Masker
from core.media import open_media
from core.orders import after
from core.settings import Settings
from core.store import SqlStore, open_store
from core.store.database import Database, parsed
from core.testing import ManualClock
from core.tracker import Tracker
from core.types import Operation, Pending, Ticket
from sandbox.gateways import MidjourneySandbox
from tests.core.gateways.calls import row
from tests.core.store.making import rows, submit
from tests.core.world import ScriptedLinks
from tests.waiting import until

ORDERS = 1000
#: Questions about one order, the last of which finishes it.
QUESTIONS = 3
#: So long a task takes that its progress is no news before it is done; after 300 the proxy gives it up.
SECONDS = 50 * ASK_IN


async def test_a_thousand_orders_are_asked_about_twenty_at_a_time(tmp_path: Path) -> None:
    clock, engine, stopping = ManualClock(), Embedded(), asyncio.Event()
    url = f"sqlite+aiosqlite:///{tmp_path}/imagine.db"
    host = MidjourneySandbox(clock=lambda: clock().timestamp(), seconds=SECONDS, concurrent=ORDERS, queue=ORDERS)
    async with host.running():
        secret: Any = host.default_key
        settings = Settings(midjourney_proxy_url=host.base_url, midjourney_proxy_secret=secret)
        gateways = configured(settings, masker=Masker(settings.secrets()))
        gateway = gateways["midjourney_proxy"]
        store, behind_it = await open_store(url), Database(parsed(url))
        call = Call(row("midjourney"), Operation.SHORTEN, "a red fox in the deep white snow")
        tickets = [await gateway.start(call, key="k") for _ in range(ORDERS)]
        await waiting(store, behind_it, [each.ticket.id for each in tickets if isinstance(each, Pending)], clock)
        tracker = Tracker(
            store=store,
            media=open_media(f"file://{tmp_path}/media"),
            catalogue=Catalogue([row("midjourney")], gateways={"midjourney_proxy": ""}),
            gateways=gateways,
            downloader=ScriptedLinks(),
            room={"midjourney_proxy": ORDERS},
            running=ORDERS,
            clock=clock,
            listener=engine.listener(),
            wake=engine.wake,
        )

        async def counted(state: str, due: str = "1") -> int:
            query = f"SELECT count(*) FROM orders WHERE state = '{state}' AND {due}"
            return int((await rows(behind_it, query))[0][0])

        working = asyncio.create_task(tracker.run(stopping, grace=0))
        for asked in range(1, QUESTIONS + 1):
            is_last = asked == QUESTIONS
            clock.advance(SECONDS if is_last else ASK_IN)
            engine.wake()
            next_due = f"due = {round((clock().timestamp() + ASK_IN) * 1_000_000)}"
            state = ("finished", "1") if is_last else ("waiting", next_due)
            await until(lambda: _is(counted(*state), ORDERS), timeout=100)  # noqa: B023 - waited for at once
        stopping.set()
        await working
        await behind_it.close()
        await store.close()
        await gateway.close()
    asked_about = [len(json.loads(received.body)["ids"]) for received in host.requests if received.path == TASKS]
    assert asked_about == [BATCH] * (QUESTIONS * ORDERS // BATCH)


async def _is(count: Any, wanted: int) -> bool:
    return bool(await count == wanted)


async def waiting(store: SqlStore, behind_it: Database, tickets: list[str], clock: ManualClock) -> None:
    """As many orders as ``tickets``, waiting: one by the store's own ways, the others its copies."""
    await submit(store, clock(), gateway="midjourney_proxy")
    [order] = await store.claim(clock(), room={"midjourney_proxy": 1}, running=1)
    first = Pending(Ticket("midjourney_proxy", tickets[0], "midjourney"), ASK_IN, together=True)
    assert await store.apply(order, after(order, first, clock()), clock())
    for table, changed in (
        ("task", {"id": "id || '-' || i", "event": "event || '-' || i"}),
        (
            "orders",
            {"id": "id || '-' || i", "task_id": "task_id || '-' || i", "ticket_id": "j", "state": "'queued'"}
            | {"ticket": "json_set(ticket, '$.id', j)"},
        ),
        ("ledger", {"id": "NULL", "order_id": "order_id || '-' || i"}),
    ):
        names = [name for _, name, *_ in await rows(behind_it, f"PRAGMA table_info({table})")]
        values = ", ".join(changed.get(name, f'"{name}"') for name in names)
        copies = f"(SELECT key AS i, value AS j FROM json_each('{json.dumps(tickets)}') WHERE key > 0)"
        columns = ", ".join(f'"{name}"' for name in names)
        await rows(behind_it, f"INSERT INTO {table} ({columns}) SELECT {values} FROM {table}, {copies}")
    for state in ("starting", "waiting"):
        await rows(behind_it, f"UPDATE orders SET state = '{state}' WHERE id LIKE '%-%'")
