"""Decides without I/O: values in, values out. No clock, no chance, no sockets, no files."""
