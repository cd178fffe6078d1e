"""Whether what the bots posted is what a step expects."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bots.buttons import decode
from bots.texts import utf16_length
from sandbox.chat import Event, Feed, Notice, Post
from sandbox.demo.conversation import Step


@dataclass
class Outcome:
    """What came of a step. ``since`` and ``until`` are the places in the feed where it began and ended."""

    step: Step
    feed: Feed
    since: int
    until: int | None = None  #: it goes on
    own: Post | None = None  #: the person's message
    target: Post | None = None  #: what it was about
    choices: Sequence[str] = field(default_factory=list)

    def said(self) -> list[Post]:
        """Every state of every post of the bots in the step's chat and topic."""
        return [
            event
            for event in self.feed.events[self.since : self.until]
            if self._is_here(event) and isinstance(event, Post)
        ]

    def posts(self) -> list[Post]:
        """The bots' new posts as they stand now, oldest first."""
        posted = (event for event in self.feed.events[: self.since] if isinstance(event, Post))
        before = {event.id for event in posted if event.chat == self.step.place}
        now = {post.id: self.feed.post(post.chat, post.id) for post in self.said() if post.id not in before}
        return [post for post in now.values() if not post.deleted]

    def pictures(self) -> list[Post]:
        """Those of them that show something."""
        return [post for post in self.posts() if post.attachments]

    def result(self) -> Post | None:
        """What a later step refers to: the last picture, else the last words, else the person's own message."""
        return next(reversed(self.pictures() or self.posts()), self.own)

    def with_buttons(self) -> Post | None:
        """What a later step presses: the last picture that has buttons, else the words that close an album."""
        return next((post for post in reversed([*self.posts(), *self.pictures()]) if post.buttons), self.result())

    def _is_here(self, event: Event) -> bool:
        if not isinstance(event, Post) or event.author != "bot" or event.chat != self.step.place:
            return False
        for_other = event.only_for is not None and event.only_for != self.step.who
        return not for_other and (self.step.chat != "forum" or event.thread == (self.step.thread or "General"))


Check = tuple[str, Callable[[], bool]]


def checks(outcome: Outcome) -> list[Check]:
    """What the step expects, each in words and as a question."""
    wanted, found = outcome.step.expect, list[Check]()
    if wanted.pictures is not None:
        found.append((f"pictures = {wanted.pictures}", lambda: _count(outcome, videos=False) == wanted.pictures))
    if wanted.videos is not None:
        found.append((f"videos = {wanted.videos}", lambda: _count(outcome, videos=True) == wanted.videos))
    if (text := wanted.text) is not None:
        found.append((f"says “{text}”", lambda: any(text in post.text for post in outcome.said())))
    if wanted.error:
        found.append(("refused in words, without a picture", lambda: _is_refused(outcome)))
    if (silent := wanted.not_text) is not None:
        found.append((f"does not say “{silent}”", lambda: not any(silent in post.text for post in outcome.said())))
    if wanted.reply:
        found.append(("in reply to the request", lambda: _is_reply(outcome)))
    if wanted.buttons:
        names = ", ".join(wanted.buttons)
        found.append((f"buttons {names}", lambda: set(wanted.buttons) <= _buttons(outcome)))
    if (limit := wanted.caption_max) is not None:
        found.append((f"captions of at most {limit}", lambda: _captions_fit(outcome, limit)))
    if (notice := wanted.notice) is not None:
        found.append((f"notice “{notice}”", lambda: _is_noticed(outcome, notice)))
    if (choice := wanted.choices) is not None:
        found.append((f"offers “{choice}”", lambda: any(choice in each for each in outcome.choices)))
    if wanted.gone:
        found.append(("the message is gone", lambda: _is_gone(outcome)))
    return found


def _count(outcome: Outcome, *, videos: bool) -> int:
    shown = [each for post in outcome.pictures() for each in post.attachments]
    return sum(each.mime.startswith("video/") is videos for each in shown)


def _is_refused(outcome: Outcome) -> bool:
    return not outcome.pictures() and any(post.text and not post.thinking for post in outcome.posts())


def _is_reply(outcome: Outcome) -> bool:
    """To the person's message, to what was pressed, or to the bots' own answer to a command."""
    asked = {post.id for post in (outcome.own, outcome.target, *outcome.posts()) if post is not None}
    posts = outcome.pictures() or outcome.posts()
    return bool(posts) and all(post.reply_to in asked for post in posts)


def _buttons(outcome: Outcome) -> set[str]:
    posts = [post for post in outcome.pictures() if post.buttons] or outcome.posts()
    pressed = [decode(button.id) for post in posts for row in post.buttons for button in row]
    return {press.action for press in pressed if press is not None}


def _captions_fit(outcome: Outcome, limit: int) -> bool:
    return all(utf16_length(post.text) <= limit for post in outcome.pictures())


def _is_noticed(outcome: Outcome, text: str) -> bool:
    return any(
        isinstance(event, Notice) and event.person == outcome.step.who and text in event.text
        for event in outcome.feed.events[outcome.since :]
    )


def _is_gone(outcome: Outcome) -> bool:
    return outcome.target is not None and outcome.feed.post(outcome.target.chat, outcome.target.id).deleted
