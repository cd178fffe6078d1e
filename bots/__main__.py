"""``python -m bots`` is ``imagine``."""

from bots.cli import main

if __name__ == "__main__":
    main()
