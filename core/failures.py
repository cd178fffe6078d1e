"""What the tracker makes of failures: what is asked again, and what operators read of them."""

import structlog

from core.errors import AnswerMissing, GatewayError, GatewayFailed
from core.types import Order

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


def question_failed(error: GatewayError | None) -> GatewayError:
    """A question that was not answered is asked again, whatever the reason: the order itself is out there and paid."""
    if error is None or isinstance(error, AnswerMissing):
        return error or AnswerMissing(detail="the answer left this order out")
    return GatewayFailed(detail=str(error), retry_after=error.retry_after)


def log_failure(order: Order, error: GatewayError) -> None:
    """For operators: who failed at what, with the raw answer."""
    log.warning(
        "gateway failure",
        order=order.id,
        gateway=order.gateway,
        model=order.model,
        state=order.state.value,
        attempt=order.attempts,
        error=type(error).__name__,
        charged=error.charged.value,
        detail=error.detail[:2000],
    )
