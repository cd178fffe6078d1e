"""Downloads that go wrong although the answer was good."""

import asyncio

import httpx
import pytest

from sandbox.gateways import ApiyiSandbox
from sandbox.gateways.delivery import HUGE, METADATA
from tests.sandbox.gateways.support import flux, opened


async def address(http: httpx.AsyncClient, box: ApiyiSandbox, fault: str | None = None) -> str:
    """The address of a fresh result; ``fault`` is planned for its submit."""
    if fault is not None:
        box.fail_next(fault)
    url: str = (await flux(http, box)).json()["data"][0]["url"]
    return url


async def test_an_expired_address_is_404_from_the_start(apiyi: ApiyiSandbox, http: httpx.AsyncClient) -> None:
    assert (await http.get(await address(http, apiyi, "expired_url"))).status_code == 404
    assert apiyi.orders[0].charged


async def test_a_redirect_leads_to_the_metadata_service(apiyi: ApiyiSandbox, http: httpx.AsyncClient) -> None:
    response = await http.get(await address(http, apiyi, "redirect_internal"))
    assert (response.status_code, response.headers["location"]) == (302, METADATA)


async def test_a_redirect_leads_to_another_port_that_records_who_comes(
    apiyi: ApiyiSandbox, http: httpx.AsyncClient
) -> None:
    url = await address(http, apiyi, "redirect_loopback")
    response = await http.get(url)
    assert response.headers["location"].startswith(apiyi.stray_url)
    assert apiyi.strays == []
    await http.get(url, headers={"x-who": "me"}, follow_redirects=True)
    assert [stray.headers["x-who"] for stray in apiyi.strays] == ["me"]


async def test_a_slow_download_trickles(apiyi: ApiyiSandbox, http: httpx.AsyncClient) -> None:
    async with http.stream("GET", await address(http, apiyi, "slow_download")) as response:
        assert int(response.headers["content-length"]) > 10_000
        started = asyncio.get_running_loop().time()
        heard = 0
        async for part in response.aiter_raw():
            heard += len(part)
            if heard >= 256:
                break
        assert asyncio.get_running_loop().time() - started >= 0.5
        assert heard < 1024


async def test_a_huge_picture_announces_ten_gigabytes_and_sends_them(
    apiyi: ApiyiSandbox, http: httpx.AsyncClient
) -> None:
    async with http.stream("GET", await address(http, apiyi, "huge_picture")) as response:
        assert int(response.headers["content-length"]) == HUGE
        heard = 0
        async for part in response.aiter_raw():
            heard += len(part)
            if heard > 5_000_000:
                break
    assert heard > 5_000_000


async def test_an_endless_picture_announces_nothing_and_sends_on(apiyi: ApiyiSandbox, http: httpx.AsyncClient) -> None:
    async with http.stream("GET", await address(http, apiyi, "endless_picture")) as response:
        assert "content-length" not in response.headers
        heard = b""
        async for part in response.aiter_raw():
            heard += part
            if len(heard) > 5_000_000:
                break
    assert heard[:3] == b"\xff\xd8\xff"


@pytest.mark.parametrize("fault", ["slow_download", "endless_picture"])
async def test_a_sandbox_that_stops_ends_a_download_that_does_not(
    http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    async with ApiyiSandbox().running() as box:
        request = http.build_request("GET", await address(http, box, fault))
        response = await http.send(request, stream=True)
    with pytest.raises(httpx.RemoteProtocolError):
        await response.aread()
    await response.aclose()
    assert "graceful shutdown exceeded" not in caplog.text


async def test_a_download_can_fail_once_while_the_result_stays(apiyi: ApiyiSandbox, http: httpx.AsyncClient) -> None:
    url = await address(http, apiyi)
    for fault, status in {"server_500": 500, "busy_503": 503, "rate_429": 429, "expired_url": 404}.items():
        apiyi.fail_next(fault, at="download")
        assert (await http.get(url)).status_code == status
    assert opened((await http.get(url)).content).size == (1024, 1024)


async def test_a_download_can_break_off_in_the_middle(apiyi: ApiyiSandbox, http: httpx.AsyncClient) -> None:
    url = await address(http, apiyi)
    apiyi.fail_next("drop_after", at="download")
    with pytest.raises(httpx.RemoteProtocolError, match="complete message body"):
        await http.get(url)
    apiyi.fail_next("drop_before", at="download")
    with pytest.raises(httpx.RemoteProtocolError, match="without sending"):
        await http.get(url)
    assert (await http.get(url)).status_code == 200


async def test_a_download_can_hang(apiyi: ApiyiSandbox, http: httpx.AsyncClient) -> None:
    url = await address(http, apiyi)
    apiyi.fail_next("hang", at="download")
    with pytest.raises(httpx.ReadTimeout):
        await http.get(url, timeout=0.3)
    assert (await http.get(url)).status_code == 200


async def test_a_download_can_be_a_bad_picture_once(apiyi: ApiyiSandbox, http: httpx.AsyncClient) -> None:
    url = await address(http, apiyi)
    apiyi.fail_next("truncated_picture", at="download")
    with pytest.raises(OSError, match="truncated"):
        opened((await http.get(url)).content)
    assert opened((await http.get(url)).content).format == "JPEG"
