"""Whatever a gateway answers, every reader of it ends, with a value or with one of the errors that it names."""

import asyncio
import contextlib
import inspect
import json
import time
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from core import refusals
from core.download import Downloader
from core.errors import CallbackRefused, GatewayError
from core.gateway import Acts, Asks, Hears, Seeds
from core.gateways import (
    aihubmix,
    aihuihua_buttons,
    aihuihua_codes,
    aihuihua_tasks,
    answers,
    flux,
    midjourney_answers,
    midjourney_buttons,
    midjourney_texts,
    new_api,
    signatures,
)
from core.refusals import Said
from core.types import Failed, Finished, Follow, InlinePicture, Offer, Operation, Pending, RemotePicture, Ticket
from tests.core.gateways.calls import a_call, row
from tests.core.gateways.failures import WAYS, Way
from tests.core.gateways.host import Host, hosting
from tests.core.gateways.mutations import OURS, Mutated, body_of, mutated

TICKET = Ticket("any", "17", "m")
#: Processor seconds that one reader may take for one answer.
QUICK = 1.0
#: Answers are small, and all readers are tried with each: the first that fails is as good as the smallest.
UNSHRUNK = [Phase.explicit, Phase.reuse, Phase.generate]
#: As deep as Python's parser reads from a thread of its own, and deeper than anything else there works.
LEVELS = 960


def as_object(answer: Any) -> Mapping[str, Any]:
    objects = [answer, *as_list(answer)]
    return next((each for each in objects if isinstance(each, dict)), {})


def as_list(answer: Any) -> list[Any]:
    return answer if isinstance(answer, list) else []


def texts_in(answer: Any) -> Iterator[str]:
    """Every text in it, and one for what is none."""
    if isinstance(answer, str):
        yield answer
    elif isinstance(answer, (dict, list)):
        for inner in answer.values() if isinstance(answer, dict) else answer[:20]:
            yield from texts_in(inner)
    else:
        yield str(answer)


def is_outcome(outcome: object) -> None:
    """One that the tracker can do something with."""
    match outcome:
        case Pending(ask_in=ask_in, progress=progress):
            assert ask_in > 0
            assert progress is None or 0 <= progress <= 1
        case Finished(pictures=pictures, texts=texts, offers=offers, seed=seed):
            assert pictures or texts
            assert seed is None or 0 <= seed < 2**63
            assert all(isinstance(text, str) and text for text in texts)
            for made in pictures:
                assert isinstance(made, InlinePicture) or made.url.startswith(("http://", "https://"))
            are_offers(offers)
        case Failed(error=error):
            assert isinstance(error, GatewayError)
            assert isinstance(error.detail, str)
        case _:
            raise AssertionError(f"{outcome!r:.200} is no outcome")


def are_offers(offers: tuple[Offer, ...]) -> None:
    assert len({offer.token for offer in offers}) == len(offers)
    for offer in offers:
        assert isinstance(offer.operation, Operation)
        assert offer.token
        assert offer.index in (None, 0, 1, 2, 3)


def is_id(found: object) -> None:
    """A text that can go into a request again."""
    assert found is None or (isinstance(found, str) and found and found.encode())


def is_share(found: float | None) -> None:
    assert found is None or 0 <= found <= 1


def finished(answer: Any) -> None:
    is_outcome(asyncio.run(answers.finished(as_object(answer), raw="raw")))


def aihuihua_outcome(answer: Any) -> None:
    for kind in aihuihua_tasks.Kind:
        ticket = Ticket("aihuihua", aihuihua_tasks.ticket_id("17", kind), "m")
        found = aihuihua_tasks.outcome(as_object(answer), ticket, ask_in=60.0, raw="raw", ours=OURS)
        is_outcome(found)
        if isinstance(found, Finished):
            assert bool(found.pictures) is not bool(found.texts)
            assert not any(made.url.startswith(OURS) for made in found.pictures if isinstance(made, RemotePicture))


def aihuihua_heard(answer: Any) -> None:
    for found in aihuihua_tasks.heard(body_of(answer)):
        is_id(found)


def midjourney_heard(answer: Any) -> None:
    [found] = midjourney_answers.heard(body_of(answer))
    is_id(found)


