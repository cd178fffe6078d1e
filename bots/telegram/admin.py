"""/admin: answered to operators in their private chat alone; in groups, figures are nobody's business."""

from telegram import Chat

from bots.admin import SUBCOMMANDS, Asked, overview
from bots.telegram.answers import Answers
from bots.telegram.places import Place
from bots.telegram.style import style
from bots.words import Words
from core.admin import Admin
from core.errors import ImagineError
from core.types import Who


class Administering:
    """``admin`` None: nobody may."""

    def __init__(self, admin: Admin | None, words: Words, answers: Answers) -> None:
        self._admin, self._words, self._answers = admin, words, answers

    def asked(self, rest: str, who: Who, chat: Chat, place: Place) -> None:
        """Answer in the background: an operator's question may take seconds. ``rest`` begins with the subcommand."""
        name = rest.split(maxsplit=1)[0].casefold() if rest else ""
        shown = style(self._words, who.locale)
        admin = self._admin if self._admin is not None and who.account in self._admin.accounts else None
        if chat.type != Chat.PRIVATE:
            # In a group /admin is many bots' command: to say no, or to explain, would be noise.
            if admin is not None and name in SUBCOMMANDS:
                command = f"{shown.command('admin')} {name}"
                self._answers.say(place, self._words.say(who.locale, "admin.in_private", command=command))
        elif admin is None:
            self._answers.say(place, self._words.say(who.locale, "admin.not_for_you", account=who.account))
        elif name not in SUBCOMMANDS:
            self._answers.say(place, overview(self._words, who.locale, shown))
        else:
            asked = Asked(admin, self._words, who.locale, shown)
            self._answers.start("answer to an operator", self._answer(name, asked, place))

    async def _answer(self, name: str, asked: Asked, place: Place) -> None:
        try:
            text = await SUBCOMMANDS[name](asked)
        except ImagineError as error:
            text = self._words.error(asked.locale, error)
        self._answers.say(place, text)
