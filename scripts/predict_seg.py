"""Segment pictures: python scripts/predict_seg.py input=photos"""

from pochoir.cli import main

if __name__ == "__main__":
    main("predict_seg")