def each_text(read: Callable[[str], object]) -> Callable[[Any], None]:
    def reader(answer: Any) -> None:
        for text in list(texts_in(answer))[:10]:
            read(text)

    return reader


def each_value(read: Callable[[object], object]) -> Callable[[Any], None]:
    def reader(answer: Any) -> None:
        for value in [answer, *as_object(answer).values(), *as_list(answer)[:20]]:
            read(value)

    return reader


def change_of(text: str) -> None:
    """Of a button's name; what begins like one of our own is ours."""
    if not text.startswith(midjourney_buttons.CHANGE):
        assert midjourney_buttons.change_of(text) is None


def read_again(answer: Any) -> None:
    with contextlib.suppress(ValueError):
        assert json.dumps(refusals.parsed_json(body_of(answer)))


def refusal(answer: Any) -> None:
    for status in (200, 302, 400, 401, 403, 404, 418, 429, 451, 500, 503):
        error = refusals.refusal(status, {"retry-after": str(answer)[:99]}, body_of(answer), detail="raw")
        assert (error is None) is (status == 200)
        assert error is None or isinstance(error, GatewayError)


def header(text: str) -> dict[str, str]:
    """As headers arrive: bytes, read as Latin-1."""
    return {name: text.encode("utf-8", "replace").decode("latin-1") for name in ("x-signature", "retry-after")}


def retry_after(text: str) -> None:
    seconds = refusals.retry_after(header(text))
    assert seconds is None or seconds >= 0


def is_line(line: str | None) -> None:
    assert line is None or line.startswith("takes the key; spent ")


def offers_of(value: object) -> None:
    found = midjourney_buttons.offers_of(value)
    are_offers(found)
    assert all(offer.label for offer in found)


def hub_task(answer: Any) -> None:
    """It becomes part of a path."""
    found = aihubmix.task_id(as_object(answer))
    is_id(found)
    assert "/" not in (found or "")


