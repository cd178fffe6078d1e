"""What the bots cost and what they survive, measured: `make bench` and `make chaos`."""
