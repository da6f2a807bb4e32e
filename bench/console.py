"""Where benches print: wide enough that no number of a table is cut off, into files as well."""

from rich.console import Console

console = Console(highlight=False, width=max(Console().width, 140))
