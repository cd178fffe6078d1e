"""What to try first: each idea fills the composer of its chat."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Idea:
    """``reply`` aims at the newest picture of that chat; ``sample`` attaches one; ``menu`` opens Apps on it."""

    platform: str
    label: str
    text: str
    reply: bool = False
    sample: str = ""
    menu: str = ""


IDEAS = (
    Idea("telegram", "Make a picture", "/imagine a red fox in the snow --ar 16:9"),
    Idea("telegram", "Reply with words", "make it night", reply=True),
    Idea("telegram", "Edit a photo", "/edit paint it in autumn colours", sample="a lake at sunset"),
    Idea("telegram", "Have it described", "/describe", sample="a city at night"),
    Idea("discord", "Four by Midjourney", "/imagine a castle on a cliff --model midjourney"),
    Idea("discord", "Right-click → Edit image", "", menu="Edit image"),
    Idea("discord", "Make a film", "/animate waves in the evening"),
    Idea("discord", "Mention the bot", "@bot make it snow", sample="a city at night"),
)
