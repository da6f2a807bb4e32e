"""Pochoir: cut a stencil with Mask R-CNN, paint with neural style transfer, put the paint through the stencil.

    import pochoir
    people = pochoir.find("photo.jpg")
    painting = pochoir.partial("photo.jpg", "painting.jpg", objects=people[0])
    painting.picture

Names are imported when they are first used: `import pochoir` alone is quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.2.0"

_WHERE = {
    "Instances": "segmentation.instances",
    "Painting": "stylization.painting",
    "PochoirError": "errors",
    "SegmentationData": "data.datamodule",
    "SegmentationModule": "segmentation.module",
    "Segmenter": "segmentation.segmenter",
    "find": "api",
    "load_config": "config",
    "paint": "stylization.painting",
    "partial": "api",
    "stylize": "api",
    "train": "runs.train",
}
__all__ = [
    "Instances",
    "Painting",
    "PochoirError",
    "SegmentationData",
    "SegmentationModule",
    "Segmenter",
    "__version__",
    "find",
    "load_config",
    "paint",
    "partial",
    "stylize",
    "train",
]

if TYPE_CHECKING:
    from pochoir.api import find, partial, stylize
    from pochoir.config import load_config
    from pochoir.data.datamodule import SegmentationData
    from pochoir.errors import PochoirError
    from pochoir.runs.train import train
    from pochoir.segmentation.instances import Instances
    from pochoir.segmentation.module import SegmentationModule
    from pochoir.segmentation.segmenter import Segmenter
    from pochoir.stylization.painting import Painting, paint


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'pochoir' has no attribute '{name}'")
    return getattr(import_module(f"pochoir.{_WHERE[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
