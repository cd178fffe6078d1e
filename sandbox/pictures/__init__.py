"""Draw and change pictures without a model, so that a person sees at a glance what was asked for.

``draw`` paints a landscape whose colours come from the words of the prompt and whose layout comes from the prompt
and the seed; ``transform`` changes given pictures in the way the words ask for; ``clip`` is a film. All are
deterministic and synchronous; the first two take tens of milliseconds for 1024 x 1024: call them through
``asyncio.to_thread``.
"""

from sandbox.pictures.clip import clip
from sandbox.pictures.edits import transform
from sandbox.pictures.finish import Format, encode
from sandbox.pictures.scene import draw

__all__ = ["Format", "clip", "draw", "encode", "transform"]
