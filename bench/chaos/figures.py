"""The figures: what the store says against what the chats and the gateways have seen."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bench.chaos.asking import People
from bench.chaos.heard import MARKER
from bench.chaos.killing import Kill, Killer
from bench.chaos.place import Place
from bench.chaos.posts import Posted, last_words, leftovers, on_discord, on_telegram
from bench.chaos.rows import OVER, LedgerLine, OrderLine, Rows, TaskLine
from bench.chaos.wishes import Asked
from core.rows import read
from core.settings import PACKAGED_MODELS
from core.types import Operation
from sandbox.gateways import AihuihuaSandbox, ApicoreSandbox, MidjourneySandbox
from sandbox.gateways.midjourney_tasks import Task

#: Steps as buttons call them, by what they are called at the stand-ins.
_STEPS = {"UPSCALE": "U", "VARIATION": "V"}
#: A post may still be accepted so many seconds after its process was killed: the stand-in had read it.
_DYING = 3.0
#: What aihuihua says of a task whose picture nobody gave out.
_UNFETCHED = "could not be fetched"
#: Models whose gateways keep a task: only until its id is known can it be lost.
_KEPT = ("hub-flux-kontext-max", "midjourney", "apicore-midjourney", "hui-flux", "hui-nano-banana")


@dataclass(frozen=True)
class Figure:
    """A number with what it must be at most (None: it only informs), and what it counts, as far as it is off."""

    name: str
    value: int
    most: int | None = None
    cases: Sequence[str] = ()

    @property
    def is_off(self) -> bool:
        return self.most is not None and self.value > self.most


@dataclass
class Evidence:
    """All that is known when everything has ended."""

    place: Place
    people: People
    killer: Killer
    tasks: Sequence[TaskLine]
    orders: Sequence[OrderLine]
    ledger: Sequence[LedgerLine]
    telegram: Posted
    discord: Posted
    by_event: Mapping[str, Asked] = field(init=False)
    orders_of: Mapping[str, list[OrderLine]] = field(init=False)

    def __post_init__(self) -> None:
        self.by_event = {asked.event: asked for asked in self.people.asked if asked.event}
        grouped: defaultdict[str, list[OrderLine]] = defaultdict(list)
        for order in self.orders:
            grouped[order.task_id].append(order)
        self.orders_of = grouped

    def asked(self, task: TaskLine) -> Asked | None:
        return self.by_event.get(task.event)


async def gathered(place: Place, people: People, killer: Killer, rows: Rows) -> Evidence:
    """Everybody's books as they stand."""
    await people.look()
    return Evidence(
        place,
        people,
        killer,
        await rows.tasks(),
        await rows.orders(),
        await rows.ledger(),
        on_telegram(place),
        on_discord(place),
    )


def figures(found: Evidence) -> list[Figure]:
    """In the order in which they are printed."""
    return [
        *_accepted(found),
        *_endings(found),
        *_credits(found),
        *_posts(found),
        *_submits(found),
        *_left_over(found),
    ]


def _accepted(found: Evidence) -> list[Figure]:
    known = {task.event for task in found.tasks}
    lost = [
        f"{asked.marker} {asked.kind} ({asked.chat})"
        for asked in found.people.asked
        if found.people.heard.has_acknowledged(asked.key) and asked.event not in known
    ]
    waiting = [asked for asked in found.people.asked if not asked.given_up and asked.event not in known]
    unfinished = [
        f"{task.id} {_orders_in_words(found.orders_of[task.id])}" for task in found.tasks if task.delivery not in OVER
    ]
    unheard = sum(asked.given_up for asked in found.people.asked)
    return [
        Figure("requests made", len(found.people.asked)),
        Figure("of them never heard (no bot was there), and made anew", unheard),
        Figure("requests accepted (tasks)", len(found.tasks)),
        Figure("orders", len(found.orders)),
        Figure("acknowledged without a task", len(lost), 0, lost),
        Figure("waiting at the platform", len(waiting), 0, [asked.key for asked in waiting]),
        Figure("tasks unfinished", len(unfinished), 0, unfinished),
    ]


def _orders_in_words(orders: Sequence[OrderLine]) -> str:
    return ", ".join(f"{order.model} {order.state}" for order in orders)


