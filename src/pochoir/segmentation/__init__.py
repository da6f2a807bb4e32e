"""Mask R-CNN: models, the LightningModule, COCO evaluation and the segmenter."""
