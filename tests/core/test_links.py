"""Addresses that only we can make, and only for a while."""

from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as some

from core.links import LINK_LIFE, Links, Publisher
from core.media import open_media
from core.testing import ManualClock
from core.types import MediaRef
from tests.core.world import png

CLOCK = ManualClock()
LINKS = Links("https://bots.example.org", "ab" * 32, CLOCK)
REF = MediaRef("0123456789abcdef" * 4, "image/png", 1000, 64, 48)


def last(address: str) -> str:
    return address.rpartition("/")[2]


def test_a_link_leads_to_its_picture_and_says_until_when() -> None:
    address = LINKS.picture(REF)
    assert address.startswith(f"https://bots.example.org/media/{REF.key}-")
    assert address.endswith(".png")
    link = LINKS.opened(last(address))
    assert link == (REF.key, (CLOCK() + LINK_LIFE).replace(microsecond=0))


@pytest.mark.parametrize(
    ("mime", "ending"), [("image/jpeg", ".jpg"), ("image/webp", ".webp"), ("video/mp4", ".mp4"), ("image/gif", "")]
)
def test_the_ending_is_that_of_the_kind_and_is_part_of_the_link(mime: str, ending: str) -> None:
    token = last(LINKS.picture(replace(REF, mime=mime)))
    assert token[len(token) - len(ending) :] == ending
    assert token.count(".") == (1 if ending else 0)
    assert LINKS.opened(token) is not None
    assert LINKS.opened(token.partition(".")[0] + ".png") is None


@given(some.data())
def test_no_altered_token_is_honoured(data: some.DataObject) -> None:
    token = last(LINKS.picture(REF))
    place = data.draw(some.integers(0, len(token)))
    cut = data.draw(some.integers(0, 3))
    put = data.draw(some.text(max_size=3) | some.text("0123456789abcdef-.", max_size=3))
    altered = token[:place] + put + token[place + cut :]
    assert (LINKS.opened(altered) is not None) == (altered == token)


@given(some.text() | some.from_regex(r"[0-9a-f]{64}-[0-9]{1,12}-[0-9a-f]{32}(\.png)?", fullmatch=True))
def test_no_invented_token_is_honoured(token: str) -> None:
    assert LINKS.opened(token) is None


def test_a_life_cannot_be_made_longer_by_writing_a_later_time() -> None:
    key, expires, signature = last(LINKS.picture(REF)).split("-")
    assert LINKS.opened(f"{key}-{int(expires) + 1}-{signature}") is None
    assert LINKS.opened(f"{key}-0{expires}-{signature}") is None


def test_another_databases_links_and_call_back_addresses_are_not_ours() -> None:
    other = replace(LINKS, secret="cd" * 32)
    assert other.opened(last(LINKS.picture(REF))) is None
    assert not other.is_hook("alpha", last(LINKS.hook("alpha")))
    assert other.instance() != LINKS.instance()


def test_a_call_back_address_is_one_gateways_own() -> None:
    address = LINKS.hook("alpha")
    assert address.startswith("https://bots.example.org/callbacks/alpha/")
    assert LINKS.is_hook("alpha", last(address))
    assert not LINKS.is_hook("beta", last(address))
    assert not LINKS.is_hook("alpha", last(address).upper())
    assert not LINKS.is_hook("alpha", "")
    assert not LINKS.is_hook("alpha", "é")


def test_what_is_told_to_one_purpose_serves_no_other() -> None:
    made = [*LINKS.secrets("alpha"), LINKS.instance(), last(LINKS.picture(REF)).split("-")[2].partition(".")[0]]
    assert len({value[:16] for value in made}) == len(made)
    assert LINKS.secrets("alpha") == (last(LINKS.hook("alpha")), LINKS.hook_secret("alpha"))


async def test_what_is_published_is_kept_and_its_address_leads_to_it(tmp_path: Path) -> None:
    media = open_media(f"file://{tmp_path}/media")
    address = await Publisher(LINKS, media).publish(png("green"))
    assert httpx.URL(address).host == "bots.example.org"
    link = LINKS.opened(last(address))
    assert link is not None
    assert await media.find(link.key) == png("green")
