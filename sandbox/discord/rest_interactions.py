"""The routes by which a bot answers interactions: the callback, and the webhook of its token."""

import functools
from collections.abc import Callable
from typing import Any

from sandbox.discord import errors
from sandbox.discord.command_rules import check_modal
from sandbox.discord.door import Answer, Ask, Door
from sandbox.discord.interactions import (
    AUTOCOMPLETE,
    COMMAND,
    COMPONENT,
    MODAL_SUBMIT,
    USER_INSTALL_FOLLOW_UPS,
    Interactions,
)
from sandbox.discord.message_rules import FLAGS_EDIT, FLAGS_INTERACTION
from sandbox.discord.messenger import Messenger
from sandbox.discord.payloads import Payloads
from sandbox.discord.world import EPHEMERAL, LOADING, Interaction, Message, World

Json = dict[str, Any]

# Types of answer (Discord "Interaction Callback Type").
MESSAGE, LATER, LATER_UPDATE, UPDATE, CHOICES, MODAL = 4, 5, 6, 7, 8, 9
_SLASH_ANSWER, _MENU_ANSWER, _REPLY = 20, 23, 19  # message types


class InteractionRoutes:
    def __init__(
        self, world: World, payloads: Payloads, messenger: Messenger, interactions: Interactions, door: Door
    ) -> None:
        self._world = world
        self._payloads = payloads
        self._messenger = messenger
        self._interactions = interactions
        door.add("POST", "/interactions/{interaction_id}/{interaction_token}/callback", self._callback)
        door.add("POST", "/webhooks/{webhook_id}/{webhook_token}", self._follow_up)
        for name in ("@original", "{message_id}"):
            template = f"/webhooks/{{webhook_id}}/{{webhook_token}}/messages/{name}"
            door.add("GET", template, self._get)
            door.add("PATCH", template, self._edit)
            door.add("DELETE", template, self._delete)

    # The first answer --------------------------------------------------------------------------------------

    async def _callback(self, ask: Ask) -> Answer:
        interaction = self._interactions.to_answer(ask.path["interaction_id"], ask.path["interaction_token"])
        kind, data = ask.body["type"], ask.body.get("data") or {}
        after: Callable[[], None] | None = None
        self._check_kind(interaction, kind)
        if kind == MESSAGE:
            made = self._new_message(interaction, ephemeral=bool((data.get("flags") or 0) & EPHEMERAL))
            await self._apply(made, data, ask, allowed=FLAGS_INTERACTION)
            self._to_answer_still(interaction)
            interaction.response = made
            self._messenger.post(made)
        elif kind == LATER:
            for key in data:
                if key != "flags" and data[key] not in (None, False, []):
                    raise errors.invalid(("data", key), "UNKNOWN_FIELD", "A deferred answer carries only flags.")
            if (data.get("flags") or 0) & ~EPHEMERAL:
                text = "A deferred answer can only be ephemeral."
                raise errors.invalid(("data", "flags"), "MESSAGE_FLAGS_INVALID", text)
            made = self._new_message(interaction, ephemeral=bool(data.get("flags")))
            made.flags |= LOADING
            interaction.response = made
            self._messenger.post(made)
        elif kind == UPDATE:
            assert interaction.source is not None
            await self._apply(interaction.source, data, ask, allowed=FLAGS_EDIT)
            self._to_answer_still(interaction)
            interaction.response = interaction.source
            self._messenger.edited(interaction.source)
        elif kind == LATER_UPDATE:
            interaction.response = interaction.source
        elif kind == CHOICES:
            self._give_choices(interaction, data)
        elif kind == MODAL:
            check_modal(data)
            after = functools.partial(self._interactions.show_modal, interaction, data)
        interaction.answered = True
        body = self._callback_answer(interaction, kind) if ask.query.get("with_response") else None
        return Answer(204 if body is None else 200, body, after)

    def _to_answer_still(self, interaction: Interaction) -> None:
        """Two answers at once: the files of one were still being looked at when the other got in."""
        self._interactions.to_answer(interaction.id, interaction.token)

    def _check_kind(self, interaction: Interaction, kind: int) -> None:
        allowed = {
            COMMAND: (MESSAGE, LATER, MODAL),
            COMPONENT: (MESSAGE, LATER, LATER_UPDATE, UPDATE, MODAL),
            AUTOCOMPLETE: (CHOICES,),
            MODAL_SUBMIT: (MESSAGE, LATER, LATER_UPDATE, UPDATE) if interaction.source else (MESSAGE, LATER),
        }[interaction.kind]
        if kind not in allowed:
            text = f"An interaction of type {interaction.kind} takes answers of type {allowed}, not {kind}."
            raise errors.invalid(("type",), "INTERACTION_CALLBACK_TYPE_INVALID", text)

    def _give_choices(self, interaction: Interaction, data: Json) -> None:
        choices = [(each["name"], each["value"]) for each in data.get("choices") or [] if each]
        assert interaction.choices is not None
        if not interaction.choices.done():
            interaction.choices.set_result(choices)

    def _callback_answer(self, interaction: Interaction, kind: int) -> Json:
        about: Json = {"id": interaction.id, "type": interaction.kind}
        response = interaction.response
        body: Json = {"interaction": about}
        if response is not None:
            about |= {
                "response_message_id": response.id,
                "response_message_loading": response.loading,
                "response_message_ephemeral": response.only_for is not None,
            }
            if kind in (MESSAGE, LATER, UPDATE):
                shape = UPDATE if kind == UPDATE else MESSAGE
                body["resource"] = {"type": shape, "message": self._payloads.message(response)}
        return body

    def _new_message(self, interaction: Interaction, *, ephemeral: bool) -> Message:
        kind, reply_to = (_REPLY, interaction.source.id) if interaction.source else (0, None)
        if interaction.kind == COMMAND:
            kind = _SLASH_ANSWER if interaction.command_kind == 1 else _MENU_ANSWER
        made = Message(
            self._world.new_id(),
            interaction.channel,
            self._world.bot,
            self._world.clock(),
            kind=kind,
            reply_to=reply_to,
            interaction=interaction,
            only_for=interaction.person if ephemeral else None,
        )
        made.flags = EPHEMERAL if ephemeral else 0
        return made

    async def _apply(self, message: Message, data: Json, ask: Ask, *, allowed: int, inside: bool = True) -> None:
        # A reply inside an answer pings nobody by itself: only the words do.
        at = ("data",) if inside else ()
        await self._messenger.apply(message, data, ask.files, allowed_flags=allowed, interaction=True, at=at)

    # The webhook -------------------------------------------------------------------------------------------

    def _interaction(self, ask: Ask) -> Interaction:
        return self._interactions.by_webhook(ask.path["webhook_id"], ask.path["webhook_token"])

    def _message(self, ask: Ask) -> tuple[Interaction, Message]:
        interaction = self._interaction(ask)
        wanted = ask.path.get("message_id")
        own = [interaction.response, *interaction.follow_ups]
        found = interaction.response if wanted is None else next((m for m in own if m and m.id == wanted), None)
        if found is None or found.deleted:
            raise errors.UNKNOWN_MESSAGE()
        return interaction, found

    async def _get(self, ask: Ask) -> Answer:
        _, message = self._message(ask)
        return Answer(200, self._payloads.message(message))

    async def _edit(self, ask: Ask) -> Answer:
        _, message = self._message(ask)
        return await self._write(message, ask)

    async def _write(self, message: Message, ask: Ask, *, allowed: int = FLAGS_EDIT) -> Answer:
        await self._apply(message, ask.body or {}, ask, allowed=allowed, inside=False)
        self._messenger.edited(message)
        return Answer(200, self._payloads.message(message))

    async def _delete(self, ask: Ask) -> Answer:
        _, message = self._message(ask)
        self._messenger.remove(message)
        return Answer(204)

    async def _follow_up(self, ask: Ask) -> Answer:
        interaction = self._interaction(ask)
        if interaction.response is not None and interaction.response.loading:
            # The first follow-up of a deferred answer takes its place (and its visibility).
            return await self._write(interaction.response, ask, allowed=FLAGS_INTERACTION)
        guild = interaction.channel.guild
        if guild and not guild.bot_member and len(interaction.follow_ups) >= USER_INSTALL_FOLLOW_UPS:
            raise errors.TOO_MANY_FOLLOW_UPS()
        body = ask.body or {}
        for key in ("username", "avatar_url", "thread_name", "applied_tags"):
            if body.get(key):
                raise errors.invalid((key,), "UNKNOWN_FIELD", "A follow-up speaks as the application.")
        made = self._new_message(interaction, ephemeral=bool((body.get("flags") or 0) & EPHEMERAL))
        made.kind, made.reply_to = _REPLY, interaction.response.id if interaction.response else None
        await self._apply(made, body, ask, allowed=FLAGS_INTERACTION, inside=False)
        interaction.follow_ups.append(made)
        self._messenger.post(made)
        return Answer(200, self._payloads.message(made))
