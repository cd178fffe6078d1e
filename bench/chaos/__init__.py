"""`make chaos`: kill the bots again and again while people ask for pictures, then count what was lost or done twice."""
