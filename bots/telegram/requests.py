"""From what a message asks for to a stored task. Quick: nothing here goes over the network."""

from dataclasses import replace

from telegram import Chat, User

from bots import prompts
from bots.telegram.albums import SETTLE_FOR, Albums
from bots.telegram.meaning import AlbumPart, Ask
from bots.telegram.places import NAME
from bots.words import Words
from core.client import Client
from core.errors import ImageGone, ImageMissing, StoreDown, TaskUnknown
from core.types import Address, FrontFile, Input, Operation, PostedMessage, Request, Task, Who


def who_of(user: User, chat: Chat, words: Words) -> Who:
    """The one who asks, in the language of their Telegram."""
    return Who(
        account=f"{NAME}:{user.id}",
        chat=f"{NAME}:{chat.id}",
        locale=words.pick(user.language_code),
        name=user.full_name,
    )


class Requests:
    """Stores what is asked for. All methods raise StoreDown."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._albums = Albums()

    async def order(self, ask: Ask, *, who: Who, address: Address, event: str) -> Task | None:
        """The stored task; None when it was just talk. Raises RequestError, LimitError, TaskError."""
        parsed = prompts.parse(ask.words)
        if ask.album is None:
            return await self._order(ask, parsed, (), who=who, address=address, event=event)
        earlier = self._albums.take(ask.album)
        try:
            return await self._order(ask, parsed, earlier, who=who, address=address, event=event)
        except StoreDown:
            self._albums.give_back(ask.album, earlier)
            raise

    async def _order(
        self,
        ask: Ask,
        parsed: prompts.Parsed,
        earlier: tuple[FrontFile, ...],
        *,
        who: Who,
        address: Address,
        event: str,
    ) -> Task | None:
        own = (*earlier, *((ask.own,) if ask.own else ()))
        known = await self._client.posted(NAME, ask.ours) if ask.ours else None
        if known is not None:
            request = prompts.request(parsed, Operation.EDIT, own)
            try:
                return await self._edit(known, request, ask.album, who=who, address=address, event=event)
            except (ImageGone, TaskUnknown):
                # Our own copy is gone; what the chat shows is second best.
                if ask.replied is None:
                    raise
        elif ask.ours and ask.replied is None and not own:
            if ask.implied:
                return None
            raise ImageMissing
        images = (*((ask.replied,) if ask.replied else ()), *own)
        request = prompts.request(parsed, ask.operation, images)
        return await self._submit(request, ask.album, who=who, address=address, event=event)

    async def _edit(
        self, known: PostedMessage, request: Request, album: str | None, *, who: Who, address: Address, event: str
    ) -> Task:
        """Of our own pictures the original is at hand, in better quality than the chat's copy."""
        if album is None:
            return await self._client.edit(known.task_id, known.index, request, who=who, address=address, event=event)
        images: tuple[Input, ...] = (await self._client.result(known.task_id, known.index), *request.images)
        whole = replace(request, images=images)
        return await self._submit(whole, album, who=who, address=address, event=event, parent=known.task_id)

    async def _submit(
        self,
        request: Request,
        album: str | None,
        *,
        who: Who,
        address: Address,
        event: str,
        parent: str | None = None,
    ) -> Task:
        return await self._client.submit(
            request,
            who=who,
            address=address,
            event=album or event,
            parent=parent,
            settle_for=SETTLE_FOR if album else 0.0,
        )

    async def part(self, part: AlbumPart) -> bool:
        """One more picture of an album. True when it is the first that has to wait for its words."""
        if await self._client.add_input(part.album, part.picture):
            return False
        return self._albums.remember(part.album, part.picture)

    def wordless(self, album: str) -> bool:
        """Give up waiting for an album's words. False when they came meanwhile."""
        return self._albums.give_up(album)
