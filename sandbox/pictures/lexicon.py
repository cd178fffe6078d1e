"""Which words of a prompt mean which colours and things, in English and Chinese, and the dice a prompt rolls."""

import hashlib
import random
import re

Colour = tuple[int, int, int]

#: What a colour word paints: (top of the sky, bottom of the sky, ground). The first words found win.
COLOURS: tuple[tuple[str, tuple[Colour, Colour, Colour]], ...] = (
    ("night dark midnight 夜 黑暗", ((8, 12, 44), (52, 54, 110), (16, 28, 48))),
    ("sunset dusk dawn 日落 黄昏 夕阳", ((88, 52, 120), (255, 150, 84), (92, 44, 62))),
    ("red crimson ruby 红", ((148, 20, 34), (250, 138, 112), (112, 18, 30))),
    ("orange autumn 橙 橘 秋", ((232, 118, 40), (255, 214, 150), (150, 74, 26))),
    ("yellow gold golden 黄 金", ((240, 190, 40), (255, 244, 190), (164, 124, 22))),
    ("green emerald spring 绿 春", ((56, 150, 110), (214, 240, 196), (30, 104, 58))),
    ("forest jungle tree trees 森林 树", ((70, 140, 132), (210, 232, 190), (22, 84, 48))),
    ("blue sky 蓝 天空", ((24, 84, 190), (164, 212, 250), (26, 66, 128))),
    ("sea ocean lake water 海 湖 水", ((66, 150, 206), (206, 238, 246), (12, 96, 138))),
    ("purple violet lavender 紫", ((84, 42, 150), (214, 176, 246), (66, 34, 108))),
    ("pink rose sakura 粉 樱", ((232, 112, 164), (255, 222, 232), (156, 66, 112))),
    ("white snow winter ice 白 雪 冬 冰", ((156, 188, 222), (246, 250, 255), (206, 220, 236))),
    ("desert sand 沙漠 沙", ((94, 170, 214), (250, 226, 180), (206, 158, 92))),
    ("black 黑", ((18, 18, 22), (84, 86, 94), (10, 10, 12))),
    ("brown earth 棕 褐", ((150, 108, 74), (232, 206, 172), (90, 58, 34))),
)

#: Which words put which motif into the picture.
MOTIFS: tuple[tuple[str, str], ...] = (
    ("forest jungle tree trees pine 森林 树", "trees"),
    ("city town building buildings skyline 城市 楼", "city"),
    ("house houses home cabin cottage temple 房 屋 寺", "house"),
    ("cat cats kitten 猫", "cat"),
    ("fox foxes 狐", "fox"),
    ("balloon balloons 气球", "balloons"),
    ("boat boats ship ships sail sails 船 帆", "boat"),
    ("flower flowers roses sakura garden 花 樱", "flowers"),
)


def dice(prompt: str, seed: int) -> random.Random:
    """The same throws for the same prompt and seed, on every machine."""
    return random.Random(hashlib.sha256(f"{seed}\0{prompt}".encode()).digest())


def mentions(prompt: str, words: str) -> bool:
    """Whole words for Latin letters, any occurrence for Chinese characters."""
    text = prompt.lower()
    found = set(re.findall(r"[a-z]+", text))
    return any(word in found if word.isascii() else word in text for word in words.split(" "))


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """``share`` 0 is the one colour, 1 the other."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue
