"""Parses HTML and MarkdownV2 for real, so that one forgotten escape fails here as it fails at Telegram.

Grammar: core.telegram.org/bots/api#formatting-options; the wording of the errors is that of TDLib's MessageEntity.cpp.
Offsets in errors count UTF-8 bytes, offsets of entities UTF-16 code units.
"""

import re
from dataclasses import dataclass

from sandbox.telegram.entities import Entity, utf16_length
from sandbox.telegram.errors import ApiError, bad_request

_HTML_TYPES = {
    "b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline", "ins": "underline",
    "s": "strikethrough", "strike": "strikethrough", "del": "strikethrough", "tg-spoiler": "spoiler",
    "span": "spoiler", "a": "text_link", "code": "code", "pre": "pre", "blockquote": "blockquote",
    "tg-emoji": "custom_emoji",
}  # fmt: skip
_HTML_ENTITY = re.compile(r"&(?:#x([0-9a-fA-F]{1,6})|#(\d{1,7})|(lt|gt|amp|quot)(?![A-Za-z]));?")
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_ATTRIBUTE = re.compile(r"\s*([^\s=>]+)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([A-Za-z0-9.-]+)))?\s*")
_RESERVED = "_*[]()~`>#+-=|{}.!"
_LINK = re.compile(r"(?:https?://|tg://|mailto:|[\w-]+(?:\.[\w-]+)+)\S*\Z", re.IGNORECASE)


@dataclass
class _Open:
    type: str
    offset: int  # UTF-16 units of the output
    byte: int  # UTF-8 bytes of the source, for errors
    start: int  # characters of the output
    argument: str = ""
    tag: str = ""


def parse(text: str, mode: str) -> tuple[str, list[Entity]]:
    """The plain text and its entities, offsets in UTF-16 code units.

    ``mode`` is a ``parse_mode``, its case does not matter. The legacy mode "Markdown" is refused: nothing new should
    use it. Raises :class:`ApiError` 400 for markup that Telegram cannot parse.
    """
    kind = mode.lower()
    if kind == "html":
        return _Html(text).parse()
    if kind == "markdownv2":
        return _MarkdownV2(text).parse()
    raise bad_request("unsupported parse_mode")


class _Parser:
    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self.output: list[str] = []
        self.length = 0
        self.characters = 0
        self.stack: list[_Open] = []
        self.entities: list[Entity] = []

    def error(self, reason: str) -> ApiError:
        return bad_request(f"can't parse entities: {reason}")

    def byte(self, position: int) -> int:
        return len(self.source[:position].encode())

    def put(self, text: str) -> None:
        self.output.append(text)
        self.length += utf16_length(text)
        self.characters += len(text)

    def open(self, type_: str, position: int, argument: str = "", tag: str = "") -> None:
        self.stack.append(_Open(type_, self.length, self.byte(position), self.characters, argument, tag))

    def close(self, entity: _Open, extra: dict[str, str] | None = None) -> None:
        if self.length > entity.offset:
            size = self.length - entity.offset
            self.entities.append({"type": entity.type, "offset": entity.offset, "length": size, **(extra or {})})

    def close_link(self, entity: _Open, url: str) -> None:
        """A link that is none leaves its text without an entity, as Telegram does."""
        url = url or "".join(self.output)[entity.start :]
        if _LINK.match(url):
            whole = "://" in url or url.startswith("mailto:")
            self.close(entity, {"url": url if whole else f"http://{url}" if "/" in url else f"http://{url}/"})

    def done(self) -> tuple[str, list[Entity]]:
        ordered = sorted(self.entities, key=lambda item: (item["offset"], -item["length"]))
        return "".join(self.output), ordered


