"""``imagine demo --script``: the shipped conversation passes; what is missed or unreadable exits with 1."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

import sandbox.demo

SHIPPED = Path(sandbox.demo.__file__).with_name("conversation.toml")
CHECKOUT = Path(__file__).parents[1]


async def played(script: Path, folder: Path) -> tuple[int, str]:
    """Exit code and output of the command, as a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bots",
        "demo",
        "--script",
        str(script),
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(CHECKOUT), "PYTHONUTF8": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        out, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, out.decode()


@pytest.mark.timeout(600)
async def test_the_shipped_conversation_with_every_trigger_comes_out_as_expected(tmp_path: Path) -> None:
    code, out = await played(SHIPPED, tmp_path)
    assert code == 0, out
    assert "✗" not in out
    assert "telegram group | bot → ana: [photo 1280×723] a red fox in the snow" in out
    assert "expectations met" in out.splitlines()[-1]


async def test_what_does_not_come_is_said_and_exits_with_1(tmp_path: Path) -> None:
    script = tmp_path / "talk.toml"
    script.write_text(
        """
        [[step]]
        on = "telegram"
        chat = "private"
        who = "ana"
        say = "/usage"
        expect = { text = "Your credits", pictures = 3, within = 2 }
        """,
        "utf-8",
    )
    code, out = await played(script, tmp_path)
    assert code == 1
    assert "✓ says “Your credits”" in out
    assert "✗ pictures = 3" in out
    assert "1 of 2 expectations missed" in out


async def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    script = tmp_path / "talk.toml"
    script.write_text('[[step]]\non = "telegram"\nchat = "group"\nwho = "zoe"\nsay = "hello"\n', "utf-8")
    code, out = await played(script, tmp_path)
    assert code == 1
    assert out.startswith("imagine: --script: talk.toml, step 1: who")
    assert len(out.strip().splitlines()) == 1
