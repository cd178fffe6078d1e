"""What a script attaches: a picture, the same one painted over, and the mask of that part."""

import pytest

from core.masks import mask_of
from sandbox.demo.samples import HEIGHT, PART, WIDTH, is_picture, picture

LAKE = "a lake at sunset"


@pytest.mark.parametrize("kind", ["painted", "mask"])
async def test_what_shows_a_part_of_a_sample_is_understood_as_that_part(kind: str) -> None:
    shown = await picture(f"sample:{LAKE}")
    marked = await picture(f"{kind}:{LAKE}")
    mask = mask_of(shown.data, marked.data)
    assert (mask.width, mask.height) == (WIDTH, HEIGHT)
    assert mask.area.getbbox() == pytest.approx(PART, abs=0.03 * WIDTH)


def test_only_pictures_of_a_kind_that_there_is_are_pictures() -> None:
    assert [is_picture(told) for told in ("sample:a", "painted:a", "mask:a", "mask", "task:a", "a fox")] == [
        *(True, True, True),
        *(False, False, False),
    ]
