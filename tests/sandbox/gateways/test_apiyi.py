import asyncio
import io
from typing import Any

import httpx
import pytest
from PIL import Image

from sandbox.gateways import ApiyiSandbox
from tests.sandbox.gateways.support import Clock, bearer, data_url, error_of, flux, opened, photo

REFERENCE = data_url(photo())
MODELS = {
    "flux-2-pro": 8,
    "flux-2-max": 8,
    "flux-2-flex": 8,
    "flux-2-klein-9b": 4,
    "flux-2-klein-4b": 4,
    "flux-kontext-max": 1,
    "flux-kontext-pro": 1,
}


def references(count: int) -> dict[str, str]:
    return {"input_image" + (f"_{number}" if number > 1 else ""): REFERENCE for number in range(1, count + 1)}


async def test_a_submit_answers_with_one_address_and_nothing_else(
    apiyi: ApiyiSandbox, http: httpx.AsyncClient, clock: Clock
) -> None:
    response = await flux(http, apiyi)
    assert response.status_code == 200
    assert response.json().keys() == {"created", "data"}
    assert response.json()["created"] == int(clock.now)
    [entry] = response.json()["data"]
    assert entry.keys() == {"url"}
    assert entry["url"].startswith(apiyi.delivery_url + "/results/")
    assert apiyi.delivery_url != apiyi.base_url
    picture = await http.get(entry["url"])
    assert picture.headers["content-type"] == "image/jpeg"
    assert (opened(picture.content).format, opened(picture.content).size) == ("JPEG", (1024, 1024))


@pytest.mark.parametrize(("model", "most"), MODELS.items())
async def test_each_model_takes_its_number_of_references_and_not_one_more(
    apiyi: ApiyiSandbox, http: httpx.AsyncClient, model: str, most: int
) -> None:
    assert (await flux(http, apiyi, model=model, **references(most))).status_code == 200
    assert len(apiyi.orders[0].pictures) == most
    refused = await flux(http, apiyi, model=model, **references(most + 1))
    assert refused.status_code == 400
    assert error_of(refused)["param"] == f"input_image_{most + 1}"
    assert len(apiyi.orders) == 1


@pytest.mark.parametrize(
    ("fields", "size", "kind"),
    [
        ({"aspect_ratio": "16:9"}, (1360, 768), "JPEG"),
        ({"width": 512, "height": 768, "output_format": "png"}, (512, 768), "PNG"),
        ({"size": "1920x1088"}, (1920, 1088), "JPEG"),
        ({"width": 2048, "height": 2048}, (2048, 2048), "JPEG"),
        ({"input_image": data_url(photo(400, 200))}, (400, 192), "JPEG"),
        ({"model": "flux-2-flex", "steps": 50, "guidance": 10, "safety_tolerance": 5}, (1024, 1024), "JPEG"),
        ({"model": "flux-kontext-max", "safety_tolerance": 6, "prompt_upsampling": True}, (1024, 1024), "JPEG"),
        ({"seed": None, "input_image": None}, (1024, 1024), "JPEG"),
    ],
)
async def test_a_good_request_gives_the_size_and_format_that_it_asks_for(
    apiyi: ApiyiSandbox, http: httpx.AsyncClient, fields: dict[str, Any], size: tuple[int, int], kind: str
) -> None:
    response = await flux(http, apiyi, **fields)
    picture = opened((await http.get(response.json()["data"][0]["url"])).content)
    assert (picture.size, picture.format) == (size, kind)


async def test_a_reference_above_20_megabytes_or_20_megapixels_is_refused(
    apiyi: ApiyiSandbox, http: httpx.AsyncClient
) -> None:
    heavy = photo() + b"\0" * (20 * 1024 * 1024)
    assert "20 MB" in error_of(await flux(http, apiyi, input_image=data_url(heavy)))["message"]
    wide = photo(5008, 4000, "JPEG")
    assert "20 megapixels" in error_of(await flux(http, apiyi, input_image=data_url(wide)))["message"]
    buffer = io.BytesIO()
    Image.new("1", (20_000, 6_000)).save(buffer, "PNG")  # over the size at which Pillow itself becomes wary
    bomb = data_url(buffer.getvalue())
    assert "20 megapixels" in error_of(await flux(http, apiyi, input_image=bomb))["message"]


async def test_a_reference_on_this_machine_is_fetched_and_a_missing_one_refused(
    apiyi: ApiyiSandbox, http: httpx.AsyncClient
) -> None:
    first = (await flux(http, apiyi)).json()["data"][0]["url"]
    assert (await flux(http, apiyi, input_image=first)).status_code == 200
    assert opened(apiyi.orders[1].pictures[0]).size == (1024, 1024)
    assert (await flux(http, apiyi, input_image=apiyi.delivery_url + "/results/no")).status_code == 400


