"""Compare runs and sweeps: python scripts/compare.py outputs/stylize/sweeps/<stamp> 'outputs/stylize/2026-*'"""

from pochoir.cli import main

if __name__ == "__main__":
    main("compare")
