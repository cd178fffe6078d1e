"""Wait for a fact, never for a while."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable


async def until(fact: Callable[[], object | Awaitable[object]], *, timeout: float = 15.0) -> None:
    """Look again and again until ``fact`` is true. Raises TimeoutError naming it."""
    try:
        async with asyncio.timeout(timeout):
            while True:
                found = fact()
                if await found if inspect.isawaitable(found) else found:
                    return
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise TimeoutError(f"never came true within {timeout} s: {inspect.getsource(fact).strip()}") from None
