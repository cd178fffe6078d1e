"""Buttons: they do what they say, for whom they may, after any restart."""

from bots.discord.front import DiscordFront
from core.types import FrontFile, MediaRef, Offer, Operation, OrderState
from sandbox.chat import Upload
from tests.bots.discord.world import World, actions, button, upload
from tests.waiting import until


async def test_a_result_has_its_three_buttons(world: World, front: DiscordFront) -> None:
    _, shown = await world.result(front)

    assert actions(shown) == ["again", "edit", "details", "delete"]


async def test_again_orders_the_same_with_a_new_seed_at_the_pressers_cost(world: World, front: DiscordFront) -> None:
    parent, shown = await world.result(front)
    task = await world.ordered(world.sandbox.press("ben", "general", shown.id, button(shown, "again")), who="ben")

    assert task.parent == parent.id
    assert task.request.prompt == parent.request.prompt
    assert task.request.seed != parent.request.seed
    assert task.address.data["request"] == int(shown.id), "the new result answers the old one"


async def test_buttons_work_after_a_restart(world: World) -> None:
    async with world.listening() as front:
        _, shown = await world.result(front)
    async with world.listening():
        await world.ordered(world.sandbox.press("ana", "general", shown.id, button(shown, "again")))


async def test_edit_opens_a_form_for_that_picture_even_after_a_restart(world: World) -> None:
    async with world.listening() as front:
        parent, shown = await world.result(front)
    async with world.listening():
        form = await world.form(world.sandbox.press("ben", "general", shown.id, button(shown, "edit")))
    async with world.listening():
        task = await world.ordered(world.sandbox.submit("ben", form.id, {"prompt": "night"}), who="ben")

    assert task.parent == parent.id
    assert isinstance(task.request.images[0], MediaRef)
    assert task.address.data["request"] == int(shown.id)


async def test_a_part_is_repainted_even_if_the_bot_restarts_before_the_press_and_before_the_form_comes_back(
    world: World,
) -> None:
    offer = Offer(Operation.INPAINT, "region", "Vary (Region)")
    async with world.listening() as front:
        parent, shown = await world.result(front, offers=[offer])
    async with world.listening():
        form = await world.form(world.sandbox.press("ben", "general", shown.id, button(shown, "follow", 0)))
    async with world.listening():
        filled: dict[str, str | Upload] = {"prompt": "a hat", "mask": upload("green")}
        task = await world.ordered(world.sandbox.submit("ben", form.id, filled), who="ben")

    assert task.request.follow is not None
    assert (task.parent, task.request.follow.token) == (parent.id, offer.token)
    assert isinstance(task.request.mask, FrontFile)
    assert task.request.mask.data["filename"] == "green.png"


async def test_the_requester_deletes_every_message_of_the_result(world: World, front: DiscordFront) -> None:
    _, shown = await world.result(front)
    answer = await world.told(world.sandbox.press("ana", "general", shown.id, button(shown, "delete")))

    assert answer.text == "Deleted."
    assert not world.pictures()


async def test_others_may_not_delete_it(world: World, front: DiscordFront) -> None:
    _, shown = await world.result(front, "ben")
    await world.told(world.sandbox.press("dora", "general", shown.id, button(shown, "delete")), who="dora")

    assert world.pictures()


async def test_who_manages_messages_may_delete_it(world: World, front: DiscordFront) -> None:
    _, shown = await world.result(front, "ben")
    await world.told(world.sandbox.press("ana", "general", shown.id, button(shown, "delete")))

    assert not world.pictures()


async def test_cancel_takes_the_task_back_for_its_requester_only(world: World, front: DiscordFront) -> None:
    task = await world.imagined("ben")
    await front.show(task.address, await world.view(task.id))
    shown = await world.post(lambda post: bool(post.buttons))
    await world.told(world.sandbox.press("dora", "general", shown.id, button(shown, "cancel")), who="dora")
    assert [order.state for order in await world.store.orders(task.id)] == [OrderState.QUEUED]

    await world.told(world.sandbox.press("ben", "general", shown.id, button(shown, "cancel")), who="ben")
    assert [order.state for order in await world.store.orders(task.id)] == [OrderState.CANCELLED]


async def test_a_button_of_a_forgotten_task_says_so(world: World, front: DiscordFront) -> None:
    _, shown = await world.result(front)
    message = world.sandbox.message("general", shown.id)
    for row in message.components:
        for each in row["components"]:
            each["custom_id"] = each["custom_id"].split(":")[0] + ":again:000000000000"
            break
    answer = await world.told(world.sandbox.press("ana", "general", shown.id, "i1:again:000000000000"))

    assert answer.text
    await until(lambda: not world.notices())


async def test_the_buttons_of_a_private_result_lead_to_private_results(world: World, front: DiscordFront) -> None:
    task = await world.imagined(private=True)
    await world.delivered(front, task)
    shown = await world.post(lambda post: bool(post.attachments))
    again = await world.ordered(world.sandbox.press("ana", "general", shown.id, button(shown, "again")))

    assert again.address.data["ephemeral"] is True
    assert (await world.post(lambda post: post.thinking and post.id != shown.id)).only_for == "ana"


async def test_a_private_result_is_deleted_through_its_own_press(world: World, front: DiscordFront) -> None:
    task = await world.imagined(private=True)
    await world.delivered(front, task)
    shown = await world.post(lambda post: bool(post.attachments))
    await world.sandbox.press("ana", "general", shown.id, button(shown, "delete"))

    await until(lambda: not world.pictures())
