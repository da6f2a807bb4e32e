"""Train a network that paints at once: python scripts/train_painter.py styles=paintings content=photos"""

from pochoir.cli import main

if __name__ == "__main__":
    main("train_painter")