class _Html(_Parser):
    def parse(self) -> tuple[str, list[Entity]]:
        while self.at < len(self.source):
            if self.source[self.at] == "<":
                self._end_tag() if self.source.startswith("</", self.at) else self._start_tag()
                continue
            entity = _HTML_ENTITY.match(self.source, self.at)
            if entity is not None:
                self.put(_decoded(entity))
                self.at = entity.end()
            else:
                self.put(self.source[self.at])
                self.at += 1
        if self.stack:
            raise self.error(f'Can\'t find end tag corresponding to start tag "{self.stack[-1].tag}"')
        return self.done()

    def _start_tag(self) -> None:
        begin, byte = self.at, self.byte(self.at)
        end = self.source.find(">", begin)
        if end < 0:
            raise self.error(f"Unclosed start tag at byte offset {byte}")
        name_match = re.match(r"[^\s>]*", self.source[begin + 1 : end])
        name = name_match.group().lower() if name_match else ""
        if name not in _HTML_TYPES:
            raise self.error(f'Unsupported start tag "{name}" at byte offset {byte}')
        attributes = self._attributes(self.source[begin + 1 + len(name) : end], name, byte)
        argument = ""
        if name == "a":
            argument = attributes.get("href", "")
        elif name == "code":
            argument = attributes.get("class", "").removeprefix("language-")
        elif name == "tg-emoji":
            argument = attributes.get("emoji-id", "")
        elif name == "blockquote":
            argument = "expandable" if "expandable" in attributes else ""
        elif name == "span" and attributes.get("class") != "tg-spoiler":
            raise self.error(f'Tag "span" must have class "tg-spoiler" at byte offset {byte}')
        kind = "expandable_blockquote" if argument == "expandable" and name == "blockquote" else _HTML_TYPES[name]
        self.open(kind, begin, argument, name)
        self.at = end + 1

    def _attributes(self, text: str, tag: str, byte: int) -> dict[str, str]:
        found: dict[str, str] = {}
        at = 0
        while at < len(text) and text[at:].strip():
            match = _ATTRIBUTE.match(text, at)
            if match is None:
                raise self.error(f'Empty attribute name in the tag "{tag}" at byte offset {byte}')
            value = next((group for group in match.groups()[1:] if group is not None), None)
            if value is None and (tag, match.group(1)) != ("blockquote", "expandable"):
                raise self.error(
                    f'Expected equal sign in declaration of an attribute of the tag "{tag}" at byte offset {byte}'
                )
            found[match.group(1).lower()] = _HTML_ENTITY.sub(_decoded, value or "")
            at = match.end()
        return found

    def _end_tag(self) -> None:
        byte = self.byte(self.at)
        if not self.stack:
            raise self.error(f"Unexpected end tag at byte offset {byte}")
        end = self.source.find(">", self.at)
        if end < 0:
            raise self.error(f"Unclosed end tag at byte offset {byte}")
        name = self.source[self.at + 2 : end].strip().lower()
        entity = self.stack.pop()
        if name and name != entity.tag:
            raise self.error(f'Unmatched end tag at byte offset {byte}, expected "</{entity.tag}>", found "</{name}>"')
        self.at = end + 1
        if entity.type == "text_link":
            self.close_link(entity, entity.argument)
        elif entity.type == "custom_emoji":
            if not entity.argument.isdigit():
                raise self.error("Invalid custom emoji identifier specified")
            self.close(entity, {"custom_emoji_id": entity.argument})
        else:
            self._close_code(entity)

    def _close_code(self, entity: _Open) -> None:
        """``<pre><code class="language-x">`` is one entity with a language, everything else one of its own."""
        inner = self.entities[-1] if self.entities else {}
        same = inner.get("offset") == entity.offset and entity.offset + inner.get("length", 0) == self.length
        if entity.type == "pre" and inner.get("type") == "code" and same:
            self.entities.pop()
            self.close(entity, {"language": inner["language"]} if "language" in inner else None)
        elif entity.type == "code" and entity.argument and self.stack and self.stack[-1].type == "pre":
            self.close(entity, {"language": entity.argument})
        else:
            self.close(entity)


def _decoded(match: re.Match[str]) -> str:
    hexadecimal, decimal, name = match.groups()
    if name:
        return _NAMED[name]
    code = int(hexadecimal, 16) if hexadecimal else int(decimal)
    return chr(code) if 0 < code < 0x10FFFF and not 0xD800 <= code <= 0xDFFF else match.group()


