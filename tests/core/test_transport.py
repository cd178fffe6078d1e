"""The doorway from httpx, and what statuses and texts mean."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from core import transport
from core.errors import (
    AnswerUnreadable,
    BalanceEmpty,
    Charged,
    GatewayBusy,
    GatewayDown,
    GatewayError,
    GatewayFailed,
    GatewaySilent,
    GatewayUnreachable,
    KeyRejected,
    ModelGone,
    OrderInvalid,
    PromptRefused,
)
from core.masking import Masker
from core.refusals import retry_after
from core.transport import Answer, Api, answered, json_object, translated
from sandbox.serving import serve

KEY = "sk-a-key-of-ours-12345"
MASKER = Masker([KEY])
NEVER_LEFT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
    httpx.LocalProtocolError,
    httpx.TooManyRedirects,
)


def everything_httpx_raises() -> Iterator[type[Exception]]:
    todo: list[type[Exception]] = [httpx.HTTPError, httpx.InvalidURL, httpx.CookieConflict, httpx.StreamError]
    while todo:
        kind = todo.pop()
        yield kind
        todo.extend(kind.__subclasses__())


def made(kind: type[Exception]) -> Exception:
    if kind is httpx.HTTPStatusError:
        request = httpx.Request("GET", "http://a")
        return httpx.HTTPStatusError("status", request=request, response=httpx.Response(500, request=request))
    try:
        return kind("boom")
    except TypeError:
        return kind()


KINDS = sorted(set(everything_httpx_raises()), key=lambda kind: kind.__name__)


def test_httpx_has_the_exceptions_that_are_tested_here() -> None:
    assert len(KINDS) > 25
    public = [getattr(httpx, name) for name in httpx.__all__]
    assert {kind for kind in public if isinstance(kind, type) and issubclass(kind, Exception)} <= set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_httpx_raises_becomes_a_gateway_error_with_its_cause(kind: type[Exception]) -> None:
    with pytest.raises(GatewayError) as caught, translated():
        raise made(kind)
    error = caught.value
    assert isinstance(error.__cause__, kind)
    assert (error.charged is Charged.NO) == issubclass(kind, NEVER_LEFT)


@pytest.mark.parametrize(
    ("kind", "ours"),
    [
        (httpx.ConnectError, GatewayUnreachable),
        (httpx.ConnectTimeout, GatewayUnreachable),
        (httpx.PoolTimeout, GatewayUnreachable),
        (httpx.ReadTimeout, GatewaySilent),
        (httpx.ReadError, GatewaySilent),
        (httpx.WriteError, GatewaySilent),
        (httpx.WriteTimeout, GatewaySilent),
        (httpx.RemoteProtocolError, GatewaySilent),
        (httpx.DecodingError, AnswerUnreadable),
        (TimeoutError, GatewaySilent),
    ],
)
def test_the_errors_of_everyday_have_their_own_class(kind: type[Exception], ours: type[GatewayError]) -> None:
    with pytest.raises(ours), translated():
        raise made(kind)


def openai(code: str | None, message: str = "", kind: str = "invalid_request_error") -> str:
    return json.dumps({"error": {"message": message, "type": kind, "param": None, "code": code}})


SAFETY = "Your request was rejected as a result of our safety system."
HTML = "<html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>"
STATUSES: list[tuple[int, str, type[GatewayError], Charged]] = [
    (400, openai("moderation_blocked", SAFETY, "user_error"), PromptRefused, Charged.NO),
    (400, openai("content_policy_violation"), PromptRefused, Charged.NO),
    (400, openai(None, "The prompt was flagged by our filter"), PromptRefused, Charged.NO),
    (400, '{"error":"输入内容包含敏感词"}', PromptRefused, Charged.NO),
    (422, '{"error":"Prompt failed the safety policy"}', PromptRefused, Charged.NO),
    (422, '{"error":"Prompt or provided image failed safety check"}', PromptRefused, Charged.NO),
    (451, '{"error":{"code":"image_safety","message":"filtered"}}', PromptRefused, Charged.NO),
    (451, "", PromptRefused, Charged.NO),
    (400, openai("invalid_request_error", "safety_tolerance must be at most 5"), OrderInvalid, Charged.NO),
    (400, openai("billing_hard_limit_reached", "Billing hard limit has been reached"), BalanceEmpty, Charged.NO),
    (413, HTML.format("413 Request Entity Too Large"), OrderInvalid, Charged.NO),
    (415, "request Content-Type isn't multipart/form-data", OrderInvalid, Charged.NO),
    (422, '{"detail":[{"loc":["body","prompt"],"msg":"field required"}]}', OrderInvalid, Charged.NO),
    (401, openai("invalid_api_key", "Invalid API key provided"), KeyRejected, Charged.NO),
    (401, '{"error":{"message":"该令牌额度已用尽","type":"new_api_error"}}', BalanceEmpty, Charged.NO),
    (401, openai("", "token quota exhausted (request id: 1)", "new_api_error"), BalanceEmpty, Charged.NO),
    (402, '{"detail":"Insufficient credits"}', BalanceEmpty, Charged.NO),
    (403, openai("insufficient_user_quota", "user quota is not enough"), BalanceEmpty, Charged.NO),
    (403, openai(None, "This key may not use this model"), KeyRejected, Charged.NO),
    (404, openai("model_not_found"), ModelGone, Charged.NO),
    (404, HTML.format("404 Not Found"), ModelGone, Charged.NO),
    (429, openai("insufficient_quota", "You exceeded your current quota"), BalanceEmpty, Charged.NO),
    (429, openai(None, "The xx model Too many requests"), GatewayBusy, Charged.NO),
    (429, openai(None, "Quota exceeded for requests per minute"), GatewayBusy, Charged.NO),
    (503, openai(None, "There is no available channel for model x"), ModelGone, Charged.NO),
    (503, '{"error":{"message":"当前分组 default 下对于模型 x 无可用渠道"}}', ModelGone, Charged.NO),
    (503, openai(None, "overloaded"), GatewayDown, Charged.NO),
    (500, openai("server_error", "oops"), GatewayFailed, Charged.UNKNOWN),
    (500, openai("moderation_blocked", "the status goes before the text"), GatewayFailed, Charged.UNKNOWN),
    (502, HTML.format("502 Bad Gateway"), GatewayFailed, Charged.UNKNOWN),
    (504, "upstream request timeout", GatewayFailed, Charged.UNKNOWN),
    (524, HTML.format("A timeout occurred"), GatewayFailed, Charged.UNKNOWN),
    (301, "", AnswerUnreadable, Charged.NO),
    (308, "", AnswerUnreadable, Charged.NO),
    (418, "teapot", AnswerUnreadable, Charged.UNKNOWN),
]


@pytest.mark.parametrize(("status", "body", "kind", "charged"), STATUSES)
def test_a_refusal_is_read_by_its_status_and_then_its_words(
    status: int, body: str, kind: type[GatewayError], charged: Charged
) -> None:
    with pytest.raises(GatewayError) as caught:
        answered(Answer(status, httpx.Headers(), body.encode()), masker=MASKER)
    assert (type(caught.value), caught.value.charged) == (kind, charged)
    assert caught.value.detail.startswith(f"HTTP {status}")


@given(st.integers(100, 599), st.binary(max_size=300) | st.text(max_size=100).map(str.encode))
def test_any_answer_passes_only_with_a_success_and_else_is_a_gateway_error(status: int, body: bytes) -> None:
    answer = Answer(status, httpx.Headers({"retry-after": "soon"}), body)
    if 200 <= status < 300:
        answered(answer, masker=MASKER)
        return
    with pytest.raises(GatewayError):
        answered(answer, masker=MASKER)


def test_the_detail_is_the_raw_answer_with_its_request_id_and_without_secrets() -> None:
    headers = httpx.Headers({"x-request-id": "r-77"})
    with pytest.raises(KeyRejected) as caught:
        answered(Answer(401, headers, f"your key {KEY} is {'x' * 9000}".encode()), masker=MASKER)
    assert caught.value.detail.startswith("HTTP 401 (request r-77): your key *** is xxx")
    assert len(caught.value.detail) == transport.DETAIL
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("2", 2.0),
        ("0.5", 0.5),
        ("Thu, 01 Jan 1970 00:01:00 GMT", 50.0),
        ("Thu, 01 Jan 1970 00:00:01 GMT", 0.0),
        ("soon", None),
        ("", None),
        ("-5", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": value}, now=10.0) == seconds


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"<html>", b"[" * 100_000, b"\xff\xfe", b"1" * 9000])
async def test_an_answer_that_is_no_json_object_is_unreadable_and_may_have_been_paid(body: bytes) -> None:
    with pytest.raises(AnswerUnreadable) as caught:
        await json_object(Answer(200, httpx.Headers(), body), masker=MASKER)
    assert caught.value.charged is Charged.UNKNOWN


# -- over a socket --------------------------------------------------------------------------------------------------


async def _echo(request: Request) -> Response:
    received = {"auth": request.headers["authorization"], "type": request.headers.get("content-type", "")}
    return Response(gzip.compress(json.dumps(received).encode()), headers={"content-encoding": "gzip"})


async def _lengthy(_: Request) -> Response:
    async def pieces() -> AsyncIterator[bytes]:
        yield b'{"data": "'
        for _ in range(40):
            yield b" " * 65_536
            await asyncio.sleep(0)
        yield b'"}'

    return StreamingResponse(pieces(), media_type="application/json")


async def _refuse(_: Request) -> Response:
    return Response(openai("server_error"), 500)


APP = Starlette(
    routes=[
        Route("/echo", _echo, methods=["GET", "POST"]),
        Route("/lengthy", _lengthy, methods=["GET", "POST"]),
        Route("/refuse", _refuse),
    ]
)


async def test_a_submit_sends_the_key_and_json_and_unpacks_the_answer() -> None:
    async with serve(APP) as base:
        api = Api(base, key=KEY, masker=MASKER)
        answer, raw = await api.submit("/echo", timeout=5, fields={"prompt": "狐狸"})
        await api.close()
    assert answer == {"auth": f"Bearer {KEY}", "type": "application/json"}
    assert KEY not in raw


async def test_each_order_has_a_connection_of_its_own_and_questions_share_one() -> None:
    """An order on a used connection may meet its end, and nobody knows then whether it was taken."""
    ports: list[int] = []

    async def port(request: Request) -> Response:
        assert request.client is not None
        ports.append(request.client.port)
        return Response(b"{}")

    async with serve(Starlette(routes=[Route("/port", port, methods=["GET", "POST"])])) as base:
        api = Api(base, key=KEY, masker=MASKER)
        for _ in range(3):
            await api.submit("/port", timeout=5, fields={})
            await api.ask("/port")
        await api.close()
    orders, questions = ports[::2], ports[1::2]
    assert (len(set(orders)), len(set(questions))) == (3, 1)


async def test_an_answer_beyond_the_limit_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "ANSWER_LIMIT", 1_000_000)
    async with serve(APP) as base:
        api = Api(base, key=KEY, masker=MASKER)
        with pytest.raises(AnswerUnreadable) as caught:
            await api.submit("/lengthy", timeout=5, fields={})
        await api.close()
    assert caught.value.charged is Charged.UNKNOWN


async def test_a_failed_question_costs_nothing_whatever_the_status() -> None:
    async with serve(APP) as base:
        api = Api(base, key=KEY, masker=MASKER)
        with pytest.raises(GatewayFailed) as caught:
            await api.ask("/refuse")
        await api.close()
    assert caught.value.charged is Charged.NO
