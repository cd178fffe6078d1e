"""A conversation file: who says and presses what, and what is to come of it.

TOML, a ``[[step]]`` for each thing a person does, in order::

    [[step]]
    id = "fox"                           # later steps may refer to it
    on = "telegram"                      # or "discord"
    chat = "group"                       # Telegram: group, forum, private; Discord: general, thread, dm
    who = "ana"                          # ana, ben, chen or dora
    say = "/imagine a red fox"           # a message, on Discord with @bot for a mention
    expect = { pictures = 1, reply = true, buttons = ["again", "edit", "delete"] }

Instead of ``say``, one of ``command`` (Discord, with ``options``), ``menu`` and ``press`` (with ``of``, and ``fill``
for the form they open), ``autocomplete`` (an option of ``command``, with ``typed``) or ``watch`` (an earlier step, for
what came of it since). ``reply`` and ``of`` mean what the bots answered to that step, or its own message where they did
not. Where several buttons do the same kind of thing, ``label`` says which is pressed: ``press = "follow"`` and
``label = "U2"``.

A picture is ``sample:`` and what it shows, in ``attach`` and as the value of an option; ``painted:`` is the same with a
part of it painted over, ``mask:`` that part in black and white; in ``fill``, ``painted:`` and a step is what the bots
showed in that step, painted over. ``task:`` and a step as the value of an option is the
id of the request that was made in it. ``fault = { gateway = "apiyi", kind = "server_500" }`` lets the next order at a
gateway fail (the kinds: sandbox.gateways.Fault).
"""

import tomllib
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from core.errors import SettingsError
from core.types import Action
from sandbox.demo.samples import is_picture
from sandbox.gateways import Fault

OPTION = "--script"
CHATS = {"telegram": ("group", "forum", "private"), "discord": ("general", "thread", "dm")}
TASK = "task:"
PAINTED = "painted:"
#: What a person does in a step: exactly one of these.
_ACTS = ("say", "command", "menu", "press", "autocomplete", "watch")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Expectation(_Strict):
    """What the bots shall post in the step's chat after it. Texts are looked for in every state of every post."""

    pictures: int | None = Field(None, ge=0)  #: how many come in all
    videos: int | None = Field(None, ge=0)  #: how many come in all; they are not among the pictures
    text: str | None = None  #: part of something the bots say
    not_text: str | None = None  #: part of nothing they say
    reply: bool = False  #: the pictures (or else the words) answer the step's message
    buttons: tuple[Action, ...] = ()  #: found under the pictures (or under the words that close an album)
    caption_max: int | None = None  #: UTF-16 units that words under a picture have at most
    error: bool = False  #: words come, and no picture
    notice: str | None = None  #: part of a toast for the one who acts
    choices: str | None = None  #: part of something that autocomplete offers
    gone: bool = False  #: the post ``of`` is deleted
    within: float = Field(60.0, gt=0)  #: seconds for all of it


class Failing(_Strict):
    """A gateway's next order fails."""

    gateway: str
    kind: Fault


class Step(_Strict):
    """One thing that one person does."""

    id: str = ""
    on: Literal["telegram", "discord"]
    chat: str
    who: Literal["ana", "ben", "chen", "dora"]
    thread: str | None = None  #: a topic of the forum
    say: str | None = None
    attach: tuple[str, ...] = ()
    as_file: bool = False
    reply: str | None = None
    command: str | None = None
    options: dict[str, str | int | bool] = {}
    autocomplete: str | None = None
    typed: str = ""
    menu: str | None = None
    press: Action | None = None
    label: str = ""  #: part of the button's words
    of: str | None = None
    fill: dict[str, str] = {}
    watch: str | None = None
    fault: Failing | None = None
    expect: Expectation = Expectation()

    @model_validator(mode="after")
    def _whole(self) -> Self:
        given = [name for name in _ACTS if getattr(self, name) is not None]
        if self.autocomplete is not None and "command" in given:
            given.remove("command")
        if not given and self.attach:
            given = ["say"]
        if len(given) != 1:
            raise ValueError(f"give exactly one of {', '.join(_ACTS)}")
        if self.chat not in CHATS[self.on]:
            raise ValueError(f"{self.on} has the chats {', '.join(CHATS[self.on])}")
        if self.on == "telegram" and given[0] in ("command", "menu", "autocomplete"):
            raise ValueError(f"Telegram has no {given[0]}: use say")
        if self.label and given[0] != "press":
            raise ValueError("label says which button to press")
        if given[0] in ("menu", "press") and self.of is None:
            raise ValueError(f"{given[0]} needs `of`, the step whose answer it is about")
        for picture in self.attach:
            if not is_picture(picture):
                raise ValueError(f"attach takes sample:, painted: or mask: and what it shows, not {picture!r}")
        return self

    @property
    def place(self) -> str:
        """The chat's key in the stand-in."""
        return f"{self.chat}:{self.who}" if self.chat in ("private", "dm") else self.chat

    @property
    def mentions(self) -> tuple[str, ...]:
        """The earlier steps it refers to."""
        tasks = [str(value).removeprefix(TASK) for value in self.options.values() if str(value).startswith(TASK)]
        shown = [value.removeprefix(PAINTED) for value in self.fill.values() if value.startswith(PAINTED)]
        return tuple(name for name in (self.reply, self.of, self.watch, *tasks, *shown) if name is not None)


class _Conversation(_Strict):
    step: tuple[Step, ...] = Field(min_length=1)


def read(path: Path) -> tuple[Step, ...]:
    """The steps of a file. Raises SettingsError naming the file, the step and what is wrong with it."""
    try:
        found = tomllib.loads(path.read_text("utf-8"))
        steps = _Conversation.model_validate(found).step
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(OPTION, f"{path.name}: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = [str(part) for part in first["loc"]]
        at = path.name
        if len(where) > 1 and where[0] == "step":
            at, where = f"{at}, step {int(where[1]) + 1}", where[2:]
        what = first["msg"].removeprefix("Value error, ")
        raise SettingsError(OPTION, f"{at}: {': '.join(['.'.join(where), what] if where else [what])}") from None
    known: set[str] = set()
    for number, step in enumerate(steps, 1):
        for name in step.mentions:
            if name not in known:
                raise SettingsError(OPTION, f"{path.name}, step {number}: no earlier step has the id {name!r}")
        known.add(step.id)
    return steps