#: Every reader by its module and name, with an answer of any kind given to it in the kind that it takes.
READERS: Mapping[str, Callable[[Any], object]] = {
    "answers.text_of": each_value(answers.text_of),
    "answers.finished": finished,
    "answers.has_picture": each_value(answers.has_picture),
    "answers.whole": each_value(answers.whole),
    "flux.progress": each_value(lambda value: is_share(flux.progress(value))),
    "flux.task_outcome": lambda answer: is_outcome(flux.task_outcome(as_object(answer), TICKET, age=9.0, raw="raw")),
    "aihubmix.task_id": hub_task,
    "new_api.token_line": lambda answer: is_line(new_api.token_line(as_object(answer))),
    "new_api.billing_line": lambda answer: is_line(new_api.billing_line(as_object(answer), as_object(answer))),
    "midjourney_answers.task_id": each_value(lambda value: is_id(midjourney_answers.task_id(value))),
    "midjourney_answers.accepted": lambda answer: is_id(midjourney_answers.accepted(as_object(answer), raw="raw")),
    "midjourney_answers.opens_window": lambda answer: midjourney_answers.opens_window(as_object(answer)),
    "midjourney_answers.window_prompt": lambda answer: midjourney_answers.window_prompt(as_object(answer)),
    "midjourney_answers.task_outcome": lambda answer: is_outcome(
        midjourney_answers.task_outcome(as_object(answer), TICKET)
    ),
    "midjourney_answers.progress": each_value(lambda value: is_share(midjourney_answers.progress(value))),
    "midjourney_answers.seed_in": each_value(midjourney_answers.seed_in),
    "midjourney_answers.listed": lambda answer: midjourney_answers.listed(answer, raw="raw"),
    "midjourney_answers.heard": midjourney_heard,
    "midjourney_buttons.offers_of": each_value(offers_of),
    "midjourney_buttons.has_buttons": each_value(midjourney_buttons.has_buttons),
    "midjourney_buttons.change_of": each_text(change_of),
    "midjourney_texts.texts_of": lambda answer: midjourney_texts.texts_of(as_object(answer), described=True),
    "midjourney_texts.split": each_text(midjourney_texts.split),
    "aihuihua_codes.plain": lambda answer: aihuihua_codes.plain(as_object(answer)),
    "aihuihua_codes.accepted": lambda answer: is_id(aihuihua_codes.accepted(as_object(answer), raw="raw")),
    "aihuihua_codes.refused": lambda answer: aihuihua_codes.refused(9, aihuihua_codes.plain(as_object(answer)), "raw"),
    "aihuihua_codes.failure": lambda answer: aihuihua_codes.failure(aihuihua_codes.plain(as_object(answer)), "raw"),
    "aihuihua_codes.code_of": each_value(aihuihua_codes.code_of),
    "aihuihua_codes.id_of": each_value(lambda value: is_id(aihuihua_codes.id_of(value))),
    "aihuihua_tasks.task_of": each_text(aihuihua_tasks.task_of),
    "aihuihua_tasks.listed": lambda answer: aihuihua_tasks.listed(answer, raw="raw"),
    "aihuihua_tasks.heard": aihuihua_heard,
    "aihuihua_tasks.named": lambda answer: is_id(aihuihua_tasks.named(as_object(answer))),
    "aihuihua_tasks.outcome": aihuihua_outcome,
    "aihuihua_tasks.progress": each_value(lambda value: is_share(aihuihua_tasks.progress(value))),
    "aihuihua_buttons.offers": each_value(
        lambda value: are_offers(aihuihua_buttons.offers(value, grid=True, region=True))
    ),
    "aihuihua_buttons.below_a_grid": each_value(aihuihua_buttons.below_a_grid),
    "signatures.signatures": each_text(lambda text: signatures.signatures(header(text))),
    "signatures.signed": each_text(lambda text: signatures.signed(header(text), b"", "secret")),
    "refusals.parsed_json": read_again,
    "refusals.said": lambda answer: refusals.said(body_of(answer)),
    "refusals.said_in": lambda answer: refusals.said_in(as_object(answer)),
    "refusals.is_moderation": each_text(lambda text: refusals.is_moderation(Said(text[:99], text.lower()))),
    "refusals.is_balance": each_text(lambda text: refusals.is_balance(Said(text[:99], text.lower()))),
    "refusals.refusal": refusal,
    "refusals.retry_after": each_text(retry_after),
}
MODULES: tuple[ModuleType, ...] = (
    *(answers, flux, aihubmix, new_api, signatures, refusals),
    *(midjourney_answers, midjourney_buttons, midjourney_texts),
    *(aihuihua_buttons, aihuihua_codes, aihuihua_tasks),
)
#: Functions there that read nothing that comes from a gateway, or read it over a socket (below: ``check``).
NO_READERS = {
    "flux.tolerance",
    "flux.lost",
    "midjourney_buttons.is_below_a_grid",
    "midjourney_buttons.changes",
    "aihuihua_tasks.ticket_id",
    "new_api.account",
}


def test_every_reader_of_every_gateway_is_fuzzed() -> None:
    found = {
        f"{module.__name__.rpartition('.')[2]}.{name}"
        for module in MODULES
        for name, _ in inspect.getmembers(module, inspect.isfunction)
        if not name.startswith("_") and inspect.getmodule(getattr(module, name)) is module
    }
    assert found == READERS.keys() | NO_READERS
    assert not READERS.keys() & NO_READERS


@settings(max_examples=60, deadline=None, phases=UNSHRUNK, suppress_health_check=list(HealthCheck))
@given(mutated())
def test_a_mutated_answer_is_a_value_or_an_error_of_ours_and_soon(mutation: Mutated) -> None:
    for name, reader in READERS.items():
        before = time.process_time()
        try:
            with contextlib.suppress(GatewayError, CallbackRefused):
                reader(mutation.answer)
        except BaseException:
            note(name)
            raise
        assert time.process_time() - before < QUICK, name


@given(st.binary(max_size=200))
def test_a_body_of_any_bytes_is_a_value_or_an_error_of_ours(body: bytes) -> None:
    refusals.said(body)
    assert isinstance(aihuihua_tasks.heard(body), list)
    with contextlib.suppress(CallbackRefused):
        midjourney_answers.heard(body)


# -- over a socket --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as running:
        yield running


@pytest.fixture(scope="module")
def host(runner: asyncio.Runner) -> Iterator[Host]:
    hosted = hosting(hook="https://bots.example/callbacks/x")
    yield runner.run(hosted.__aenter__())
    runner.run(hosted.__aexit__(None, None, None))


