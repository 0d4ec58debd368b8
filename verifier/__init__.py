"""Cleans e-mail lists honestly: every verdict with its evidence, and `unknown` where nothing was proved."""

__version__ = "0.1.0"