async def test_the_same_seed_gives_the_same_picture_and_another_another(
    apiyi: ApiyiSandbox, http: httpx.AsyncClient
) -> None:
    answers = [await flux(http, apiyi, seed=seed) for seed in (42, 42, 43)]
    one, same, other = [(await http.get(answer.json()["data"][0]["url"])).content for answer in answers]
    assert one == same
    assert one != other
    assert [order.seed for order in apiyi.orders] == [42, 42, 43]


async def test_a_result_dies_after_ten_minutes_with_404(
    apiyi: ApiyiSandbox, http: httpx.AsyncClient, clock: Clock
) -> None:
    url = (await flux(http, apiyi)).json()["data"][0]["url"]
    clock.now += 599
    assert (await http.get(url)).status_code == 200
    clock.now += 1
    assert (await http.get(url)).status_code == 404


async def test_a_result_needs_its_signature(apiyi: ApiyiSandbox, http: httpx.AsyncClient) -> None:
    url = (await flux(http, apiyi)).json()["data"][0]["url"]
    assert (await http.get(url.partition("?")[0])).status_code == 403
    assert (await http.get(url[:-1] + "!")).status_code == 403


async def test_downloads_are_recorded_with_their_headers(apiyi: ApiyiSandbox, http: httpx.AsyncClient) -> None:
    url = (await flux(http, apiyi)).json()["data"][0]["url"]
    await http.get(url)
    await http.get(url, headers=bearer(apiyi.default_key))
    assert [received.headers.get("authorization") for received in apiyi.deliveries] == [
        None,
        f"Bearer {apiyi.default_key}",
    ]


async def test_an_order_remembers_what_was_asked_and_by_whom(
    apiyi: ApiyiSandbox, http: httpx.AsyncClient, clock: Clock
) -> None:
    await flux(http, apiyi, seed=9, input_image=REFERENCE)
    [order] = apiyi.orders
    assert (order.number, order.model, order.prompt, order.seed) == (1, "flux-2-pro", "a red fox", 9)
    assert (order.key, order.at, order.charged, order.answered) == (apiyi.default_key, clock.now, True, True)
    assert order.pictures == (photo(),)
    assert order.fields.keys() == {"model", "prompt", "seed", "input_image"}


async def test_a_client_that_hangs_up_while_the_picture_is_drawn_has_paid_all_the_same(
    http: httpx.AsyncClient,
) -> None:
    async with ApiyiSandbox(seconds=30).running() as box:
        call = asyncio.create_task(flux(http, box))
        await box.until(lambda: len(box.orders) == 1)
        call.cancel()
        await box.until(lambda: box.orders[0].abandoned)
        assert box.orders[0].charged
        assert not box.orders[0].answered


async def test_a_picture_takes_the_seconds_that_were_set(http: httpx.AsyncClient) -> None:
    async with ApiyiSandbox(seconds=(0.3, 0.5)).running() as box:
        before = asyncio.get_running_loop().time()
        assert (await flux(http, box)).status_code == 200
        assert asyncio.get_running_loop().time() - before >= 0.3


async def test_the_balance_takes_the_bare_account_token_and_no_model_key(
    apiyi: ApiyiSandbox, http: httpx.AsyncClient
) -> None:
    url = f"{apiyi.base_url}/api/user/self"
    before = (await http.get(url, headers={"authorization": apiyi.account_token})).json()["data"]["quota"]
    await flux(http, apiyi)
    after = (await http.get(url, headers={"authorization": apiyi.account_token})).json()["data"]
    assert (after["quota"], after["used_quota"]) == (before - 20_000, 20_000)
    for header in (bearer(apiyi.default_key), bearer(apiyi.account_token)):
        refused = await http.get(url, headers=header)
        assert (refused.status_code, refused.json()["success"]) == (401, False)


async def test_the_models_are_listed_for_a_valid_key(apiyi: ApiyiSandbox, http: httpx.AsyncClient) -> None:
    listed = await http.get(f"{apiyi.base_url}/v1/models", headers=bearer(apiyi.default_key))
    assert {entry["id"] for entry in listed.json()["data"]} == MODELS.keys()
    assert (await http.get(f"{apiyi.base_url}/v1/models")).status_code == 401


async def test_a_taken_port_is_an_os_error(apiyi: ApiyiSandbox) -> None:
    taken = int(apiyi.base_url.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"):
        async with ApiyiSandbox().running(port=taken):
            pass


async def test_other_keys_replace_the_default_one(http: httpx.AsyncClient) -> None:
    async with ApiyiSandbox(keys={"sk-another"}).running() as box:
        assert (await flux(http, box)).status_code == 401
        url = f"{box.base_url}/v1/models"
        assert (await http.get(url, headers=bearer("sk-another"))).status_code == 200
