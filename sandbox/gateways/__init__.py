"""Stand-ins for the gateways: strict about every field, drawing real pictures, failing on request.

Each runs on several loopback ports, as the real services use several hosts: the API, the host results are downloaded
from, a host a client must never visit, and for aihubmix the second host for tasks and the host of ``polling_url``.
"""

from sandbox.gateways.aihubmix import AihubmixSandbox
from sandbox.gateways.aihuihua import AihuihuaSandbox
from sandbox.gateways.apicore import ApicoreSandbox
from sandbox.gateways.apiyi import ApiyiSandbox
from sandbox.gateways.faults import Fault
from sandbox.gateways.midjourney import MidjourneySandbox
from sandbox.gateways.openai import OpenAiSandbox
from sandbox.gateways.records import Order, Received
from sandbox.gateways.shapes import Shape

__all__ = [
    "AihubmixSandbox",
    "AihuihuaSandbox",
    "ApicoreSandbox",
    "ApiyiSandbox",
    "Fault",
    "MidjourneySandbox",
    "OpenAiSandbox",
    "Order",
    "Received",
    "Shape",
]
