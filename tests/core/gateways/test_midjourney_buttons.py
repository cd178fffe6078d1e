"""Midjourney's buttons as next steps: every one there is, and what is none."""

from typing import Any

import pytest

from core.gateways.midjourney_buttons import change_of, changes, has_buttons, is_below_a_grid, offers_of
from core.types import Offer, Operation

ID = "3dbbd469-36af-4a0f-8f02-df6c579e7011"
UPSCALE, VARY, ZOOM, PAN = Operation.UPSCALE, Operation.VARY, Operation.ZOOM, Operation.PAN
ANIMATE = Operation.ANIMATE


def button(custom_id: object, label: str = "", emoji: str = "") -> dict[str, Any]:
    return {"customId": custom_id, "emoji": emoji, "label": label, "type": 2, "style": 2}


def offered(custom_id: object, label: str = "", emoji: str = "") -> Offer | None:
    found = offers_of([button(custom_id, label, emoji)])
    return found[0] if found else None


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_the_buttons_below_a_grid_are_about_one_of_its_pictures(number: int) -> None:
    up, vary = f"MJ::JOB::upsample::{number}::{ID}", f"MJ::JOB::variation::{number}::{ID}"
    assert offered(up, f"U{number}") == Offer(UPSCALE, up, f"U{number}", number - 1)
    assert offered(vary) == Offer(VARY, vary, f"V{number}", number - 1)
    assert offered(f"FL::JOB::upsample::{number}::{ID}", "") is not None


@pytest.mark.parametrize(
    ("part", "operation", "label"),
    [
        ("JOB::reroll::0", Operation.IMAGINE, "🔄"),
        ("JOB::upsample_v7_2x_subtle::1", UPSCALE, "Upscale (Subtle)"),
        ("JOB::upsample_v7_2x_creative::1", UPSCALE, "Upscale (Creative)"),
        ("JOB::upsample_v6r1_2x_subtle::1", UPSCALE, "Upscale (Subtle)"),
        ("JOB::upsample_v6_2x_creative::1", UPSCALE, "Upscale (Creative)"),
        ("JOB::upsample_v5_2x::1", UPSCALE, "Upscale (2x)"),
        ("JOB::upsample_v5_4x::1", UPSCALE, "Upscale (4x)"),
        ("JOB::low_variation::1", VARY, "Vary (Subtle)"),
        ("JOB::high_variation::1", VARY, "Vary (Strong)"),
        ("Inpaint::1", Operation.INPAINT, "Vary (Region)"),
        ("Outpaint::50::1", ZOOM, "Zoom Out 2x"),
        ("Outpaint::75::1", ZOOM, "Zoom Out 1.5x"),
        ("Outpaint::100::1", ZOOM, "Make Square"),
        ("JOB::pan_left::1", PAN, "⬅️"),
        ("JOB::pan_right::1", PAN, "➡️"),
        ("JOB::pan_up::1", PAN, "⬆️"),
        ("JOB::pan_down::1", PAN, "⬇️"),
        ("JOB::animate_high::1", ANIMATE, "Animate (High motion)"),
        ("JOB::animate_low::1", ANIMATE, "Animate (Low motion)"),
        ("JOB::animate_high_extend::1", ANIMATE, "Extend (High motion)"),
        ("JOB::animate_low_extend::1", ANIMATE, "Extend (Low motion)"),
    ],
)
def test_the_buttons_below_one_picture_are_steps_with_a_label_also_where_they_have_none(
    part: str, operation: Operation, label: str
) -> None:
    token = f"MJ::{part}::{ID}::SOLO"
    assert offered(token) == Offer(operation, token, label)
    assert offered(token, "Redo Upscale (Subtle)") == Offer(operation, token, "Redo Upscale (Subtle)")


@pytest.mark.parametrize(
    "custom_id",
    [
        f"MJ::BOOKMARK::{ID}",
        f"MJ::CustomZoom::{ID}",
        "MJ::Job::PicReader::1",
        "MJ::Job::PicReader::all",
        "MJ::Picread::Retry",
        "MJ::Job::PromptAnalyzer::1",
        "MJ::CancelJob::ByJobid::" + ID,
        f"MJ::JOB::upsample::5::{ID}",
        f"MJ::JOB::variation::{ID}",
        f"MJ::Outpaint::33::1::{ID}",
        f"MJ::JOB::upsample_v9_dreamy::1::{ID}",
        f"MJ::JOB::sing::1::{ID}",
        "upsample",
        "",
        "null",
        None,
        7,
    ],
)
def test_what_makes_nothing_by_itself_or_is_unknown_is_no_step(custom_id: object) -> None:
    assert offered(custom_id, "Web", "❤️") is None


def test_the_order_stays_and_a_button_counts_once() -> None:
    first, second = f"MJ::JOB::pan_up::1::{ID}::SOLO", f"MJ::JOB::pan_down::1::{ID}::SOLO"
    found = offers_of([button(second), "x", None, {}, button(first), button(second, "again")])
    assert [offer.token for offer in found] == [second, first]
    no_buttons: tuple[object, ...] = (None, {}, "x", 7, [[]])
    for nothing in no_buttons:
        assert offers_of(nothing) == ()
        assert not has_buttons(nothing)
    assert not has_buttons([button(None, "Web")])
    assert has_buttons([button("MJ::BOOKMARK::1")])


def test_u_and_v_stand_below_a_grid_and_a_reroll_alone_tells_nothing() -> None:
    reroll, up = button(f"MJ::JOB::reroll::0::{ID}::SOLO"), button(f"MJ::JOB::upsample::1::{ID}")
    pan = button(f"MJ::JOB::pan_up::1::{ID}::SOLO")
    assert is_below_a_grid(offers_of([reroll, up])) is True
    assert is_below_a_grid(offers_of([reroll])) is None
    assert is_below_a_grid(offers_of([reroll, pan])) is False


def test_a_grid_without_buttons_has_the_oldest_steps() -> None:
    assert [(offer.operation, offer.label, offer.index) for offer in changes()] == [
        *((UPSCALE, f"U{n}", n - 1) for n in (1, 2, 3, 4)),
        (Operation.IMAGINE, "🔄", None),
        *((VARY, f"V{n}", n - 1) for n in (1, 2, 3, 4)),
    ]
    read = [change_of(offer.token) for offer in changes()]
    assert read[1] == {"action": "UPSCALE", "index": 2}
    assert read[4] == {"action": "REROLL", "index": 1}
    assert read[8] == {"action": "VARIATION", "index": 4}
    assert change_of(f"MJ::JOB::upsample::1::{ID}") is None
