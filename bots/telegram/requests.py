"""From what a message asks for to a stored task. Quick: nothing here goes over the network."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from telegram import Chat, User

from bots import prompts
from bots.telegram.albums import SETTLE_FOR, Albums, Short
from bots.telegram.meaning import AlbumPart, Ask
from bots.telegram.places import NAME
from bots.words import Words
from core.capabilities import NEEDS
from core.client import Client
from core.errors import ImageGone, ImageMissing, StoreDown, TaskUnknown
from core.types import Address, FrontFile, Input, Operation, PostedMessage, Request, Task, Who

#: They take two pictures that each mean something else: what more an album has is not waited for.
_PAIRS = frozenset({Operation.INPAINT, Operation.FACESWAP})


def who_of(user: User, chat: Chat, words: Words) -> Who:
    """The one who asks, in the language of their Telegram."""
    return Who(
        account=f"{NAME}:{user.id}",
        chat=f"{NAME}:{chat.id}",
        locale=words.pick(user.language_code),
        name=user.full_name,
    )


@dataclass(frozen=True)
class Waits:
    """Not stored yet: too few pictures of this album have come. Give up with :meth:`Requests.too_few`."""

    album: str


class Requests:
    """Stores what is asked for. All methods raise StoreDown."""

    def __init__(
        self, client: Client, stored: Callable[[Task], None] = lambda task: None, *, settle_for: float = SETTLE_FOR
    ) -> None:
        """``stored`` is told of every task that comes of it; ``settle_for``: seconds it waits for its whole album."""
        self._client, self._stored, self._settle_for = client, stored, settle_for
        self._albums = Albums()

    async def order(self, ask: Ask, *, who: Who, address: Address, event: str) -> Task | Waits | None:
        """The stored task; None when it was just talk. Raises RequestError, LimitError, TaskError."""
        asked = Short(ask, (ask.own,) if ask.own else (), who, address, event)
        if ask.album is None:
            return await self._order(asked)
        earlier = self._albums.take(ask.album)
        asked = replace(asked, own=(*earlier, *asked.own))
        if _is_short(asked, prompts.parse(ask.words)):
            self._albums.hold(ask.album, asked)
            return Waits(ask.album)
        try:
            return await self._order(asked)
        except StoreDown:
            self._albums.give_back(ask.album, earlier)
            raise

    async def _order(self, asked: Short) -> Task | None:
        task = await self._made(asked)
        if task is not None:
            self._stored(task)
        return task

    async def _made(self, asked: Short) -> Task | None:
        ask, own = asked.ask, asked.own
        parsed = prompts.parse(ask.words)
        known = await self._client.posted(NAME, ask.ours) if ask.ours else None
        if known is not None:
            try:
                return await self._of_ours(known, asked, parsed)
            except TaskUnknown:
                # Our own copy is gone; what the chat shows is second best.
                if ask.replied is None:
                    raise
            except ImageGone:
                # What it shows are words, or a video.
                if ask.replied is None and not own:
                    return _talk(ask)
        elif ask.ours and ask.replied is None and not own:
            return _talk(ask)
        images, mask = _inputs(ask.operation, ask.replied, own)
        return await self._submit(replace(prompts.request(parsed, ask.operation, images), mask=mask), asked)

    async def _of_ours(self, known: PostedMessage, asked: Short, parsed: prompts.Parsed) -> Task:
        """Of our own pictures the original is at hand, in better quality than the chat's copy."""
        operation, own = asked.ask.operation, asked.own
        if asked.ask.album is None and operation is not Operation.FACESWAP:
            is_masked = operation is Operation.INPAINT
            request = prompts.request(parsed, operation, () if is_masked else own)
            return await self._client.work_on(
                known.task_id,
                known.index,
                replace(request, mask=own[-1]) if is_masked else request,
                who=asked.who,
                address=asked.address,
                event=asked.event,
            )
        original = await self._client.result(known.task_id, known.index)
        images, mask = _inputs(operation, original, own)
        request = replace(prompts.request(parsed, operation, images), mask=mask)
        return await self._submit(request, asked, parent=known.task_id)

    async def _submit(self, request: Request, asked: Short, *, parent: str | None = None) -> Task:
        album = None if request.operation in _PAIRS else asked.ask.album
        return await self._client.submit(
            request,
            who=asked.who,
            address=asked.address,
            event=album or asked.event,
            parent=parent,
            settle_for=self._settle_for if album else 0.0,
        )

    async def part(self, part: AlbumPart) -> bool:
        """One more picture of an album. True when it is the first that has to wait for its words. Raises RequestError,
        LimitError, TaskError when its words have waited for it and cannot be followed."""
        is_taken = await self._client.add_input(part.album, part.picture)
        short = self._albums.held(part.album)
        if is_taken:
            return False
        if short is None:
            return self._albums.remember(part.album, part.picture)
        asked = replace(short, own=(*short.own, part.picture))
        try:
            await self._order(asked)
        except StoreDown:
            self._albums.hold(part.album, short)
            raise
        return False

    async def follow(self, album: str) -> bool:
        """Add the pictures that wait here to their album's task, which another process may have stored meanwhile.
        False while there are some and there is none."""
        waiting = self._albums.waiting(album)
        for picture in waiting:
            if not await self._client.add_input(album, picture):
                return False
        if self._albums.waiting(album) != waiting:
            return False  # one more has come meanwhile
        if waiting:
            self._albums.take(album)
        return True

    def wordless(self, album: str) -> bool:
        """Give up waiting for an album's words. False when they came meanwhile."""
        return self._albums.give_up(album)

    def too_few(self, album: str) -> bool:
        """Give up waiting for an album's pictures. False when they came meanwhile."""
        return self._albums.held(album) is not None

    def refuse(self, album: str) -> None:
        """Nothing will be made of this album: its pictures are not asked about."""
        self._albums.take(album)


def _is_short(asked: Short, parsed: prompts.Parsed) -> bool:
    """Whether the pictures seen so far are fewer than what is asked for starts from."""
    ask, needs = asked.ask, NEEDS[asked.ask.operation]
    given = len(asked.own) + (ask.replied is not None or ask.ours is not None)
    wordless = 1 if parsed.prompt else needs.wordless
    return given < (2 if ask.operation in _PAIRS else max(needs.fewest, wordless))


def _inputs(
    operation: Operation, base: Input | None, own: tuple[FrontFile, ...]
) -> tuple[tuple[Input, ...], Input | None]:
    """The pictures and the mask, from the picture that is answered and one's own ones."""
    bases = () if base is None else (base,)
    match operation:
        case Operation.INPAINT:
            # A file can be both: the picture, with a hole in it.
            given = (*bases, *own)
            return given[:1], given[-1]
        case Operation.FACESWAP:
            return (*own, *bases), None
        case _:
            return (*bases, *own), None


def _talk(ask: Ask) -> Task | None:
    """In answer to a message of ours that shows no picture. Raises ImageMissing when it was more than talk."""
    if ask.implied:
        return None
    raise ImageMissing
