"""A segmenter's weights as a small file: python scripts/export_seg.py weights=best.ckpt file=mine.safetensors"""

from pochoir.cli import main

if __name__ == "__main__":
    main("export_seg")
