"""A built-in dataset: drawn scenes with people in them, every mask exact, nothing to download (dataset=figures)."""

from pochoir.data.figures.scene import draw_scene
from pochoir.data.figures.source import Figures

__all__ = ["Figures", "draw_scene"]
