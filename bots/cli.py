"""The command line: ``imagine``. Exit codes: 0 done, 1 failed, 2 wrong usage."""

import asyncio
import contextlib
import json
import re
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from core.errors import ImagineError, SettingsError
from core.settings import Settings, load

app = typer.Typer(
    name="imagine",
    help="Telegram and Discord bots with which communities make and edit pictures together.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
database = typer.Typer(help="The database's schema.", no_args_is_help=True)
app.add_typer(database, name="db")

out = Console(soft_wrap=True, highlight=False)
err = Console(stderr=True, soft_wrap=True, highlight=False)


class _Options:
    """Global options."""

    debug = False


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks and log everything.")] = False,
) -> None:
    """Telegram and Discord bots with which communities make and edit pictures together."""
    _Options.debug = debug


def main() -> None:
    """The console script. Every error is one sentence; a traceback only with ``--debug``."""
    try:
        app()
    except ImagineError as error:
        if _Options.debug:
            raise
        err.print(f"[red]imagine:[/red] {_sentence(error)}")
        sys.exit(1)


def _sentence(error: ImagineError) -> str:
    from rich.markup import escape

    from bots.words import Words
    from core.errors import StoreDown

    if isinstance(error, SettingsError):
        return escape(str(error))
    if isinstance(error, StoreDown):
        if error.reason.startswith("media store"):
            return escape(f"MEDIA_URL: {error.reason}")
        return escape(f"DATABASE_URL: the database cannot be used: {error.reason}")
    return escape(Words().error("en", error))


def settings_and_logs(**overrides: object) -> Settings:
    """Read the settings, set the logs up."""
    from bots.logs import configure
    from core.masking import Masker

    settings = load(**overrides)
    level = "debug" if _Options.debug else settings.log_level
    configure(level=level, style=settings.log_format, masker=Masker(settings.secrets()))
    return settings


async def until_signalled(work: Coroutine[Any, Any, None], stopping: asyncio.Event) -> None:
    """Run ``work``; the first SIGTERM or SIGINT sets ``stopping``, the second ends it at once."""
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(work)

    def asked_to_stop() -> None:
        if stopping.is_set():
            task.cancel()
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked_to_stop)
    with contextlib.suppress(asyncio.CancelledError):
        await task


@app.command()
def run(
    part: Annotated[
        list[str] | None,
        typer.Option("--part", help="telegram, discord, worker or web; may be given several times.", metavar="PART"),
    ] = None,
) -> None:
    """Run the bots: everything that is configured, or only the named parts."""
    from bots import loop
    from bots.parts import PARTS
    from bots.parts import run as run_parts

    wanted = tuple(part or ())
    for name in wanted:
        if name not in PARTS:
            raise typer.BadParameter(f"{name!r} is not one of {', '.join(PARTS)}.", param_hint="--part")
    settings = settings_and_logs()

    async def all_parts() -> None:
        stopping = asyncio.Event()
        await until_signalled(run_parts(settings, wanted, stopping), stopping)

    loop.run(all_parts())


