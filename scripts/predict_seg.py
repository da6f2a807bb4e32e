"""Segment pictures with a fine-tuned Mask R-CNN: python scripts/predict_seg.py ckpt=best.ckpt input=photos"""

import sys
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from pochoir.cli import SOME_INPUTS_FAILED, plain_errors
from pochoir.config import PredictSegConfig
from pochoir.validation import validate


@hydra.main(version_base="1.3", config_path="../conf", config_name="predict_seg")
def main(config: DictConfig) -> None:
    """Exits with 3 when some inputs could not be read and were skipped."""
    with plain_errors():
        settings = validate(config, PredictSegConfig)
        from pochoir.runs.predict_seg import predict  # heavy: only after the settings are known to be good

        summary = predict(settings, Path(HydraConfig.get().runtime.output_dir))
    if summary.failures:
        sys.exit(SOME_INPUTS_FAILED)


if __name__ == "__main__":
    main()
