"""``python -m bench.soak``: exit code 1 when a goal is missed."""

import argparse
import sys
from pathlib import Path

from bench.soak.running import ORDERS, main

parser = argparse.ArgumentParser(prog="bench.soak", description="Thousands of waiting orders in one process.")
parser.add_argument("--minutes", type=float, default=30.0, help="how long, once all orders are on the screen")
parser.add_argument("--orders", type=int, default=ORDERS, help="unfinished orders: half waiting, half queued")
parser.add_argument("--json", type=Path, help="write all figures and samples there")
parser.add_argument("--folder", type=Path, help="keep the database and the log there")
given = parser.parse_args()
sys.exit(0 if main(given.minutes, orders=given.orders, json_to=given.json, folder=given.folder) else 1)
