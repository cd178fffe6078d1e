"""aihubmix's asynchronous models: submit, ask, fetch; and every way a task goes wrong."""

from typing import Any

import httpx
import pytest

from sandbox.gateways import AihubmixSandbox
from tests.sandbox.gateways.support import KONTEXT, Clock, ask, bearer, data_url, error_of, opened, photo, predict


async def submitted(http: httpx.AsyncClient, box: AihubmixSandbox, model: str = KONTEXT, **fields: Any) -> str:
    """The task id of a new task."""
    [entry] = (await predict(http, box, model, **fields)).json()["output"]
    assert entry.keys() == {"polling_url", "taskId"}
    task: str = entry["taskId"]
    return task


async def test_a_task_goes_through_its_states_to_ready(
    aihubmix: AihubmixSandbox, http: httpx.AsyncClient, clock: Clock
) -> None:
    aihubmix.seconds = 9
    task = await submitted(http, aihubmix, aspect_ratio="2:3", seed=7)
    assert task.startswith("api.us1.bfl.")
    seen = []
    for _ in range(3):
        seen.append((await ask(http, aihubmix, task)).json())
        clock.now += 3
    assert seen == [{"status": "Pending"}, {"status": "Reasoning"}, {"status": "Generating"}]
    ready = (await ask(http, aihubmix, task)).json()
    assert (ready["status"], ready["result"]["seed"]) == ("Ready", 7)
    picture = opened((await http.get(ready["result"]["sample"])).content)
    assert (picture.size, picture.format) == ((832, 1248), "PNG")
    assert (await ask(http, aihubmix, task)).json() == ready


async def test_both_hosts_answer_for_a_task(aihubmix: AihubmixSandbox, http: httpx.AsyncClient) -> None:
    task = await submitted(http, aihubmix)
    assert aihubmix.tasks_url != aihubmix.base_url
    assert (await ask(http, aihubmix, task, aihubmix.tasks_url)).json()["status"] == "Ready"
    assert (await ask(http, aihubmix, task)).json()["status"] == "Ready"


async def test_an_edit_transforms_its_reference_and_keeps_its_shape(
    aihubmix: AihubmixSandbox, http: httpx.AsyncClient
) -> None:
    for reference in (data_url(photo(320, 160)), data_url(photo(320, 160)).partition(",")[2]):
        task = await submitted(http, aihubmix, input_image=reference, safety_tolerance=2)
        url = (await ask(http, aihubmix, task)).json()["result"]["sample"]
        assert opened((await http.get(url)).content).size == (320, 160)
        assert aihubmix.orders[-1].pictures == (photo(320, 160),)


async def test_kontext_pro_draws_from_text(aihubmix: AihubmixSandbox, http: httpx.AsyncClient) -> None:
    task = await submitted(http, aihubmix, "bfl/flux-kontext-pro")
    assert (await ask(http, aihubmix, task)).json()["status"] == "Ready"


async def test_the_polling_address_is_another_host_that_answers_403_and_remembers(
    aihubmix: AihubmixSandbox, http: httpx.AsyncClient
) -> None:
    [entry] = (await predict(http, aihubmix, KONTEXT)).json()["output"]
    assert entry["polling_url"].startswith(f"{aihubmix.bfl_url}/v1/get_result?id=")
    assert aihubmix.bfl_requests == []
    assert (await http.get(entry["polling_url"], headers=bearer("sk-leaked"))).status_code == 403
    assert [received.headers["authorization"] for received in aihubmix.bfl_requests] == ["Bearer sk-leaked"]


async def test_a_result_dies_ten_minutes_after_it_was_made(
    aihubmix: AihubmixSandbox, http: httpx.AsyncClient, clock: Clock
) -> None:
    url = (await ask(http, aihubmix, await submitted(http, aihubmix))).json()["result"]["sample"]
    clock.now += 599
    assert (await http.get(url)).status_code == 200
    clock.now += 1
    assert (await http.get(url)).status_code == 404


async def test_a_question_needs_the_key(aihubmix: AihubmixSandbox, http: httpx.AsyncClient) -> None:
    task = await submitted(http, aihubmix)
    assert (await http.get(f"{aihubmix.tasks_url}/v1/tasks/{task}")).status_code == 401


async def test_an_unknown_task_and_somebody_else_s_task_are_not_found(
    aihubmix: AihubmixSandbox, http: httpx.AsyncClient
) -> None:
    task = await submitted(http, aihubmix)
    aihubmix.keys.add("sk-other")
    assert (await ask(http, aihubmix, "api.us1.bfl.nothing")).json() == {"status": "Task not found"}
    other = await http.get(f"{aihubmix.base_url}/v1/tasks/{task}", headers=bearer("sk-other"))
    assert other.json() == {"status": "Task not found"}


