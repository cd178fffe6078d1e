"""Answers that are no pictures: the error envelopes, and the failures that look the same on every gateway."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from sandbox.gateways.faults import Fault

_PAGE = "<html>\r\n<head><title>{0}</title></head>\r\n<body>\r\n<center><h1>{0}</h1></center>\r\n</body>\r\n</html>\r\n"


class Refusal(Exception):
    """Ends a request with ``status`` and ``body``: a JSON object, or text that is an HTML page."""

    def __init__(self, status: int, body: Mapping[str, object] | str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body
        self.headers = headers

    def response(self) -> Response:
        """The refusal on the wire."""
        if isinstance(self.body, str):
            return HTMLResponse(self.body, self.status, self.headers)
        return JSONResponse(self.body, self.status, self.headers)


class HungUp(Exception):
    """The connection is closed; there is nobody left to answer."""


async def answer_refusal(_: Request, error: Exception) -> Response:
    """Starlette's handler for ``Refusal`` and ``HungUp``."""
    return error.response() if isinstance(error, Refusal) else Response()


def envelope(message: str, *, type: str, param: str | None = None, code: str | None = None) -> dict[str, object]:  # noqa: A002  # the wire's word
    """OpenAI's error object, which both gateways use."""
    return {"error": {"message": message, "type": type, "param": param, "code": code}}


def page(status: int, title: str) -> Refusal:
    """The HTML page of a proxy in front of the gateway."""
    return Refusal(status, _PAGE.format(f"{status} {title}"))


def common(fault: Fault, model: str) -> Refusal | None:
    """What upstream, new-api or a proxy says in the gateway's place; None where each gateway has its own words."""
    match fault:
        case Fault.MODERATION_400:
            text = "Your request was rejected by the safety system. safety_violations=[violence]."
            return Refusal(400, envelope(text, type="image_generation_user_error", param="", code="moderation_blocked"))
        case Fault.MODERATION_451:
            text = "The generated image was filtered by the safety policy."
            return Refusal(451, {"error": {"code": "image_safety", "message": text}})
        case Fault.BALANCE_402:
            return Refusal(402, {"detail": "Insufficient credits"})
        case Fault.BALANCE_403:
            text = "user quota is not enough (request id: 20260501120000000000000sandbox)"
            return Refusal(403, envelope(text, type="new_api_error", param="", code="insufficient_user_quota"))
        case Fault.BALANCE_429:
            text = "You exceeded your current quota, please check your plan and billing details"
            return Refusal(429, envelope(text, type="insufficient_quota", code="insufficient_quota"))
        case Fault.SERVER_500:
            text = "The server had an error while processing your request"
            return Refusal(500, envelope(text, type="server_error", code="server_error"))
        case Fault.BUSY_503:
            text = f"Upstream is overloaded, try {model} again later"
            return Refusal(503, envelope(text, type="upstream_error", param="", code="bad_response_status_code"))
        case Fault.HTML_502:
            return page(502, "Bad Gateway")
        case Fault.CLOUDFLARE_524:
            return page(524, "A timeout occurred")
        case _:
            return None
