"""A model of a service that is compatible with OpenAI is added by a row of a file, without any code."""

import re
from pathlib import Path

from PIL import Image

from sandbox.gateways import ApicoreSandbox, OpenAiSandbox
from tests.e2e.started import CHECKOUT
from tests.e2e.test_cli import imagine

#: The example of the README, so that it is known to work as it stands there.
ROW = next(
    row
    for row in re.findall(r"```toml\n(.*?)```", (CHECKOUT / "README.md").read_text("utf-8"), re.DOTALL)
    if 'gateway = "openai"' in row
)


async def test_the_readmes_row_in_a_models_file_makes_and_edits_pictures(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(ROW, "utf-8")
    async with OpenAiSandbox(models=["paint-7"]).running() as service:
        settings = {
            "MODELS_FILE": "mine.toml",
            "OPENAI_API_KEY": service.default_key,
            "OPENAI_BASE_URL": f"{service.base_url}/v1",
        }
        made = await imagine(
            tmp_path, "generate", "a red fox", "--model", "paint", "--ratio", "16:9", settings=settings
        )
        assert made.code == 0, made.err
        file = made.out.strip()
        with Image.open(file) as picture:
            assert picture.size == (1344, 768)
        edited = await imagine(tmp_path, "generate", "make it night", "--image", file, settings=settings)
        assert edited.code == 0, edited.err
        assert [(order.model, len(order.pictures)) for order in service.orders] == [("paint-7", 0), ("paint-7", 1)]


async def test_doctor_says_what_a_key_of_apicore_may_still_spend(tmp_path: Path) -> None:
    async with ApicoreSandbox().running() as apicore:
        settings = {"APICORE_API_KEY": apicore.default_key, "APICORE_BASE_URL": apicore.base_url}
        ran = await imagine(tmp_path, "doctor", settings=settings)
    [line] = [line for line in ran.out.splitlines() if "gateway apicore" in line]
    assert "$2.00 left" in line
    assert apicore.default_key not in ran.out + ran.err
