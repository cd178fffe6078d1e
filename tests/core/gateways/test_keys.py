"""A key goes to its gateway and to no other host, whatever answers, results and redirects name."""

import base64
from collections.abc import AsyncIterator
from urllib.parse import quote, unquote

import pytest
import pytest_asyncio

from core.download import Downloader
from core.errors import GatewayError, HostRefused, PictureGone
from core.gateway import Acts, Asks, Seeds
from core.gateways import REGISTRY
from core.types import Finished, Follow, InlinePicture, Operation, Outcome, Pending, RemotePicture, Ticket
from sandbox.gateways import AihubmixSandbox
from sandbox.gateways.records import Received
from tests.core.gateways.calls import a_call, photo, row
from tests.core.gateways.everywhere import Everywhere, everywhere
from tests.core.gateways.failures import WAYS, Way
from tests.core.gateways.host import Heard, Host, hosting

pytestmark = pytest.mark.asyncio(loop_scope="module")
__all__ = ["everywhere"]  # found by name

#: Headers that carry a key here or with Black Forest Labs, and others that say more than a stranger should know.
TELLING = {
    "authorization",
    "mj-api-secret",
    "x-key",
    "x-api-key",
    "api-key",
    "proxy-authorization",
    "cookie",
    "referer",
}
#: A row for each way that answers have places for addresses in, at every gateway.
LINKED = {name: way for name, way in WAYS.items() if way is not Way.INLINE}


def submitted(way: Way, link: str) -> object:
    """The answer to a submit, with an address wherever a gateway may name one."""
    named = {"polling_url": link, "notifyHook": link, "webhook_url": link, "url": link}
    match way:
        case Way.TASK:
            return {"output": [{"taskId": "17", "pollingUrl": link, "polling_url": link}]}
        case Way.WIRE | Way.HUIHUA:
            return {"code": 1, "description": link, "result": "17", "properties": named, **named}
        case _:
            return {"data": [{"url": link}], **named}


def asked(way: Way, link: str) -> object:
    """The answer to a question."""
    task = {"id": "17", "status": "SUCCESS", "action": "IMAGINE", "imageUrl": link}
    named = {"polling_url": link, "notifyHook": link, "webhook_url": link}
    return {"status": "Ready", "result": {"sample": link}, **named} if way is Way.TASK else [{**task, **named}]


def keeps_quiet(heard: Heard | Received, *keys: str) -> None:
    """Nothing in this request tells one of the keys."""
    assert not TELLING & heard.headers.keys()
    told = unquote(f"{heard.path}?{heard.query} {heard.headers} {heard.body.decode('utf-8', 'replace')}")
    for key in keys:
        assert key not in told
        assert base64.b64encode(key.encode()).decode().rstrip("=") not in told


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def liar() -> AsyncIterator[Host]:
    """What the keys are for."""
    async with hosting(hook="http://127.0.0.1:9/callbacks") as host:
        yield host


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_stranger() -> AsyncIterator[Host]:
    async with hosting() as host:
        yield host


@pytest.fixture
def stranger(shared_stranger: Host) -> Host:
    """What no key is for; it has a picture."""
    shared_stranger.heard.clear()
    shared_stranger.has(photo(), "image/jpeg")
    return shared_stranger


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def downloader() -> AsyncIterator[Downloader]:
    made = Downloader(allow_hosts=["127.0.0.1"])
    yield made
    await made.close()


async def finished(liar: Host, name: str, link: str) -> Finished:
    """The result of an order at a gateway that names this address wherever it can."""
    way, gateway = WAYS[name], liar.gateways[row(name).gateway]
    liar.says(submitted(way, link))
    outcome: Outcome = await gateway.start(a_call(name), key="k")
    if isinstance(outcome, Pending):
        assert isinstance(gateway, Asks)
        liar.says(asked(way, link))
        outcome = (await gateway.ask([outcome.ticket]))[outcome.ticket]
    assert isinstance(outcome, Finished)
    return outcome


async def test_no_gateway_is_left_out() -> None:
    assert {row(name).gateway for name in LINKED} == set(REGISTRY)


@pytest.mark.parametrize("name", LINKED)
async def test_the_gateway_itself_is_told_the_key_with_every_request(name: str, liar: Host) -> None:
    liar.heard.clear()
    await finished(liar, name, "http://127.0.0.1:9/")
    assert liar.heard
    for heard in liar.heard:
        assert heard.headers["authorization"] == f"Bearer {liar.key}"
        assert heard.headers.get("mj-api-secret") == (liar.key if name == "midjourney" else None)
        assert liar.key not in heard.path + heard.query + heard.body.decode()


