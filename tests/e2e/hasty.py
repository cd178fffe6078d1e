"""``imagine`` whose workers give one another up after seconds, so that a test of a killed one need not take a minute.

That the real times make up less than half a minute is tested beside the engine.
"""

from datetime import timedelta

import core.orders

core.orders.CLAIM_LEASE = timedelta(seconds=3)  # before the others take it over from there

import core.engine_postgres  # noqa: E402
import core.inhand  # noqa: E402
from bots.cli import main  # noqa: E402

core.engine_postgres.LONG_SWEEP = 0.5
core.inhand.SIGN_OF_LIFE = 1.0

if __name__ == "__main__":
    main()
