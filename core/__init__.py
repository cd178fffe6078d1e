"""The core: gateway client, task tracker, credits. It knows no chat program."""