def _endings(found: Evidence) -> list[Figure]:
    ended = [task for task in found.tasks if task.delivery in OVER]
    gone = [f"{task.id} {task.event}" for task in ended if task.delivery == "undeliverable"]
    told_of = last_words(found.place)
    silent, missing = [], []
    for task in ended:
        posted = found.telegram if task.front == "telegram" else found.discord
        made = sum(len(order.results) for order in found.orders_of[task.id])
        if posted.numbers(task.id) != set(range(1, made + 1)):
            missing.append(f"{task.id}: {sorted(posted.numbers(task.id))} of {made} posted")
        if not made and task.id not in told_of:
            silent.append(f"{task.id} {task.event}")
    complete = sum(all(order.state == "finished" for order in found.orders_of[task.id]) for task in ended)
    reached = _submits_by_order(found)
    called = Counter[str]()
    unexplained = []
    out = frozenset[str]().union(*(kill.starting for kill in found.killer.kills))
    web_died = any(kill.name in ("bots", "web") for kill in found.killer.kills)
    tasks = {task.id: task for task in found.tasks}
    for order in found.orders:
        if order.state != "failed":
            continue
        asked = found.asked(tasks[order.task_id])
        if asked is not None and asked.kind == "refused":
            called["as the stand-in was told"] += 1
        elif order.id in out and (order.failure or {}).get("kind") == "Interrupted":
            where = "left" if order.model in _KEPT else "sync"
            called[where if reached[order.task_id] else "not left"] += 1
        elif _UNFETCHED in (order.failure or {}).get("detail", "") and web_died:
            called["unfetched"] += 1
        else:
            unexplained.append(f"{order.id} {order.model} {order.failure}")
    cancelled = sum(order.state == "cancelled" for order in found.orders)
    return [
        Figure("tasks that ended with all pictures", complete),
        Figure("tasks with pictures missing in the chat", len(missing), 0, missing),
        Figure("told failures: the stand-in was told to fail", called["as the stand-in was told"]),
        Figure("told failures: a kill while a call was out that keeps nothing", called["sync"]),
        Figure("told failures: a kill while a submit was out, before its task's id was known", called["left"]),
        Figure("told failures: a kill when the call was about to leave", called["not left"]),
        Figure("told failures: the gateway fetches the photo from us, and the web part was dead", called["unfetched"]),
        Figure("told failures without such a reason", len(unexplained), 0, unexplained),
        Figure("orders cancelled", cancelled, 0),
        Figure("failures that nobody was told of", len(silent), 0, silent),
        Figure("undeliverable", len(gone), 0, gone),
    ]


