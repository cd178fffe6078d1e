"""Which sentence fits an error best: some keys have several, told apart by the error's parameters."""

from collections.abc import Iterator

from core.errors import Params


def variants(key: str, params: Params) -> Iterator[str]:
    """The keys to try, the most fitting first and ``key`` itself last. Parameters may be missing or of odd types:
    a stored failure may come from another version."""
    match key:
        case "error.credits_used_up":
            yield from _credits(params)
        case "error.model_unknown" if not params.get("near"):
            yield "error.model_unknown.alone"
        case "error.no_model":
            yield f"error.no_model.{params.get('operation')}"
        case "error.not_offered":
            if not params.get("others"):
                yield f"error.not_offered.alone_{params.get('what')}"
            yield f"error.not_offered.{params.get('what')}"
        case "error.choice_unknown":
            yield f"error.choice_unknown.{params.get('what')}"
        case "error.flag_invalid" if params.get("value") == "":
            yield "error.flag_invalid.empty"
    yield key


def _credits(params: Params) -> Iterator[str]:
    cost, left, limit = (_whole(params.get(name)) for name in ("cost", "left", "limit"))
    scope, window = params.get("scope"), params.get("window")
    if cost is not None and limit is not None and cost > limit:
        yield f"error.credits_used_up.over_{window}"  # waiting would not help
    if left == 0:
        yield f"error.credits_used_up.none_{scope}_{window}"
    yield f"error.credits_used_up.some_{scope}_{window}"


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) else None