async def tried(host: Host, name: str) -> None:
    """Everything that can be asked of this row's gateway."""
    gateway = host.gateways[row(name).gateway]
    ticket = Ticket(gateway.name, "17@1" if WAYS[name] is Way.TASK else "17", name)
    with contextlib.suppress(GatewayError):
        is_outcome(await gateway.start(a_call(name), key="k"))
    with contextlib.suppress(GatewayError):
        assert await gateway.check()  # type: ignore[attr-defined]  # every gateway has it, for the doctor
    if isinstance(gateway, Asks):
        for outcome in (await gateway.ask([ticket])).values():
            is_outcome(outcome)
    if isinstance(gateway, Acts):
        step = a_call("midjourney", Operation.IMAGINE, images=(), ratio=None)
        with contextlib.suppress(GatewayError):
            is_outcome(await gateway.act(Follow(ticket, "MJ::JOB::reroll::0::x", "🔄"), step, key="k"))
    if isinstance(gateway, Seeds):
        with contextlib.suppress(GatewayError):
            assert (await gateway.seed(ticket) or 0) >= 0
    if isinstance(gateway, Hears):
        with contextlib.suppress(CallbackRefused):
            assert all(isinstance(found, str) for found in gateway.hear({}, bytes(host.answer.body)))


@settings(max_examples=30, deadline=None, phases=UNSHRUNK, suppress_health_check=list(HealthCheck))
@given(mutation=mutated(), status=st.sampled_from([200] * 6 + [201, 400, 401, 403, 429, 500, 503]), data=st.data())
def test_whatever_a_host_answers_its_gateway_says_an_outcome_or_an_error_of_ours(
    mutation: Mutated, status: int, data: st.DataObject, runner: asyncio.Runner, host: Host
) -> None:
    host.says(body_of(mutation.answer).decode(), status=status)
    before = time.process_time()
    runner.run(tried(host, data.draw(st.sampled_from(sorted(WAYS)))))
    assert time.process_time() - before < QUICK * 5


def a_task(**fields: Any) -> str:
    return json.dumps([{"id": "17", "status": "SUCCESS", "imageUrl": "http://x.example/", **fields}])


def nested(around: str = '"NESTED"', *, opening: str = "[", closing: str = "]") -> str:
    """This JSON with something deep in it; written by hand, since Python's writer does not reach that far down."""
    return around.replace('"NESTED"', opening * LEVELS + "1" + closing * LEVELS)


def a_window(task: str, words: str) -> str:
    return json.dumps({"code": 21, "result": task, "properties": {"remix": True, "finalPrompt": words}})


ODD_BODIES = {
    "nested lists": nested(),
    "nested objects": nested(opening='{"data":', closing="}"),
    "a nested error": nested('{"error": {"message": "NESTED"}}'),
    "a nested failure": nested(a_task(status="FAILURE", failReason="NESTED")),
    "a nested result": nested(a_task(further="NESTED")),
    "nested beyond reading": "[" * 100_000,
    "a number beyond reading": f'{{"code": {"9" * 10_000}}}',
    "a failure of digits": a_task(status="FAILURE", failReason="9" * 1_000_000),
    "a result of digits": a_task(further="9" * 1_000_000),
    "a window with half a letter": a_window("17", "\ud800"),
    "an id with half a letter": a_window("17\ud800", "fox"),
    "half a letter": '"\\ud800"',
    "nothing": "",
}


@pytest.mark.parametrize("body", ODD_BODIES.values(), ids=ODD_BODIES)
@pytest.mark.parametrize("name", sorted(name for name, way in WAYS.items() if way is not Way.INLINE))
def test_an_odd_body_is_an_error_of_ours_and_soon(name: str, body: str, runner: asyncio.Runner, host: Host) -> None:
    for status in (200, 400):
        host.says(body, status=status)
        before = time.process_time()
        runner.run(tried(host, name))
        assert time.process_time() - before < QUICK * 2


@pytest.mark.parametrize("link", ["http://x.example/\ud800", "http://\ud800/", "http://x.example:99999/", "http://["])
async def test_a_link_that_is_none_is_an_error_of_ours(link: str) -> None:
    downloader = Downloader(allow_hosts=["127.0.0.1"])
    with pytest.raises(GatewayError):
        await downloader.fetch(link, gateway="any")
    await downloader.close()
