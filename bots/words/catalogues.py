"""Reading the catalogues: gettext's text form, compiled in memory, so that no binary file has to be kept in step."""

import io
from gettext import GNUTranslations
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LOCALES = Path(__file__).with_name("locales")


def load(folder: Path = LOCALES) -> dict[str, GNUTranslations]:
    """Language tag → its catalogue, in the tags' order. Folders are named as gettext does it: ``zh_CN``."""
    return {path.parent.name.replace("_", "-"): _compiled(path) for path in sorted(folder.glob("*/messages.po"))}


def _compiled(path: Path) -> GNUTranslations:
    with path.open("rb") as file:
        catalogue = read_po(file, locale=path.parent.name, abort_invalid=True)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return GNUTranslations(compiled)
