"""Segment pictures with a fine-tuned Mask R-CNN: python scripts/predict_seg.py ckpt=best.ckpt input=photos"""

from pathlib import Path

import hydra
from omegaconf import DictConfig

from pochoir.cli import run_script
from pochoir.config import PredictSegConfig
from pochoir.config.validation import validate
from pochoir.errors import SomeInputsFailedError


@hydra.main(version_base="1.3", config_path="../conf", config_name="predict_seg")
def main(config: DictConfig) -> float | None:
    """Exits with 3 when some inputs could not be read and were skipped."""

    def work(folder: Path) -> float | None:
        settings = validate(config, PredictSegConfig)
        from pochoir.runs.predict_seg import predict  # heavy: only after the settings are known to be good

        summary = predict(settings, folder)
        if summary.failures:
            raise SomeInputsFailedError(f"{len(summary.failures)} pictures could not be read")
        return None

    return run_script(config, work)


if __name__ == "__main__":
    main()