class _MarkdownV2(_Parser):
    _MARKS = (("__", "underline"), ("||", "spoiler"), ("_", "italic"), ("*", "bold"), ("~", "strikethrough"))

    def parse(self) -> tuple[str, list[Entity]]:
        while self.at < len(self.source):
            character = self.source[self.at]
            in_code = bool(self.stack) and self.stack[-1].type in ("code", "pre")
            following = self.source[self.at + 1 : self.at + 2]
            if character == "\\" and following and ord(following) <= 126:
                self.put(following)
                self.at += 2
            elif self._quote():
                continue
            elif character not in ("`" if in_code else _RESERVED):
                self.put(character)
                self.at += 1
            elif character == "`":
                self._code()
            elif not self._mark(character):
                raise self.error(f"Character '{character}' is reserved and must be escaped with the preceding '\\'")
        if self.stack and self.stack[-1].type.endswith("blockquote"):
            self.close(self.stack.pop())
        if self.stack:
            raise self._unclosed()
        return self.done()

    def _unclosed(self) -> ApiError:
        entity = self.stack[-1]
        names = {"text_link": "TextUrl", "custom_emoji": "CustomEmoji", "pre": "Pre", "code": "Code"}
        name = names.get(entity.type, entity.type.capitalize())
        return self.error(f"Can't find end of {name} entity at byte offset {entity.byte}")

    def _quote(self) -> bool:
        """Lines that begin with ``>`` are one quotation; its last line may end in ``||`` to make it expandable."""
        quoting = any(entity.type == "blockquote" for entity in self.stack)
        character = self.source[self.at]
        line_start = self.at == 0 or self.source[self.at - 1] == "\n"
        if character == ">" and line_start and not (self.stack and self.stack[-1].type in ("code", "pre")):
            if not quoting:
                self.open("blockquote", self.at)
            self.at += 1
            return True
        if not quoting:
            return False
        ending = self.source.startswith("||", self.at) and self.source[self.at + 2 : self.at + 3] in ("", "\n")
        if ending and self.stack[-1].type == "blockquote":
            self.stack[-1].type = "expandable_blockquote"
            self.at += 2
            self.close(self.stack.pop())
            return True
        if character == "\n" and self.source[self.at + 1 : self.at + 2] != ">":
            if self.stack[-1].type != "blockquote":
                raise self._unclosed()
            self.put("\n")
            self.at += 1
            self.close(self.stack.pop())
            return True
        return False

    def _code(self) -> None:
        fence = "```" if self.source.startswith("```", self.at) else "`"
        top = self.stack[-1].type if self.stack else ""
        if top == ("pre" if fence == "```" else "code"):
            entity = self.stack.pop()
            self.at += len(fence)
            self.close(entity, {"language": entity.argument} if entity.argument else None)
            return
        if top in ("code", "pre"):
            if top == "code":
                self.at += 1
                self.close(self.stack.pop())
                return
            raise self.error("Character '`' is reserved and must be escaped with the preceding '\\'")
        begin = self.at
        self.at += len(fence)
        language = ""
        if fence == "```":
            match = re.compile(r"([^\s`]*)(\r?\n)?").match(self.source, self.at)
            if match and match.group(2):
                language = match.group(1)
                self.at = match.end()
        self.open("pre" if fence == "```" else "code", begin, language)

    def _mark(self, character: str) -> bool:
        top = self.stack[-1].type if self.stack else ""
        if character == "]" and top in ("text_link", "custom_emoji"):
            self._close_bracket(self.stack.pop())
            return True
        if character == "[" or self.source.startswith("![", self.at):
            self.open("text_link" if character == "[" else "custom_emoji", self.at)
            self.at += 1 if character == "[" else 2
            return True
        for mark, kind in self._MARKS:
            if self.source.startswith(mark, self.at):
                begin = self.at
                self.at += len(mark)
                if top == kind:
                    self.close(self.stack.pop())
                else:
                    self.open(kind, begin)
                return True
        return False

    def _close_bracket(self, entity: _Open) -> None:
        self.at += 1
        if not self.source.startswith("(", self.at):
            if entity.type == "custom_emoji":
                raise self.error("Custom emoji entity must contain a tg://emoji URL")
            self.close_link(entity, "")
            return
        begin = self.at + 1
        match = re.compile(r"((?:\\.|[^)\\])*)\)", re.DOTALL).match(self.source, begin)
        if match is None:
            raise self.error(f"Can't find end of a URL at byte offset {self.byte(begin)}")
        self.at = match.end()
        url = re.sub(r"\\(.)", r"\1", match.group(1))
        if entity.type == "text_link":
            self.close_link(entity, url)
            return
        number = re.fullmatch(r"tg://emoji\?id=(\d+)", url)
        if number is None:
            raise self.error("Custom emoji URL must have an emoji identifier")
        self.close(entity, {"custom_emoji_id": number.group(1)})