@app.command()
def demo(
    port: Annotated[int, typer.Option(help="Where the page is served; 0 chooses a free one.", min=0, max=65535)] = 8765,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Do not open the page.")] = False,
    script: Annotated[
        Path | None, typer.Option(help="Play this conversation, print what the bots post, and exit.", exists=True)
    ] = None,
) -> None:
    """Try the real bots against stand-ins on this machine: no token, no key, no network."""
    from bots import loop
    from sandbox.demo import play, show

    stopping = asyncio.Event()

    async def work(outcome: list[bool]) -> None:
        if script is None:
            await show(port=port, browser=not no_browser, out=out, stopping=stopping, debug=_Options.debug)
            outcome.append(True)
            return
        playing = asyncio.create_task(play(script, out=out, debug=_Options.debug))
        asked = asyncio.create_task(stopping.wait())
        await asyncio.wait({playing, asked}, return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        if playing.done():
            outcome.append(playing.result())
            return
        playing.cancel()
        await asyncio.wait({playing})

    async def the_demo() -> bool:
        outcome: list[bool] = []
        await until_signalled(work(outcome), stopping)
        return outcome == [True]

    if not loop.run(the_demo()):
        raise typer.Exit(1)


@app.command()
def doctor() -> None:
    """Check every token, key, intent, the database, the media store and the addresses, a line each."""
    from bots.doctor import examine

    settings = settings_and_logs(log_level="error")
    wrong = 0
    for finding in asyncio.run(examine(settings)):
        mark = "[green]ok[/green]  " if finding.ok else "[red]FAIL[/red]"
        out.print(mark, end=" ")
        out.print(f"{finding.what}: {finding.text}", markup=False)
        wrong += not finding.ok
    if wrong:
        raise typer.Exit(1)


@app.command()
def generate(
    prompt: Annotated[str, typer.Argument(help="What to make, or what to change.")],
    image: Annotated[
        list[Path] | None,
        typer.Option(
            help="A picture to work on; may be given several times.", exists=True, dir_okay=False, readable=True
        ),
    ] = None,
    model: Annotated[str | None, typer.Option(help="A name from `imagine models`.")] = None,
    ratio: Annotated[str | None, typer.Option(help="Width to height, such as 16:9.")] = None,
    count: Annotated[int | None, typer.Option(help="How many pictures.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed makes the same picture.")] = None,
    folder: Annotated[Path, typer.Option("--out", help="Where the files go.")] = Path(),
) -> None:
    """Make or edit a picture from the terminal, with the same core as the bots.

    It works on the bots' own database: where no bots are running on it, it also goes on with what is waiting there.
    """
    from bots.generate import Wish, make

    settings = settings_and_logs(log_level="error")
    wish = Wish(prompt, tuple(image or ()), model, ratio, count, seed, folder)
    for path in asyncio.run(make(settings, wish, err)):
        out.print(str(path), markup=False)


@app.command()
def models(
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """List the models: name, gateway, wire id, what it can do, credits, usable or why not."""
    from bots.app import catalogue_of, verified_models
    from bots.listing import as_lines, as_rows

    settings = settings_and_logs(log_level="error")
    listed = catalogue_of(settings).listed()
    verified = asyncio.run(verified_models(settings, listed))
    if as_json:
        out.print(json.dumps(as_rows(listed, verified), indent=2), markup=False)
    else:
        for line in as_lines(listed, verified):
            out.print(line, markup=False)


@app.command()
def stats(
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Show how everything stands: the queue, credits, each gateway and its account. Works beside running bots."""
    from bots.figures import as_document, as_text, asked

    settings = settings_and_logs(log_level="error")
    report = asyncio.run(asked(settings))
    out.print(json.dumps(as_document(report), indent=2) if as_json else as_text(report), markup=False)


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="Where the backup goes, such as imagine.tar.", dir_okay=False)],
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there already.")] = False,
) -> None:
    """Back up the database and the media store into one file. The bots may go on working."""
    from core.backup import back_up
    from core.clock import utc_now
    from core.media import open_media

    settings = settings_and_logs(log_level="error")
    media = open_media(settings.media_url)
    work = back_up(settings.database_url, media, file, now=utc_now(), force=force, tell=_progress)
    content = asyncio.run(work)
    out.print(f"{file}: rows {sum(content.rows.values()):,}, pictures and videos {content.media:,}", markup=False)
    if content.missing:
        out.print(f"no longer in the media store: {content.missing:,}")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A file that `imagine backup` wrote.", exists=True, dir_okay=False)],
) -> None:
    """Put a backup into the empty database and the media store that the settings name. No bots may be running there.

    Also the way from SQLite to PostgreSQL, and back.
    """
    from bots.parts import only_worker
    from core.backup import restore as put_back
    from core.media import open_media

    settings = settings_and_logs(log_level="error")
    with only_worker(settings.database_url) as alone:
        if not alone:
            raise SettingsError("DATABASE_URL", "bots are working on this database; stop them first")
        media = open_media(settings.media_url)
        content = asyncio.run(put_back(settings.database_url, media, file, tell=_progress))
    out.print(f"restored: rows {sum(content.rows.values()):,}, pictures and videos {content.media:,}")


@app.command()
def forget(
    account: Annotated[str, typer.Argument(help="Whom, such as telegram:123 or discord:456.")],
) -> None:
    """Erase a person: words, pictures and messages of theirs. Credits used stay in the sums, as nobody's."""
    from core.clock import utc_now
    from core.forgetting import Forgotten
    from core.forgetting import forget as erase
    from core.media import open_media
    from core.store import open_store

    if not re.fullmatch(r"(telegram|discord):[1-9][0-9]{0,19}", account):
        raise typer.BadParameter(f"{account!r} is nobody; name a person by number, such as telegram:123.")
    settings = settings_and_logs(log_level="error")

    async def erased() -> Forgotten:
        store = await open_store(settings.database_url)
        try:
            return await erase(store, open_media(settings.media_url), account, utc_now)
        finally:
            await store.close()

    forgotten = asyncio.run(erased())
    out.print(f"{account}: requests {forgotten.tasks:,}, pictures and videos {forgotten.media:,}", markup=False)


def _progress(text: str) -> None:
    err.print(text, markup=False)


@database.command("upgrade")
def db_upgrade() -> None:
    """Bring the database to this version's schema."""
    from core.store import upgrade

    settings = settings_and_logs()
    asyncio.run(upgrade(settings.database_url))
    out.print("The database is up to date.")


@database.command("check")
def db_check() -> None:
    """Say whether the database has this version's schema; exit 1 if not."""
    from core.store import behind

    why = asyncio.run(behind(settings_and_logs().database_url))
    out.print(why or "The database is up to date.", markup=False)
    if why:
        raise typer.Exit(1)
