"""Answers to /usage, /models, /queue, /help and /start."""

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

from bots.texts.cutting import cut
from bots.texts.labels import command_description, offered
from bots.texts.style import Style
from bots.words import Words
from core.catalogue import Listed
from core.errors import BalanceEmpty
from core.gateway import Model
from core.ports import Rest
from core.types import Operation, QueueEntry, Stage, Usage

Platform = Literal["telegram", "discord"]

#: Said in words of their own.
_PLAIN = (Operation.IMAGINE, Operation.EDIT)
_EXCERPT = 60  #: UTF-16 units of a prompt in a list: one line


def usage(words: Words, locale: str, usage: Usage, style: Style) -> str:
    """A person's credits: used, held, left, and when they refill."""
    lines = [style.bold(words.say(locale, "usage.title"))]
    for window, used, held, limit, refills_at in (
        ("day", usage.day_used, usage.day_held, usage.day_limit, usage.day_refills_at),
        ("month", usage.month_used, usage.month_held, usage.month_limit, usage.month_refills_at),
    ):
        if limit:
            lines.append(
                words.say(
                    locale,
                    f"usage.{window}_limited",
                    used=words.number(locale, used),
                    limit=words.number(locale, limit),
                    left=words.number(locale, max(0, limit - used - held)),
                    when=style.when(refills_at.timestamp()),
                )
            )
        else:
            lines.append(words.say(locale, f"usage.{window}_unlimited", used=words.number(locale, used)))
    if usage.day_held or usage.month_held:
        lines.append(words.count(locale, "usage.held", max(usage.day_held, usage.month_held)))
    return "\n".join(lines)


def models(
    words: Words,
    locale: str,
    listed: Sequence[Listed],
    style: Style,
    *,
    default: str | None = None,
    default_edit: str | None = None,
    resting: Mapping[str, Rest] | None = None,
    verified: Collection[str] = (),
) -> str:
    """The models that can be used now: what they cost and can do. ``default`` and ``default_edit`` are the names of
    those that serve when none is asked for (:meth:`core.client.Client.default_model`), ``resting`` the gateways that
    are left alone for a while, ``verified`` the models that have succeeded once."""
    usable = [row.model for row in listed if not row.why_not]
    if not usable:
        return words.say(locale, "models.none")
    lines = [style.bold(words.say(locale, "models.title"))]
    for model in usable:
        marks = [
            words.say(locale, key)
            for key, name in (("models.default", default), ("models.default_edit", default_edit))
            if name == model.name
        ]
        if model.unverified and model.name not in verified:
            marks.append(words.say(locale, "models.unverified"))
        rest = (resting or {}).get(model.gateway)
        if rest is not None:
            marks.append(_resting(words, locale, rest, style))
        lines.append(f"• {style.bold(style.quote(model.name))}" + (f" ({', '.join(marks)})" if marks else ""))
        lines.append(f"   {_abilities(words, locale, model)}")
    example = next((model.name for model in reversed(usable) if Operation.IMAGINE in model.can.operations), None)
    if example is not None:
        imagine = style.command("imagine")
        lines.append(words.say(locale, "models.choose", imagine=imagine, model=style.quote(example)))
    return "\n".join(lines)


def _price(words: Words, locale: str, model: Model) -> str:
    made = model.can.makes.get(Operation.IMAGINE)
    if not model.credits:
        return words.say(locale, "unit.free")
    if made is not None:
        return words.count(locale, "models.price_set", model.credits, made=words.number(locale, made))
    return words.count(locale, "models.price", model.credits)


def _named(words: Words, locale: str, model: Model, operation: Operation) -> str:
    """An operation, with its price where that is another."""
    name = words.say(locale, f"operation.{operation}")
    if operation not in model.prices:
        return name
    return f"{name} ({words.count(locale, 'unit.credits', model.prices[operation])})"


def _resting(words: Words, locale: str, rest: Rest, style: Style) -> str:
    if rest.why == BalanceEmpty.__name__:
        return words.say(locale, "models.resting_operator")
    return words.say(locale, "models.resting", when=style.when(rest.until.timestamp()))


def _abilities(words: Words, locale: str, model: Model) -> str:
    can = model.can
    parts = [_price(words, locale, model)]
    if Operation.IMAGINE in can.operations:
        parts.append(words.say(locale, "models.imagines"))
    if Operation.EDIT in can.operations:
        parts.append(words.count(locale, "models.edits", can.images_max))
    able = can.operations | model.steps
    others = [operation for operation in Operation if operation in able and operation not in _PLAIN]
    if others:
        names = [_named(words, locale, model, operation) for operation in others]
        parts.append(words.say(locale, "models.also", operations=words.both(locale, names)))
    options = [
        words.say(locale, f"option_name.{name}")
        for name, has in (("ratio", can.ratios), ("seed", can.seed_max is not None), ("negative", can.negative))
        if has
    ]
    if options:
        parts.append(words.say(locale, "models.options", options=words.both(locale, options)))
    parts.append(words.say(locale, "models.seconds", span=words.span(locale, model.seconds)))
    return " · ".join(parts)


def queue(words: Words, locale: str, entries: Sequence[QueueEntry], style: Style) -> str:
    """A person's unfinished requests, with the id that takes each back."""
    if not entries:
        return words.say(locale, "queue.empty", imagine=style.command("imagine"))
    lines = [style.bold(words.say(locale, "queue.title"))]
    waiting: str | None = None
    for entry in entries:
        if entry.stage is Stage.QUEUED:
            waiting = waiting or entry.task.id
            where = (
                words.say(locale, "queue.waiting")
                if entry.position is None
                else words.say(locale, "queue.position", position=words.number(locale, entry.position))
            )
        else:
            where = words.say(locale, "queue.working")
        lines.append(f"• {entry.task.id} · {where} · {style.quote(cut(entry.task.request.prompt, _EXCERPT))}")
    if waiting:
        lines.append(words.say(locale, "queue.cancel", cancel=style.command("cancel"), id=waiting))
    return "\n".join(lines)


def help_text(
    words: Words,
    locale: str,
    style: Style,
    *,
    platform: Platform,
    hints: Sequence[str] = (),
    operations: Collection[Operation] = tuple(Operation),
) -> str:
    """Every command for these ``operations`` and every other way to ask. ``hints`` are keys of more paragraphs, such as
    ``"help.no_message_content"``."""
    commands = "\n".join(
        f"{style.command(name)} – {command_description(words, locale, name)}"
        for name in offered(operations)
        if name != "start" or platform == "telegram"
    )
    names = {name: style.command(name) for name in ("imagine", "edit")}
    return "\n\n".join(
        (
            commands,
            style.bold(words.say(locale, "help.edit_title"))
            + "\n"
            + words.say(locale, f"help.edit_{platform}", **names),
            style.bold(words.say(locale, "help.flags_title")) + "\n" + words.say(locale, "help.flags", **names),
            *(words.say(locale, hint, **names) for hint in hints),
        )
    )


def welcome(words: Words, locale: str, style: Style, *, platform: Platform = "telegram") -> str:
    """The first words to somebody new: what this is, and one thing to try."""
    names = {name: style.command(name) for name in ("imagine", "edit", "help")}
    return words.say(locale, f"welcome.{platform}", **names)
