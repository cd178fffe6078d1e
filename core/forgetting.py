"""``imagine forget``: a person's rows first, then the pictures that nobody else has."""

from dataclasses import dataclass

from core.media import ObjectMedia
from core.ports import Clock, Store


@dataclass(frozen=True)
class Forgotten:
    """What there was of a person."""

    tasks: int
    media: int  #: pictures and videos that are gone with them


async def forget(store: Store, media: ObjectMedia, account: str, clock: Clock) -> Forgotten:
    """Erase a person. Raises SettingsError while a request of theirs is being made or posted, StoreDown."""
    began = clock()
    tasks, keys = await store.forget(account)
    in_use = await store.media_in_use()  # sent by somebody else meanwhile
    gone = [await media.remove(key, unless_since=began) for key in sorted(keys - in_use)]
    return Forgotten(tasks, sum(gone))
