"""A transaction is not cancelled halfway: cut off there, it would hold its locks until the connection is collected."""

import asyncio
import functools
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def whole(method: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """``method``, which once begun is finished even if its caller is cancelled meanwhile."""

    @functools.wraps(method)
    async def finished(*arguments: P.args, **options: P.kwargs) -> T:
        work = asyncio.ensure_future(method(*arguments, **options))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            # Not `await work`: its own failure belongs to nobody any more, the cancellation does.
            await asyncio.wait({work})
            if not work.cancelled():
                work.exception()
            raise

    return finished


def wholly(kind: type[T]) -> type[T]:
    """Make every public coroutine method of a class :func:`whole`."""
    methods: list[tuple[str, Any]] = inspect.getmembers(kind, inspect.iscoroutinefunction)
    for name, method in methods:
        if not name.startswith("_"):
            setattr(kind, name, whole(method))
    return kind
