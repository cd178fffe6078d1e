"""The life of an interaction: opened by a person, three seconds to answer, fifteen minutes for the rest.

Source: Discord "Receiving and Responding to Interactions".
"""

import asyncio
import base64
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.chat import Person
from sandbox.discord import errors
from sandbox.discord.gateway import Gateway
from sandbox.discord.message_rules import number_components
from sandbox.discord.messenger import Messenger
from sandbox.discord.payloads import Payloads
from sandbox.discord.permissions import permissions
from sandbox.discord.showing import Showing
from sandbox.discord.world import DM, Channel, Interaction, Message, World

Json = dict[str, Any]

COMMAND, COMPONENT, AUTOCOMPLETE, MODAL_SUBMIT = 2, 3, 4, 5
#: Seconds for the first answer; then the token is dead.
ANSWER_SECONDS = 3.0
#: Seconds of a token's life.
TOKEN_SECONDS = 15 * 60
#: Seconds until a form stands before the person: nobody fills one in before the bot knows that it was opened.
DRAW_SECONDS = 0.05
#: Follow-ups of an interaction where the application is installed by the user alone.
USER_INSTALL_FOLLOW_UPS = 5
NO_ANSWER = "The application did not respond"
NO_OPTIONS = "Loading options failed"


@dataclass
class OpenModal:
    """A form that stands before a person."""

    interaction: Interaction
    data: Json


class Interactions:
    """Opens interactions, remembers their tokens, and says when nobody answered."""

    def __init__(
        self, world: World, payloads: Payloads, gateway: Gateway, showing: Showing, messenger: Messenger
    ) -> None:
        self.answer_seconds = ANSWER_SECONDS
        self.token_seconds: float = TOKEN_SECONDS
        self.modals: dict[str, OpenModal] = {}
        self._world = world
        self._payloads = payloads
        self._gateway = gateway
        self._showing = showing
        self._messenger = messenger
        self._by_token: dict[str, Interaction] = {}
        self._timers: set[asyncio.TimerHandle] = set()

    def open(
        self,
        kind: int,
        person: Person,
        channel: Channel,
        data: Json,
        *,
        name: str = "",
        command_kind: int = 0,
        source: Message | None = None,
    ) -> Interaction:
        """Send the bot an interaction and start its three seconds."""
        interaction_id = self._world.new_id()
        token = base64.urlsafe_b64encode(f"interaction:{interaction_id}:{secrets.token_hex(24)}".encode()).decode()
        now = self._world.clock()
        made = Interaction(
            interaction_id, token.rstrip("="), kind, person, channel, now, data, name, command_kind, source
        )
        if kind == AUTOCOMPLETE:
            made.choices = asyncio.get_running_loop().create_future()
        self._by_token[made.token] = made
        if self._gateway.interaction(channel.guild, self._payload(made)):
            self._later(self.answer_seconds, lambda: self._expire(made))
        else:
            self._expire(made)
        return made

    def _payload(self, interaction: Interaction) -> Json:
        world, channel, person = self._world, interaction.channel, interaction.person
        guild = channel.guild
        owners = {"0": guild.id if guild else "0"} if guild is None or guild.bot_member else {"1": person.id}
        payload: Json = {
            "id": interaction.id,
            "application_id": world.application_id,
            "type": interaction.kind,
            "token": interaction.token,
            "version": 1,
            "data": interaction.data,
            "channel_id": channel.id,
            "channel": self._payloads.partial_channel(channel, person),
            "locale": person.language,
            "app_permissions": str(permissions(world, world.bot, channel)),
            "attachment_size_limit": self._messenger.limit_in(channel),
            "entitlements": [],
            "authorizing_integration_owners": owners,
            "context": 1 if channel.kind == DM else 0,
        }
        if guild is not None:
            member = self._payloads.member_with_user(guild, person)
            payload |= {
                "guild_id": guild.id,
                "guild": {"id": guild.id, "locale": guild.locale, "features": []},
                "guild_locale": guild.locale,
                "member": member | {"permissions": str(permissions(world, person, channel))},
            }
        else:
            payload["user"] = self._payloads.user(person)
        if interaction.source is not None:
            payload["message"] = self._payloads.message(interaction.source)
        return payload

    def _expire(self, interaction: Interaction) -> None:
        if interaction.answered:
            return
        interaction.too_late = True
        text = NO_OPTIONS if interaction.kind == AUTOCOMPLETE else NO_ANSWER
        self._showing.notice(interaction.channel, interaction.person, text)
        if interaction.choices is not None and not interaction.choices.done():
            interaction.choices.set_result(None)

    def close(self) -> None:
        """No more timers: the stand-in stops."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def to_answer(self, interaction_id: str, token: str) -> Interaction:
        """The interaction for its first answer. Raises Unknown interaction, or that it was answered before."""
        found = self._by_token.get(token)
        if found is None or found.id != interaction_id or found.too_late:
            raise errors.UNKNOWN_INTERACTION()
        if found.answered:
            raise errors.ALREADY_ACKNOWLEDGED()
        return found

    def by_webhook(self, webhook_id: str, token: str) -> Interaction:
        """The interaction behind a webhook address. Raises Unknown Webhook or Invalid Webhook Token."""
        if webhook_id != self._world.application_id:
            raise errors.UNKNOWN_WEBHOOK()
        found = self._by_token.get(token)
        if found is None:
            raise errors.INVALID_WEBHOOK_TOKEN()
        if self._world.clock() - found.created > self.token_seconds:
            raise errors.INVALID_WEBHOOK_TOKEN()
        if not found.answered:
            raise errors.UNKNOWN_WEBHOOK()
        return found

    def show_modal(self, interaction: Interaction, data: Json) -> None:
        """Put a form before the person, a moment later: the bot hears first that its answer was taken."""
        number_components(data["components"])
        self.modals[interaction.id] = OpenModal(interaction, data)
        self._later(DRAW_SECONDS, lambda: self._showing.modal(interaction, data))

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        def due() -> None:
            self._timers.discard(timer)
            act()

        timer = asyncio.get_running_loop().call_later(seconds, due)
        self._timers.add(timer)
