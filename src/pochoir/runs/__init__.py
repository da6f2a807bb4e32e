"""Whole runs, from a typed config to a folder of results: what the command calls."""
