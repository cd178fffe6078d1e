"""Midjourney as an operator switches it on: an address, a secret, and four pictures each time."""

from pathlib import Path

from PIL import Image

from sandbox.gateways import MidjourneySandbox
from tests.e2e.test_cli import imagine


async def test_one_request_is_one_task_at_the_proxy_and_four_pictures_for_the_person(tmp_path: Path) -> None:
    async with MidjourneySandbox(area=256 * 256).running() as proxy:
        settings = {"MIDJOURNEY_PROXY_URL": proxy.base_url, "MIDJOURNEY_PROXY_SECRET": proxy.default_key}
        ran = await imagine(tmp_path, "generate", "a red fox", "--ratio", "16:9", "--out", "fox", settings=settings)
        assert ran.code == 0, ran.err
        files = [Path(line) for line in ran.out.splitlines()]
        assert len({file.read_bytes() for file in files}) == 4
        for file in files:
            with Image.open(file) as picture:
                assert picture.width > picture.height
        assert len(proxy.orders) == len(proxy.deliveries) == 1
        assert proxy.default_key not in ran.out + ran.err
