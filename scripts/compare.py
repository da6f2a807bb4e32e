"""Compare runs and sweeps: python scripts/compare.py outputs/stylize/sweeps/<stamp> 'outputs/stylize/2026-*'"""

import argparse
from datetime import datetime
from pathlib import Path

from pochoir.cli import fail
from pochoir.errors import PochoirError


def main() -> None:
    parser = argparse.ArgumentParser(description="A table in the terminal, and one HTML page with the pictures.")
    parser.add_argument("runs", nargs="+", help="folders of runs or of sweeps, or patterns of them")
    stamp = f"{datetime.now():%Y-%m-%d_%H-%M-%S}"
    default = Path("outputs/compare") / f"{stamp}.html"
    parser.add_argument("--html", type=Path, default=default, help="where the page goes (default: outputs/compare/)")
    arguments = parser.parse_args()
    try:
        from pochoir.runs.compare import compare  # heavy: not for --help

        compare(arguments.runs, arguments.html)
    except PochoirError as error:
        fail(error)


if __name__ == "__main__":
    main()
