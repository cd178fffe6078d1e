"""Facts about a core world, to wait for or to check."""

from core.types import DeliveryState, OrderState, Task
from tests.core.world import ANA, CoreWorld


async def state_is(world: CoreWorld, task: Task, state: OrderState) -> bool:
    return (await world.store.orders(task.id))[0].state is state


async def delivery_is(world: CoreWorld, task: Task, state: DeliveryState) -> bool:
    return (await world.store.task(task.id)).delivery is state


async def has_links(world: CoreWorld, task: Task) -> bool:
    return bool((await world.store.orders(task.id))[0].sources)


async def used(world: CoreWorld) -> tuple[int, int]:
    usage = await world.client.usage(ANA.account)
    return usage.day_used, usage.day_held
