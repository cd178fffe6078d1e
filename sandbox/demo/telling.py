"""A conversation in lines of text: what people do, what the bots post, and how each expectation fared."""

from rich.console import Console
from rich.text import Text

from sandbox.chat import Attachment, Event, Notice, Post
from sandbox.demo.conversation import Step
from sandbox.demo.stage import Stage

#: Characters of a message's words that a line shows.
WORDS = 160


class Teller:
    """Prints. New posts at once; what became of an edited one at the end of its step."""

    def __init__(self, stage: Stage, out: Console) -> None:
        self._stage = stage
        self._out = out
        self._shown: dict[tuple[str, str, str], str] = {}

    def heard(self, event: Event) -> None:
        """Print a new post of the bots, or a notice."""
        if isinstance(event, Notice):
            self._line(f"{event.platform} {event.chat} | notice → {event.person}: {_cut(event.text)}")
        if not isinstance(event, Post) or event.author != "bot" or event.deleted or event.thinking:
            return
        if (event.platform, event.chat, event.id) not in self._shown:
            self._tell(event, "bot")

    def settle(self) -> None:
        """Print what the posts that were edited since look like now."""
        for feed in (self._stage.telegram.feed, self._stage.discord.feed):
            for post in feed.posts(author="bot"):
                shown = self._shown.get((post.platform, post.chat, post.id))
                if shown is not None and shown != _content(post):
                    self._tell(post, "bot, edited")

    def step(self, number: int, step: Step) -> None:
        """Print what a person does."""
        topic = f"/{step.thread}" if step.thread else ""
        with_files = "".join(f"[{picture}] " for picture in step.attach)
        said = step.say or ""
        if step.command is not None:
            said = f"/{step.command} {_options(step)}"
        if step.autocomplete is not None:
            said = f"/{step.command} {step.autocomplete}: {step.typed}…"
        for verb, what in (("presses", step.press), ("chooses", step.menu)):
            if what is not None:
                filled = f" and fills in {step.fill}" if step.fill else ""
                named = f" “{step.label}”" if step.label else ""
                said = f"{verb} {what}{named} under “{step.of}”{filled}"
        if step.watch is not None:
            said = f"waits for “{step.watch}”"
        answering = f" (in reply to “{step.reply}”)" if step.reply else ""
        self._out.print()
        head = Text(f"{number:2}. ", "dim")
        head.append(f"{step.on} {step.place}{topic} | {step.who}: ", "bold").append(f"{with_files}{said}{answering}")
        self._out.print(head)

    def result(self, what: str, *, met: bool) -> None:
        """Print how an expectation fared."""
        self._out.print(Text(f"    {'✓' if met else '✗'} {what}", "green" if met else "bold red"))

    def say(self, text: str, style: str = "") -> None:
        self._out.print(Text(text, style))

    def _tell(self, post: Post, who: str) -> None:
        self._shown[post.platform, post.chat, post.id] = _content(post)
        topic = f"/{post.thread}" if post.chat == "forum" and post.thread else ""
        whom = self._whom(post)
        self._line(f"{post.platform} {post.chat}{topic} | {who}{f' → {whom}' if whom else ''}: {_content(post)}")

    def _whom(self, post: Post) -> str:
        """Whom a post answers."""
        if post.only_for:
            return f"{post.only_for} only"
        if post.via:
            return post.via.partition(" ")[0]
        seen = {post.id}
        while post.reply_to is not None and post.reply_to not in seen:
            seen.add(post.reply_to)
            sandbox = self._stage.telegram if post.platform == "telegram" else self._stage.discord
            post = sandbox.feed.post(post.chat, post.reply_to)
            if post.author != "bot":
                return post.author
            if post.via:
                return post.via.partition(" ")[0]
        return ""

    def _line(self, text: str) -> None:
        self._out.print(Text("    ").append(text))


def _content(post: Post) -> str:
    shown = "".join(f"{_file(each)} " for each in post.attachments)
    buttons = "".join(f" [{button.label}]" for row in post.buttons for button in row)
    return f"{shown}{_cut(post.text)}{buttons}"


def _file(each: Attachment) -> str:
    size = f" {each.width}×{each.height}" if each.width else f" {each.filename}"
    return f"[{each.kind}{size}]"


def _cut(text: str) -> str:
    line = " / ".join(part for part in text.splitlines() if part)
    return line if len(line) <= WORDS else line[: WORDS - 1] + "…"


def _options(step: Step) -> str:
    return " ".join(f"{name}: {value}" for name, value in step.options.items())
