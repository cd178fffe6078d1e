"""Results that are words, and all there is to know about a result."""

from bots.texts.labels import offer_label
from bots.texts.style import Style
from bots.words import Words
from core.types import Offer, Operation, View


def told(words: Words, view: View, style: Style) -> str:
    """The texts that a picture (or a prompt) was turned into, numbered like the buttons that paint them."""
    locale = view.locale
    key = "result.shortened" if view.request.operation is Operation.SHORTEN else "result.texts"
    lines = [
        words.say(locale, "result.text", number=words.number(locale, number), text=style.quote(text))
        for number, text in enumerate(view.texts, start=1)
    ]
    return "\n\n".join((words.say(locale, key), *lines))


def details(words: Words, locale: str, view: View, style: Style) -> str:
    """Everything about a request, for the one who wants to make it again: one line a fact."""
    request = view.request
    lines = [style.bold(words.say(locale, "details.title"))]
    if request.prompt:
        lines.append(words.say(locale, "details.prompt", prompt=style.quote(request.prompt)))
    lines.append(words.say(locale, "details.operation", operation=words.say(locale, f"operation.{request.operation}")))
    if request.follow is not None:
        step = offer_label(words, locale, Offer(request.operation, request.follow.token, request.follow.label))
        lines.append(words.say(locale, "details.step", label=style.quote(step)))
    if request.model is not None:
        lines.append(words.say(locale, "details.model", model=style.quote(request.model)))
    if request.ratio is not None:
        lines.append(words.say(locale, "details.ratio", ratio=request.ratio))
    if view.seeds:
        lines.append(words.say(locale, "details.seeds", seeds=", ".join(str(seed) for seed in view.seeds)))
    if request.negative is not None:
        lines.append(words.say(locale, "details.negative", negative=style.quote(request.negative)))
    if view.seconds is not None:
        lines.append(words.say(locale, "details.span", span=words.span(locale, view.seconds)))
    cost = words.count(locale, "unit.credits", view.credits) if view.credits else words.say(locale, "unit.free")
    lines.append(words.say(locale, "details.cost", cost=cost))
    lines.append(words.say(locale, "details.id", id=view.task_id))
    return "\n".join(lines)
