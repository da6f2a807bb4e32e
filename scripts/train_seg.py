"""Fine-tune a two-class Mask R-CNN: python scripts/train_seg.py dataset=pennfudan"""

from pathlib import Path

import hydra
from omegaconf import DictConfig

from pochoir.cli import run_script
from pochoir.config import TrainSegConfig
from pochoir.config.validation import validate


@hydra.main(version_base="1.3", config_path="../conf", config_name="train_seg")
def main(config: DictConfig) -> float | None:
    """Returns the best validation mask AP, for sweepers."""

    def work(folder: Path) -> float | None:
        settings = validate(config, TrainSegConfig)
        from pochoir.runs.train_seg import train  # heavy: only after the settings are known to be good

        return train(settings, folder)

    return run_script(config, work)


if __name__ == "__main__":
    main()