@pytest.mark.parametrize("name", LINKED)
async def test_of_all_addresses_in_an_answer_only_the_result_is_visited_and_without_the_key(
    name: str, liar: Host, stranger: Host, downloader: Downloader
) -> None:
    made = (await finished(liar, name, f"{stranger.base}/a.jpeg?x=1")).pictures[0]
    assert isinstance(made, RemotePicture)
    assert stranger.heard == []
    assert await downloader.fetch(made.url, gateway=row(name).gateway)
    assert [(heard.method, heard.path) for heard in stranger.heard] == [("GET", "/a.jpeg")]
    keeps_quiet(stranger.heard[0], liar.key)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("name", LINKED)
async def test_no_redirect_of_a_submit_a_step_or_a_question_is_followed(
    name: str, status: int, liar: Host, stranger: Host
) -> None:
    gateway = liar.gateways[row(name).gateway]
    ticket = Ticket(gateway.name, "17", name)
    liar.says("", status=status, location=f"{stranger.base}/elsewhere")
    with pytest.raises(GatewayError):
        await gateway.start(a_call(name), key="k")
    with pytest.raises(GatewayError):
        await gateway.check()  # type: ignore[attr-defined]  # every gateway has it, for the doctor
    if isinstance(gateway, Asks):
        assert not isinstance((await gateway.ask([ticket]))[ticket], Finished)
    if isinstance(gateway, Acts):
        step = a_call("midjourney", Operation.IMAGINE, images=())
        with pytest.raises(GatewayError):
            await gateway.act(Follow(ticket, "MJ::JOB::reroll::0::x", "🔄"), step, key="k")
    if isinstance(gateway, Seeds):
        with pytest.raises(GatewayError):
            await gateway.seed(ticket)
    assert stranger.heard == []


@pytest.mark.parametrize("name", LINKED)
async def test_a_result_that_is_redirected_is_not_fetched_inside_and_nobody_learns_the_key(
    name: str, liar: Host, stranger: Host, downloader: Downloader
) -> None:
    made = (await finished(liar, name, f"{liar.base}/result.png")).pictures[0]
    assert isinstance(made, RemotePicture)
    liar.heard.clear()
    liar.says("", status=302, location=f"{stranger.base}/result.png?key={quote('no')}")
    with pytest.raises(HostRefused):
        await downloader.fetch(made.url, gateway=row(name).gateway)
    assert stranger.heard == []
    for heard in liar.heard:
        keeps_quiet(heard, liar.key)


@pytest.mark.parametrize("name", LINKED)
async def test_a_result_that_is_redirected_outside_is_followed_without_the_key(
    name: str, liar: Host, stranger: Host
) -> None:
    """By a proxy, which sees both hosts as they are asked."""

    async def unknown(host: str, port: int) -> list[str]:
        raise OSError("only the proxy knows it")

    made = (await finished(liar, name, "http://results.example/a.jpeg")).pictures[0]
    assert isinstance(made, RemotePicture)
    stranger.redirects["results.example"] = "http://elsewhere.example/b.jpeg"
    gateway = row(name).gateway
    downloader = Downloader(proxies={gateway: stranger.base}, resolve=unknown)
    assert await downloader.fetch(made.url, gateway=gateway)
    await downloader.close()
    assert [heard.headers["host"] for heard in stranger.heard] == ["results.example", "elsewhere.example"]
    for heard in stranger.heard:
        keeps_quiet(heard, liar.key)


# -- the stand-ins --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", WAYS)
async def test_a_stand_ins_other_hosts_never_hear_the_key_and_it_hears_no_other(
    name: str, everywhere: Everywhere
) -> None:
    gateway, host = everywhere.gateways[row(name).gateway], everywhere.hosts[row(name).gateway]
    made = await everywhere.ended(gateway, await gateway.start(a_call(name), key="k"))
    assert isinstance(made, Finished)
    for result in made.pictures:
        await everywhere.fetched(gateway.name, result)
    if isinstance(made.pictures[0], RemotePicture) and name != "apicore-midjourney":  # its results are its own
        assert host.deliveries
    for received in host.deliveries:
        keeps_quiet(received, host.default_key)
    assert host.strays == []
    assert not isinstance(host, AihubmixSandbox) or host.bfl_requests == []
    others = [other.default_key for other in everywhere.hosts.values() if other is not host]
    assert host.requests
    assert not any(key in str(received) for received in host.requests for key in others)


@pytest.mark.parametrize("name", LINKED)
async def test_a_result_that_points_at_another_gateway_is_fetched_without_either_key(
    name: str, liar: Host, everywhere: Everywhere
) -> None:
    keys = [host.default_key for host in everywhere.hosts.values()]
    for other in everywhere.hosts.values():
        made = (await finished(liar, name, f"{other.base_url}/v1/models")).pictures[0]
        assert not isinstance(made, InlinePicture)
        before = len(other.requests)
        with pytest.raises(PictureGone):
            await everywhere.downloader.fetch(made.url, gateway=row(name).gateway)
        [received] = other.requests[before:]
        keeps_quiet(received, liar.key, *keys)
