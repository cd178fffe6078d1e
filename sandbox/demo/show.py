"""Serve the page until somebody stops it."""

import asyncio
import contextlib
import webbrowser
from urllib.parse import urlsplit

import typer
from rich.console import Console

from core.errors import SettingsError
from sandbox.demo.page import Page
from sandbox.demo.stage import BotsEnded, staged
from sandbox.serving import serve


async def show(*, port: int, browser: bool, out: Console, stopping: asyncio.Event, debug: bool) -> None:
    """Run bots, stand-ins and page until ``stopping``; prints the page's address, and opens it with ``browser``.

    Raises SettingsError for a port that is taken, and ``typer.Exit`` when the bots end by themselves.
    """
    try:
        async with staged(debug=debug) as stage, contextlib.AsyncExitStack() as stack:
            served_at = [port]
            try:
                page = Page(stage).app(lambda: served_at[0])
                address = await stack.enter_async_context(serve(page, port=port))
            except OSError as error:
                raise SettingsError(
                    "--port", f"cannot serve the page on port {port} ({error.strerror}); choose another, or 0 for any"
                ) from None
            served_at[0] = urlsplit(address).port or port
            await stage.ready()
            out.print(f"The bots are up. Open [bold]{address}[/bold]  (Ctrl-C ends the demo)", markup=True)
            if browser:
                await asyncio.to_thread(_open, address)
            await stage.until(stopping)
    except BotsEnded as ended:
        if debug:
            raise
        why = f": {type(ended.__cause__).__name__}" if ended.__cause__ else ""
        out.print(f"The bots stopped{why}. Run it again with --debug to see why.", markup=False)
        raise typer.Exit(1) from None


def _open(address: str) -> None:
    # Without a browser there is still the printed address.
    with contextlib.suppress(webbrowser.Error, OSError):
        webbrowser.open(address)
