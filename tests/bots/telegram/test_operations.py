"""The commands beside /imagine and /edit become stored tasks: against the stand-in, by one bot for all of them."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bots import texts
from bots.telegram import intake
from core.types import FrontFile, MediaRef, Offer, Operation, Task
from sandbox.chat import Post
from sandbox.pictures import clip
from tests.bots.telegram.world import ABLE, World, a_result, a_world, file_id, file_ids, upload
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

GROUP, PRIVATE = "group", "private:ana"
ONE_PICTURE = ("describe", "upscale", "vary", "cutout", "lineart", "restyle", "animate")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """Its bot listens all the time."""
    async with a_world(tmp_path_factory.mktemp("able"), model=ABLE) as found, found.listening():
        yield found


async def asked(world: World, text: str, chat: str = GROUP, **more: object) -> tuple[Post, Task]:
    """What ana says, and the task it becomes."""
    before = len(await world.tasks())
    post = await world.sandbox.say("ana", chat, text, **more)  # type: ignore[arg-type]  # its own keywords
    await until(lambda: _more_tasks(world, before))
    return post, (await world.tasks())[-1]


async def _more_tasks(world: World, than: int) -> bool:
    return len(await world.tasks()) > than


async def answered(world: World, text: str, chat: str = GROUP, **more: object) -> str:
    """What ana is told instead of a task."""
    tasks, posts = await world.tasks(), len(world.bot_posts(chat))
    await world.sandbox.say("ana", chat, text, **more)  # type: ignore[arg-type]  # its own keywords
    await until(lambda: len(world.bot_posts(chat)) > posts)
    assert await world.tasks() == tasks
    return world.bot_texts(chat)[-1]


async def a_result_of_ours(world: World, *, offers: tuple[Offer, ...] = ()) -> tuple[Task, Post]:
    """A delivered picture."""
    _, task = await asked(world, "/imagine a red fox")
    receipt = await world.deliver(world.fronts[0], task, offers=offers)
    return task, world.sandbox.feed.post(GROUP, receipt.messages[0].key.partition(":")[2])


# -- one picture ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ONE_PICTURE)
async def test_a_picture_whose_caption_is_the_command_is_worked_on(world: World, name: str) -> None:
    post, task = await asked(world, f"/{name} fog --model fox-1", files=[upload()])
    assert task.request.operation is texts.MAKING[name]
    assert file_ids(task.request) == [file_id(world, GROUP, post)]
    assert task.address.data["request"] == int(post.id)


async def test_the_command_in_reply_to_anyones_file_works_on_that(world: World) -> None:
    theirs = await world.sandbox.say("ben", GROUP, files=[upload(as_file=True)])
    _, task = await asked(world, "/cutout", reply_to=theirs.id)
    assert task.request.operation is Operation.CUTOUT
    assert file_ids(task.request) == [file_id(world, GROUP, theirs)]


async def test_a_second_picture_shows_the_style(world: World) -> None:
    theirs = await world.sandbox.say("ben", GROUP, files=[upload("green")])
    post, task = await asked(world, "/restyle", files=[upload("red")], reply_to=theirs.id)
    assert file_ids(task.request) == [file_id(world, GROUP, theirs), file_id(world, GROUP, post)]


async def test_the_command_in_reply_to_our_picture_works_on_its_original(world: World) -> None:
    first, result = await a_result_of_ours(world)
    _, task = await asked(world, "/upscale", reply_to=result.id)
    assert task.request.images == (await world.client.result(first.id, 0),)
    assert (task.request.operation, task.parent) == (Operation.UPSCALE, first.id)


async def test_a_step_that_our_pictures_own_gateway_offers_is_taken(world: World) -> None:
    offer = Offer(Operation.UPSCALE, "MJ::upsample::1", "U1", 0)
    first, result = await a_result_of_ours(world, offers=(offer,))
    _, task = await asked(world, "/upscale", reply_to=result.id)
    assert task.request.follow is not None
    assert (task.request.follow.token, task.parent) == (offer.token, first.id)


async def test_what_cannot_be_done_as_asked_is_refused(world: World) -> None:
    assert "nosuch" in await answered(world, "/upscale --model nosuch", files=[upload()])


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ("/upscale", "hint.one_picture_telegram"),
        ("/blend", "hint.several_pictures_telegram"),
        ("/faceswap", "hint.two_pictures_telegram"),
        ("/inpaint", "hint.inpaint_telegram"),
        ("/animate", "hint.animate"),
        ("/shorten", "hint.shorten"),
    ],
)
async def test_a_command_without_what_it_needs_is_explained(world: World, said: str, hint: str) -> None:
    assert await answered(world, said) == world.words.say("en", hint, command=said)


@pytest.mark.parametrize("name", ["animate", "shorten"])
async def test_words_alone_are_enough(world: World, name: str) -> None:
    _, task = await asked(world, f"/{name} waves on a beach --model fox-1")
    assert (task.request.operation, task.request.prompt) == (texts.MAKING[name], "waves on a beach")
    assert task.request.images == ()


# -- several pictures -------------------------------------------------------------------------------------------------


async def test_a_face_goes_into_the_picture_that_is_answered(world: World) -> None:
    target = await world.sandbox.say("ben", GROUP, files=[upload("green")])
    face, task = await asked(world, "/faceswap", files=[upload("red")], reply_to=target.id)
    assert task.request.operation is Operation.FACESWAP
    assert file_ids(task.request) == [file_id(world, GROUP, face), file_id(world, GROUP, target)]


async def test_a_face_goes_into_our_picture(world: World) -> None:
    first, result = await a_result_of_ours(world)
    _, task = await asked(world, "/faceswap", files=[upload()], reply_to=result.id)
    assert [type(image) for image in task.request.images] == [FrontFile, MediaRef]
    assert (task.request.images[1], task.parent) == (await world.client.result(first.id, 0), first.id)


async def test_of_an_album_the_first_picture_is_the_face(world: World) -> None:
    first, task = await asked(world, "/faceswap", PRIVATE, files=[upload("red"), upload("green")])
    ids = file_ids(task.request)
    assert len(ids) == 2
    assert ids[0] == file_id(world, PRIVATE, first)


async def test_the_pictures_of_an_album_are_blended(world: World) -> None:
    before = len(world.bot_posts(PRIVATE))
    files = [upload("red"), upload("green"), upload("blue")]
    first, task = await asked(world, "/blend", PRIVATE, files=files)
    await until(lambda: _has_pictures(world, task, 3))
    request = (await world.store.task(task.id)).request
    assert file_ids(request)[0] == file_id(world, PRIVATE, first)
    assert request.operation is Operation.BLEND
    assert len(world.bot_posts(PRIVATE)) == before


async def _has_pictures(world: World, task: Task, count: int) -> bool:
    return len((await world.store.task(task.id)).request.images) == count


async def test_an_album_without_words_may_be_a_portrait_and_its_style(world: World) -> None:
    first, task = await asked(world, "/restyle", PRIVATE, files=[upload("red"), upload("green")])
    assert file_ids(task.request)[0] == file_id(world, PRIVATE, first)
    assert len(file_ids(task.request)) == 2


async def test_the_picture_that_is_answered_is_blended_with_ones_own(world: World) -> None:
    first, result = await a_result_of_ours(world)
    own, task = await asked(world, "/blend", files=[upload()], reply_to=result.id)
    assert task.request.images[0] == await world.client.result(first.id, 0)
    assert file_ids(task.request) == [file_id(world, GROUP, own)]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("blend", "hint.several_pictures_telegram"),
        ("faceswap", "hint.two_pictures_telegram"),
        ("inpaint", "hint.inpaint_telegram"),
        ("restyle", "hint.restyle"),
    ],
)
async def test_an_album_of_which_privacy_mode_shows_one_picture_is_explained(
    world: World, monkeypatch: pytest.MonkeyPatch, name: str, hint: str
) -> None:
    monkeypatch.setattr(intake, "SETTLE_FOR", 0.05)
    said = await answered(world, f"/{name}", files=[upload("red"), upload("green")])
    assert said == world.words.say("en", hint, command=f"/{name}")


async def test_an_album_that_is_explained_is_not_asked_about_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "SETTLE_FOR", 0.01)
    before = len(world.bot_posts(PRIVATE))
    photo = await world.sandbox.say("ana", PRIVATE, files=[upload()])
    await until(lambda: len(world.bot_posts(PRIVATE)) > before)  # what to do with it
    await answered(world, "/inpaint a hat", PRIVATE, files=[upload("red"), upload("green")], reply_to=photo.id)
    await answered(world, "/help", PRIVATE)
    hint = world.words.say("en", "hint.inpaint_telegram", command="/inpaint")
    assert world.bot_texts(PRIVATE)[before + 1 : -1] == [hint]


# -- a part of a picture ----------------------------------------------------------------------------------------------


async def test_a_picture_in_answer_to_another_shows_the_part_to_repaint(world: World) -> None:
    theirs = await world.sandbox.say("ben", GROUP, files=[upload("green")])
    own, task = await asked(world, "/inpaint a hat", files=[upload("red")], reply_to=theirs.id)
    assert (task.request.operation, task.request.prompt) == (Operation.INPAINT, "a hat")
    assert file_ids(task.request) == [file_id(world, GROUP, theirs)]
    assert _id(task.request.mask) == file_id(world, GROUP, own)


async def test_a_picture_in_answer_to_ours_shows_the_part_of_the_original_to_repaint(world: World) -> None:
    first, result = await a_result_of_ours(world)
    own, task = await asked(world, "/inpaint a hat", files=[upload()], reply_to=result.id)
    assert task.request.images == (await world.client.result(first.id, 0),)
    assert _id(task.request.mask) == file_id(world, GROUP, own)


async def test_a_file_with_a_hole_is_picture_and_mask_in_one(world: World) -> None:
    own, task = await asked(world, "/inpaint a hat", files=[upload(as_file=True)])
    assert [*file_ids(task.request), _id(task.request.mask)] == [file_id(world, GROUP, own)] * 2
    _, other = await asked(world, "/inpaint a hat", reply_to=own.id)
    assert [*file_ids(other.request), _id(other.request.mask)] == [file_id(world, GROUP, own)] * 2


async def test_of_an_album_the_second_picture_shows_the_part_to_repaint(world: World) -> None:
    first, task = await asked(world, "/inpaint a hat", PRIVATE, files=[upload("red"), upload("green")])
    assert file_ids(task.request) == [file_id(world, PRIVATE, first)]
    assert _id(task.request.mask) not in (None, *file_ids(task.request))


def _id(mask: object) -> str | None:
    return mask.data["file_id"] if isinstance(mask, FrontFile) else None


# -- what is no picture -----------------------------------------------------------------------------------------------


async def test_words_in_answer_to_our_texts_or_video_are_talk_and_commands_are_explained(world: World) -> None:
    _, shortened = await asked(world, "/shorten a very red fox")
    told = (await world.deliver(world.fronts[0], shortened, told=("a fox",))).messages[0]
    _, filmed = await asked(world, "/animate waves")
    shown = (await world.deliver(world.fronts[0], filmed, a_result(clip(), mime="video/mp4"))).messages[0]
    missing = world.words.say("en", "error.image_missing")
    which = world.words.say("en", "hint.one_picture_telegram", command="/upscale")
    for message, explained in ((told, missing), (shown, which)):
        post = message.key.partition(":")[2]
        tasks, posts = await world.tasks(), len(world.bot_posts())
        await world.sandbox.say("ana", GROUP, "how nice", reply_to=post)
        assert await answered(world, "/upscale", reply_to=post) == explained
        assert await world.tasks() == tasks
        assert len(world.bot_posts()) == posts + 1
    own, task = await asked(world, "/upscale", files=[upload()], reply_to=told.key.partition(":")[2])
    assert file_ids(task.request) == [file_id(world, GROUP, own)]
