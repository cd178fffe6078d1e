"""aihuihua's four codes, and what stands in for all that its documents do not say about refusals (gateways §1.1)."""

import re

from starlette.requests import Request

from sandbox.gateways.base import GatewaySandbox, Json
from sandbox.gateways.faults import REFUSALS, Fault, Stage, wished
from sandbox.gateways.refusals import Refusal

_BANNED = re.compile(r"\b(?:nude|gore|blood)\b|裸体|血腥", re.IGNORECASE)
_SAID = {1: "Submit success", 23: "队列已满，请稍后再试", 24: "提示词包含敏感词"}


class AihuihuaCodes(GatewaySandbox):
    """What every endpoint of aihuihua answers alike. ``text_codes``: a submit's code is "1" and not 1."""

    default_key = "1333_sandboxAihuihuaSecret"
    slash_redirects = False
    text_codes = False

    def _planned(self, prompt: str, operation: str) -> Fault | None:
        """What is to go wrong with a submit, by its prompt or by plan; a refusal is raised at once."""
        try:
            fault = wished(prompt)
        except ValueError:
            raise self._invalid("The prompt asks for a fault that does not exist", "prompt") from None
        fault = fault or self._faults.take(Stage.SUBMIT, model=operation)
        if fault is Fault.FEWER_PICTURES:
            raise self._invalid(f"{fault} cannot happen to this request", "prompt")
        if fault in REFUSALS:
            raise self._refusal(fault, operation)
        return fault

    def _judged(self, prompt: str) -> None:
        if _BANNED.search(prompt):
            raise Refusal(200, self._said(24, ""))

    def _said(self, code: int, result: str, text: str = "") -> Json:
        """A submit's answer; the table declares the code a string, every example shows a number."""
        told = str(code) if self.text_codes else code
        return {"code": told, "description": text or _SAID.get(code, _SAID[1]), "result": result}

    def _trouble(self, status: int, text: str) -> Refusal:
        """What is not documented: an HTTP status, and the same number as code."""
        return Refusal(status, {"code": status, "description": text})

    def _invalid(self, message: str, param: str, reason: str = "") -> Refusal:
        return Refusal(400, {"code": 4, "description": message})

    def _no_route(self, request: Request) -> Refusal:
        return self._trouble(404, f"Not Found: {request.method} {request.url.path}")

    def _refusal(self, fault: Fault, model: str) -> Refusal:
        if fault is Fault.MODERATION_400:
            return Refusal(200, self._said(24, ""))
        return super()._refusal(fault, model)

    def _own_words(self, fault: Fault, model: str) -> Refusal:
        if fault is Fault.UNAUTHORIZED_401:
            return self._trouble(401, "密钥无效")
        if fault is Fault.NOT_FOUND_404:
            return self._trouble(404, "接口不存在")
        return self._trouble(429, "请求过于频繁，请稍后再试")

    def _key(self, request: Request) -> str:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or key not in self.keys:
            raise self._trouble(401, "密钥无效")
        return key
