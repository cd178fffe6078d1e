"""The shapes in which aihubmix hands over pictures."""

from collections.abc import Sequence
from enum import StrEnum

Json = dict[str, object]


class Shape(StrEnum):
    """Where the pictures are in a successful answer of the predictions endpoint."""

    B64_OBJECT = "output.b64_json[].bytesBase64"  #: gpt-image
    BYTES_LIST = "output[].bytesBase64"
    URL_LIST = "output[].url"  #: seedream, qianfan
    B64_LIST = "output[].b64_json"  #: qianfan's other form; seedream asked for base64_json
    URLS_OBJECT = "output.urls[]"
    RATED_LIST = "output[].is_image_safe"  #: Ideogram's own entry, which says when a picture was withheld
    TASK = "output[].taskId"  #: flux-kontext: nothing yet, ask again

    @property
    def inline(self) -> bool:
        """Whether the pictures come in the answer itself."""
        return self in (Shape.B64_OBJECT, Shape.BYTES_LIST, Shape.B64_LIST)

    def answer(self, entries: Sequence[str], mime: str) -> Json:
        """The answer with ``entries``: base64 texts or addresses; for TASK, task ids and their addresses in turn."""
        match self:
            case Shape.B64_OBJECT:
                # "png", not "image/png": aihubmix's own spelling.
                short = mime.removeprefix("image/")
                return {"output": {"b64_json": [{"bytesBase64": e, "mimeType": short} for e in entries], "urls": []}}
            case Shape.BYTES_LIST:
                return {"output": [{"bytesBase64": entry, "mimeType": mime} for entry in entries]}
            case Shape.URL_LIST:
                return {"output": [{"url": entry} for entry in entries]}
            case Shape.B64_LIST:
                return {"output": [{"b64_json": entry} for entry in entries]}
            case Shape.URLS_OBJECT:
                return {"output": {"urls": list(entries)}}
            case Shape.RATED_LIST:
                return {"output": [{"url": entry or None, "is_image_safe": bool(entry)} for entry in entries]}
            case Shape.TASK:
                pairs = zip(entries[::2], entries[1::2], strict=True)
                return {"output": [{"polling_url": url, "taskId": task} for task, url in pairs]}
