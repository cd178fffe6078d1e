"""The bots: Telegram, Discord, a terminal, and the command line that runs them."""
