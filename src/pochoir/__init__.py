"""Pochoir: cut a stencil with Mask R-CNN, paint with neural style transfer, put the paint through the stencil."""

__version__ = "0.1.0"
