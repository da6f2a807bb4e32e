"""The segmenters that come with the project, each a `.safetensors` beside its model card."""

from pathlib import Path

PERSON = "person"
"""Finds people: `segmenter=maskrcnn_lite` trained by `experiment=person`."""


def pretrained_path(name: str) -> Path:
    """The file of the segmenter called `name`."""
    return Path(__file__).with_name(f"{name}.safetensors")
