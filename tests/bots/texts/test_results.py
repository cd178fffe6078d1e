"""Results that are words, next steps on a button, details, and what else a model can do."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given

from bots.texts import caption, details, models, offer_label, offered, status, told
from bots.words import Words
from core.capabilities import Capabilities
from core.catalogue import Listed
from core.gateway import Model
from core.ports import Rest
from core.types import Follow, Offer, Operation, Request, Stage, Ticket
from tests.bots.texts.samples import MARKDOWN, NOW, PLAIN, PROMPTS, view

WORDS = Words()
STEP = Follow(Ticket("alpha", "77"), "JOB::upsample", "Upscale (Subtle)")


def test_words_found_in_a_picture_are_numbered_like_their_buttons_and_escaped() -> None:
    shown = view(Stage.DONE, "", operation=Operation.DESCRIBE, texts=("a *fox*", "snow"))
    assert told(WORDS, shown, MARKDOWN) == (
        "What I see in it. Press a number to paint it:\n\n1. a \\*fox\\*\n\n2. snow"
    )
    assert told(WORDS, replace(shown, locale="zh-CN"), PLAIN).startswith("我在图里看到的")


@pytest.mark.parametrize("operation", Operation)
@pytest.mark.parametrize("locale", WORDS.languages)
def test_every_operation_says_what_is_being_done(operation: Operation, locale: str) -> None:
    def said(of: Operation) -> str:
        return status(WORDS, view(Stage.WORKING, "", operation=of, locale=locale, started_at=NOW), PLAIN, NOW)

    assert "\n" not in said(operation)
    assert (operation is Operation.IMAGINE) == (said(operation) == said(Operation.IMAGINE))


def test_a_caption_without_words_is_only_the_facts() -> None:
    shown = view(Stage.DONE, "", operation=Operation.CUTOUT, credits=2)
    assert caption(WORDS, shown, PLAIN, limit=1024, length=len) == "Cutting out · flux-2-pro · 2 credits"


def test_a_step_is_named_in_caption_and_details() -> None:
    request = Request(Operation.UPSCALE, "a fox", "midjourney", follow=STEP)
    shown = view(Stage.DONE, request=request, seconds=12.0)
    assert "🔍 Upscale (subtle) · midjourney" in caption(WORDS, shown, PLAIN, limit=1024, length=len)
    assert "Step: 🔍 Upscale (subtle)" in details(WORDS, "en", shown, PLAIN)


def test_details_tell_everything_in_the_readers_language() -> None:
    request = Request(Operation.IMAGINE, "a *fox*", "flux-2-pro", "16:9", 2, 42, "text")
    shown = view(Stage.DONE, request=request, seeds=(42, 43), seconds=75.0, credits=4)
    assert details(WORDS, "en", shown, MARKDOWN).splitlines() == [
        "**Details**",
        "Prompt: a \\*fox\\*",
        "What: new pictures",
        "Model: flux-2-pro",
        "Shape: 16:9",
        "Seed: 42, 43",
        "Without: text",
        "Took 1 min 15 s",
        "Cost: 4 credits",
        "Request: 7h2k9qz0m4xa",
    ]
    assert "提示词" in details(WORDS, "zh-CN", shown, PLAIN)


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ("U1", "U1"),
        ("🔄", "🔄"),
        ("Zoom Out 1.5x", "🔭 Zoom out 1.5×"),
        ("Vary (Strong)", "🎲 Vary (strong)"),
        ("Vary (Region)", "🖌️ Vary (region)"),
        ("", "Enlarging"),
        ("无损放大", "Enlarging"),
    ],
)
def test_a_step_is_labelled_in_our_words_or_the_gateways(label: str, shown: str) -> None:
    assert offer_label(WORDS, "en", Offer(Operation.UPSCALE, "t", label)) == shown


@pytest.mark.parametrize(
    ("label", "index", "shown"),
    [("U4", 3, "U4"), ("U1", 4, "U5"), ("V4", 7, "V8"), ("V2", None, "V2"), ("4K", 4, "4K")],
)
def test_the_grids_of_a_task_are_numbered_through(label: str, index: int | None, shown: str) -> None:
    assert offer_label(WORDS, "en", Offer(Operation.VARY, "t", label, index)) == shown


def test_a_chinese_label_is_left_to_those_who_read_it() -> None:
    offer = Offer(Operation.UPSCALE, "t", "放大图片2", 1)
    assert [offer_label(WORDS, locale, offer) for locale in ("zh-CN", "en")] == ["放大图片2", "Enlarging 2"]


@given(PROMPTS)
def test_no_label_is_longer_than_a_button_takes(label: str) -> None:
    assert 0 < len(offer_label(WORDS, "en", Offer(Operation.PAN, "t", label * 9))) <= 80


def test_a_command_is_offered_when_somebody_can_do_it() -> None:
    assert "upscale" not in offered({Operation.IMAGINE})
    assert offered({Operation.UPSCALE})[:3] == ("imagine", "edit", "upscale")
    assert set(offered(set(Operation))) > set(offered(set()))


ABLE = Capabilities(frozenset({Operation.IMAGINE, Operation.CUTOUT, Operation.ANIMATE}))
HUI = Model("hui", "aihuihua", "hui", 1, ABLE, seconds=20, unverified=True)


def test_models_tell_what_else_they_can_do_and_that_nobody_has_tried_them_yet() -> None:
    text = models(WORDS, "en", [Listed(HUI)], PLAIN)
    assert "• hui (not tried here yet)" in text
    assert "also cutting out and videos" in text
    assert "not tried" not in models(WORDS, "en", [Listed(HUI)], PLAIN, verified={"hui"})


@pytest.mark.parametrize(
    ("why", "said"), [("GatewayDown", "resting, back at "), ("BalanceEmpty", "whoever runs this bot")]
)
def test_models_tell_that_a_gateway_rests_and_until_when(why: str, said: str) -> None:
    rest = {"aihuihua": Rest(NOW + timedelta(minutes=5), why)}
    assert said in models(WORDS, "en", [Listed(HUI)], PLAIN, resting=rest)


def test_models_tell_what_a_set_costs_and_what_has_a_price_of_its_own() -> None:
    can = Capabilities(frozenset({Operation.IMAGINE, Operation.DESCRIBE}), makes={Operation.IMAGINE: 4})
    steps, prices = frozenset({Operation.UPSCALE}), {Operation.DESCRIBE: 3}
    model = Model("mj", "midjourney_proxy", "MID_JOURNEY", 5, can, steps=steps, prices=prices)
    text = models(WORDS, "en", [Listed(model)], PLAIN)
    assert "5 credits for 4 pictures" in text
    assert "also describing (3 credits) and enlarging" in text