def _credits(found: Evidence) -> list[Figure]:
    lines: defaultdict[str, defaultdict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for line in found.ledger:
        lines[line.order_id][line.kind].append(line.amount)
    models = {model.name: model for model in read(PACKAGED_MODELS)}
    over = {task.id: task.request for task in found.tasks if task.delivery in OVER}
    twice, open_ends, wrong = [], [], []
    for order in found.orders:
        mine = lines[order.id]
        if any(len(mine[kind]) > 1 for kind in ("hold", "settle", "release")) or len(mine["hold"]) != 1:
            twice.append(order.id)
        if order.task_id not in over:
            continue
        kept = -sum(mine["hold"]) - sum(mine["release"])
        if order.state == "finished" and not mine["settle"]:
            open_ends.append(order.id)
        # A fallback costs what the first one does.
        request = over[order.task_id]
        price = models[request["model"]].price(Operation(request["operation"]), order.count)
        is_whole = len(order.results) >= order.count
        if kept != (price if order.state == "finished" else 0) or (order.state == "finished" and not is_whole):
            wrong.append(f"{order.id}: {kept} credits for {len(order.results)} of {order.count} by {order.model}")
    held = -sum(line.amount for line in found.ledger if line.kind == "hold")
    back = sum(line.amount for line in found.ledger if line.kind == "release")
    return [
        Figure("credits held in all", held),
        Figure("credits given back", back),
        Figure("credits settled", held - back),
        Figure("held, settled or released twice", len(twice), 0, twice),
        Figure("neither settled nor released", len(open_ends), 0, open_ends),
        Figure("charged something else than the pictures' price", len(wrong), 0, wrong),
    ]


def _posts(found: Evidence) -> list[Figure]:
    twice = found.telegram.twice()
    windows = _windows(found)
    unexplained = [f"{task}-{number}" for task, number in twice if task not in windows]
    on_discord = [f"{task}-{number}" for task, number in found.discord.twice()]
    return [
        Figure("pictures posted on Telegram", len(found.telegram.shown)),
        Figure("pictures posted on Discord", len(found.discord.shown)),
        Figure("posted twice on Discord", len(on_discord), 0, on_discord),
        Figure("kills between Telegram's yes and our row", sum(windows.values())),
        Figure("posted twice on Telegram", len(twice), None, [f"{task}-{number}" for task, number in twice]),
        Figure("posted twice on Telegram outside that window", len(unexplained), 0, unexplained),
    ]


def _windows(found: Evidence) -> Counter[str]:
    """By task: kills that came after Telegram had accepted one of its pictures, and before that was written down."""
    windows = Counter[str]()
    for kill in found.killer.kills:
        if kill.name not in ("bots", "telegram"):
            continue
        for task in kill.unsaid:
            if any(kill.began <= at <= kill.at + _DYING for at in found.telegram.accepted.get(task, ())):
                windows[task] += 1
    return windows


def _submits_by_order(found: Evidence) -> Counter[str]:
    """Submits that gateways have accepted (and want money for), by the task they belong to."""
    seen: Counter[tuple[str, str]] = Counter()
    for gateway in found.place.gateways.values():
        steps = _steps(gateway)
        for order in gateway.orders:
            marker = MARKER.search(order.prompt)
            if marker is not None:
                seen[marker[0], steps.get(id(order), "")] += 1
    return Counter(
        {task.id: seen[asked.marker, asked.step] for task in found.tasks if (asked := found.asked(task)) is not None}
    )


def _steps(gateway: object) -> dict[int, str]:
    """What each order is a step of: "U1" by the order's identity."""
    tasks: list[Task] = []
    if isinstance(gateway, MidjourneySandbox | AihuihuaSandbox):
        tasks = [*gateway.tasks.values()]
    elif isinstance(gateway, ApicoreSandbox):
        tasks = [*gateway.midjourney.tasks.values()]
    return {
        id(task.order): f"{_STEPS.get(task.action, task.action)}{task.index}"
        for task in tasks
        if task.parent is not None
    }


def _submits(found: Evidence) -> list[Figure]:
    accepted = _submits_by_order(found)
    more = [
        f"{task.id} ({_orders_in_words(found.orders_of[task.id])}): {accepted[task.id]} submits"
        for task in found.tasks
        if accepted[task.id] > len(found.orders_of[task.id])
    ]
    unknown = [task.event for task in found.tasks if found.asked(task) is None]
    made = [
        task.id
        for task in found.tasks
        if accepted[task.id] < sum(order.state == "finished" for order in found.orders_of[task.id])
    ]
    refused = sum(order.attempts - 1 for order in found.orders if order.attempts > 1 and order.state == "finished")
    total = sum(len(gateway.orders) for gateway in found.place.gateways.values())
    return [
        Figure("submits that gateways accepted", total),
        Figure("submits that were certainly not taken, and repeated", refused),
        Figure("orders submitted twice", len(more), 0, more),
        Figure("tasks made without a submit", len(made), 0, made),
        Figure("tasks that nobody asked for", len(unknown), 0, unknown),
    ]


def _left_over(found: Evidence) -> list[Figure]:
    standing = [f"{post.platform} {post.chat}: {post.text[:80]!r}" for post in leftovers(found.place)]
    files = (
        {path.name: path for path in found.place.media.rglob("*") if path.is_file()}
        if found.place.media.exists()
        else {}
    )
    keys = {result["key"]: result["size"] for order in found.orders for result in order.results}
    inputs = {image["key"] for task in found.tasks for image in task.request.get("images") or () if "key" in image}
    gone = [key for key in keys if key not in files or files[key].stat().st_size != keys[key]]
    orphans = [name for name in files if name not in keys and name not in inputs]
    return [
        Figure("status messages left over", len(standing), None, standing),
        Figure("results missing or half in the media store", len(gone), 0, gone),
        Figure("files in the media store that no order has", len(orphans), None, orphans),
        Figure("processes that ended by themselves", len(found.killer.ended_alone), 0, found.killer.ended_alone),
    ]


def kills_in_words(kills: Sequence[Kill]) -> str:
    by_name, by_moment = Counter(kill.name for kill in kills), Counter(kill.moment for kill in kills)
    told = [", ".join(f"{name} {number}" for name, number in sorted(each.items())) for each in (by_name, by_moment)]
    return f"{len(kills)} kills ({told[0]}; moments: {told[1]})"