@pytest.mark.parametrize(
    ("fault", "status", "charged"),
    [
        ("moderated_request", "Request Moderated", False),
        ("moderated_content", "Content Moderated", False),
        ("task_error", "Error", False),
        ("task_not_found", "Task not found", False),
        ("unknown_status", "Contemplating", True),
    ],
)
async def test_a_task_can_end_badly(
    aihubmix: AihubmixSandbox, http: httpx.AsyncClient, fault: str, status: str, charged: bool
) -> None:
    aihubmix.fail_next(fault)
    task = await submitted(http, aihubmix)
    for _ in range(2):
        assert (await ask(http, aihubmix, task)).json()["status"] == status
    assert [order.charged for order in aihubmix.orders] == [charged]


async def test_content_is_moderated_only_once_it_is_made_and_a_request_at_once(
    aihubmix: AihubmixSandbox, http: httpx.AsyncClient, clock: Clock
) -> None:
    aihubmix.seconds = 10
    content = await submitted(http, aihubmix, prompt="[fault:moderated_content]")
    request = await submitted(http, aihubmix, prompt="[fault:moderated_request]")
    assert (await ask(http, aihubmix, content)).json()["status"] == "Pending"
    assert (await ask(http, aihubmix, request)).json()["status"] == "Request Moderated"
    clock.now += 10
    assert "Moderation Reasons" in (await ask(http, aihubmix, content)).json()["detail"]


@pytest.mark.parametrize(("fault", "result"), [("empty_data", {}), ("empty_strings", {"sample": ""})])
async def test_ready_can_come_without_a_picture(
    aihubmix: AihubmixSandbox, http: httpx.AsyncClient, fault: str, result: dict[str, str]
) -> None:
    aihubmix.fail_next(fault)
    task = await submitted(http, aihubmix)
    assert (await ask(http, aihubmix, task)).json() == {"status": "Ready", "result": result}


@pytest.mark.parametrize(("fault", "status"), [("expired_url", 404), ("redirect_internal", 302)])
async def test_a_good_task_can_have_a_bad_download(
    aihubmix: AihubmixSandbox, http: httpx.AsyncClient, fault: str, status: int
) -> None:
    aihubmix.fail_next(fault)
    task = await submitted(http, aihubmix)
    url = (await ask(http, aihubmix, task)).json()["result"]["sample"]
    assert (await http.get(url)).status_code == status


async def test_a_question_can_fail_while_the_task_is_well(aihubmix: AihubmixSandbox, http: httpx.AsyncClient) -> None:
    task = await submitted(http, aihubmix)
    for fault, status in {"server_500": 500, "rate_429": 429, "html_502": 502, "cloudflare_524": 524}.items():
        aihubmix.fail_next(fault, at="task")
        assert (await ask(http, aihubmix, task)).status_code == status
    aihubmix.fail_next("task_not_found", times=2, at="task")
    for _ in range(2):
        assert (await ask(http, aihubmix, task)).json() == {"status": "Task not found"}
    aihubmix.fail_next("broken_json", at="task")
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        (await ask(http, aihubmix, task)).json()
    aihubmix.fail_next("drop_before", at="task")
    with pytest.raises(httpx.RemoteProtocolError):
        await ask(http, aihubmix, task)
    assert (await ask(http, aihubmix, task)).json()["status"] == "Ready"
    assert [order.charged for order in aihubmix.orders] == [True]


async def test_a_question_can_hang(aihubmix: AihubmixSandbox, http: httpx.AsyncClient) -> None:
    task = await submitted(http, aihubmix)
    aihubmix.fail_next("hang", at="task")
    http.timeout = httpx.Timeout(0.3)
    with pytest.raises(httpx.ReadTimeout):
        await ask(http, aihubmix, task)


@pytest.mark.parametrize("fault", ["drop_after", "broken_json", "cloudflare_524"])
async def test_a_lost_answer_to_a_submit_leaves_a_paid_task_behind(
    aihubmix: AihubmixSandbox, http: httpx.AsyncClient, fault: str
) -> None:
    aihubmix.fail_next(fault)
    try:
        response = await predict(http, aihubmix, KONTEXT)
        assert response.status_code in (200, 524)
    except httpx.RemoteProtocolError:
        assert fault == "drop_after"
    [task] = aihubmix.tasks
    assert (await ask(http, aihubmix, task)).json()["status"] == "Ready"
    assert [order.charged for order in aihubmix.orders] == [True]


async def test_a_refused_submit_makes_no_task(aihubmix: AihubmixSandbox, http: httpx.AsyncClient) -> None:
    aihubmix.fail_next("moderation_400")
    response = await predict(http, aihubmix, KONTEXT)
    assert error_of(response)["code"] == "moderation_blocked"
    assert aihubmix.tasks == {}
    assert aihubmix.orders == []
