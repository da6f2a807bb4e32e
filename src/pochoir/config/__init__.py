"""Typed settings of every script: a YAML under `conf/` chooses values, the dataclasses here say what they may be.

Each field has its type, its range or choices (`setting`) and its documentation; `paths` names the fields whose files
must exist, `problems` finds settings that exclude each other, each message beginning with a field's name. Groups that
come in kinds (`KINDS`) carry a `name` that selects their dataclass. `pochoir.config.validation` checks a composed config
against them.
"""

from pochoir.config.datasets import (
    CocoDataset,
    DatasetConfig,
    FiguresDataset,
    FolderDataset,
    MixtureDataset,
    PennFudanDataset,
    SplitDataset,
)
from pochoir.config.partial import FinderConfig, PartialConfig, RegionConfig
from pochoir.config.segmentation import (
    NAMED_WEIGHTS,
    AugmentConfig,
    EvalSegConfig,
    ExportSegConfig,
    OptimConfig,
    PredictSegConfig,
    SegmenterConfig,
    TrainerConfig,
    TrainSegConfig,
)
from pochoir.config.stylization import (
    VGG_BLOCKS,
    EncoderConfig,
    PaintConfig,
    PaintTrainerConfig,
    RecipeConfig,
    StylizeConfig,
    vgg_layers,
)

__all__ = [
    "KINDS",
    "NAMED_WEIGHTS",
    "VGG_BLOCKS",
    "AugmentConfig",
    "CocoDataset",
    "DatasetConfig",
    "EncoderConfig",
    "EvalSegConfig",
    "ExportSegConfig",
    "FiguresDataset",
    "FinderConfig",
    "FolderDataset",
    "MixtureDataset",
    "OptimConfig",
    "PaintConfig",
    "PaintTrainerConfig",
    "PartialConfig",
    "PennFudanDataset",
    "PredictSegConfig",
    "RecipeConfig",
    "RegionConfig",
    "SegmenterConfig",
    "SplitDataset",
    "StylizeConfig",
    "TrainSegConfig",
    "TrainerConfig",
    "vgg_layers",
]

KINDS: dict[str, dict[str, type]] = {
    "dataset": {
        "pennfudan": PennFudanDataset,
        "coco": CocoDataset,
        "folder": FolderDataset,
        "figures": FiguresDataset,
        "mixture": MixtureDataset,
    },
    "segmenter": dict.fromkeys(NAMED_WEIGHTS, SegmenterConfig),
    "encoder": dict.fromkeys(VGG_BLOCKS, EncoderConfig),
    "region": dict.fromkeys(("object", "background"), RegionConfig),
}
"""Groups that come in kinds: key -> name -> dataclass."""
