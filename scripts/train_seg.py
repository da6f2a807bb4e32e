"""Fine-tune a two-class Mask R-CNN: python scripts/train_seg.py dataset=pennfudan"""

from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from pochoir.cli import plain_errors
from pochoir.config import TrainSegConfig
from pochoir.validation import validate


@hydra.main(version_base="1.3", config_path="../conf", config_name="train_seg")
def main(config: DictConfig) -> float | None:
    """Returns the best validation mask AP, for sweepers."""
    with plain_errors():
        settings = validate(config, TrainSegConfig)
        from pochoir.runs.train_seg import train  # heavy: only after the settings are known to be good

        return train(settings, Path(HydraConfig.get().runtime.output_dir))


if __name__ == "__main__":
    main()
