"""Stand-ins for Telegram, Discord and the gateways, as strict as the real services, on loopback sockets only.

The tests and ``imagine demo`` run the real bots against them. Nothing in here is imported by the bots themselves.
"""
