"""The page on this machine, to paint, train and compare without commands: python scripts/studio.py"""

from pochoir.cli import main

if __name__ == "__main__":
    main("studio")
