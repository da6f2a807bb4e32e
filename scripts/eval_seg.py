"""Measure a segmenter: python scripts/eval_seg.py dataset=pennfudan weights=best.ckpt"""

from pochoir.cli import main

if __name__ == "__main__":
    main("eval_seg")
