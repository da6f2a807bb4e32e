"""Fine-tune a Mask R-CNN: python scripts/train_seg.py dataset=pennfudan"""

from pochoir.cli import main

if __name__ == "__main__":
    main("train_seg")
