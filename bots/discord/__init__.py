"""The Discord front. Inside this package ``import discord`` is the library: imports are absolute."""
