"""Entry point."""

