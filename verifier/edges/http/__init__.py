"""The HTTP service: parse, one call of a service, render."""
