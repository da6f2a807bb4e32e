"""A painter as a small or a foreign file: python scripts/export_painter.py weights=best.ckpt file=mine.onnx"""

from pochoir.cli import main

if __name__ == "__main__":
    main("export_painter")
