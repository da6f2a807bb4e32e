"""Typed settings of every task: a YAML under `conf/` chooses values, the models here say what values may be.

`load_config` is the way in. Each field has its type, its range or choices and its documentation; `problems` finds
settings that exclude each other. Groups that come in kinds are unions told apart by `name`.
"""

from pochoir.config.base import Settings
from pochoir.config.datasets import (
    AutoDataset,
    CocoDataset,
    DatasetConfig,
    FiguresDataset,
    FolderDataset,
    MixtureDataset,
    PennFudanDataset,
    PythonDataset,
    SplitDataset,
)
from pochoir.config.film import FilmConfig, TemporalConfig, TrackingConfig
from pochoir.config.loading import SCHEMAS, Request, load_config, to_settings
from pochoir.config.painters import (
    ConsistencyConfig,
    ExportPainterConfig,
    PainterConfig,
    PainterLossConfig,
    PhotosConfig,
    TrainPainterConfig,
)
from pochoir.config.painting import (
    VGG_BLOCKS,
    EncoderConfig,
    GuidesConfig,
    KeepConfig,
    PaintConfig,
    RecipeConfig,
    StylizeConfig,
    vgg_layers,
)
from pochoir.config.partial import FindConfig, KeepPartConfig, PartialConfig, RegionConfig, StencilConfig
from pochoir.config.segmentation import (
    AugmentConfig,
    EvalSegConfig,
    ExportSegConfig,
    LiteConfig,
    NetworkConfig,
    OptimConfig,
    PredictSegConfig,
    ResNetConfig,
    SegmenterConfig,
    TrainSegConfig,
)
from pochoir.config.studio import StudioConfig
from pochoir.config.training import (
    LoaderConfig,
    NetworkTrainerConfig,
    PaintTrainerConfig,
    ScheduleConfig,
    TrainerConfig,
)
from pochoir.config.validation import checked

__all__ = [
    "SCHEMAS",
    "VGG_BLOCKS",
    "AugmentConfig",
    "AutoDataset",
    "CocoDataset",
    "ConsistencyConfig",
    "DatasetConfig",
    "EncoderConfig",
    "EvalSegConfig",
    "ExportPainterConfig",
    "ExportSegConfig",
    "FiguresDataset",
    "FilmConfig",
    "FindConfig",
    "FolderDataset",
    "GuidesConfig",
    "KeepConfig",
    "KeepPartConfig",
    "LiteConfig",
    "LoaderConfig",
    "MixtureDataset",
    "NetworkConfig",
    "NetworkTrainerConfig",
    "OptimConfig",
    "PaintConfig",
    "PaintTrainerConfig",
    "PainterConfig",
    "PainterLossConfig",
    "PartialConfig",
    "PennFudanDataset",
    "PhotosConfig",
    "PredictSegConfig",
    "PythonDataset",
    "RecipeConfig",
    "RegionConfig",
    "Request",
    "ResNetConfig",
    "ScheduleConfig",
    "SegmenterConfig",
    "Settings",
    "SplitDataset",
    "StencilConfig",
    "StudioConfig",
    "StylizeConfig",
    "TemporalConfig",
    "TrackingConfig",
    "TrainPainterConfig",
    "TrainSegConfig",
    "TrainerConfig",
    "checked",
    "load_config",
    "to_settings",
    "vgg_layers",
]
