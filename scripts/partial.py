"""Paint chosen objects: python scripts/partial.py content=photo.jpg style=painting.jpg segmenter.ckpt=best.ckpt"""

from pathlib import Path

import hydra
from omegaconf import DictConfig

from pochoir.cli import WORST_LOSS, run_script
from pochoir.config import PartialConfig
from pochoir.config.validation import validate


@hydra.main(version_base="1.3", config_path="../conf", config_name="partial")
def main(config: DictConfig) -> float | None:
    """Returns the loss inside the painted regions of the saved picture, for sweepers."""

    def work(folder: Path) -> float | None:
        settings = validate(config, PartialConfig)
        from pochoir.runs.partial import partial  # heavy: only after the settings are known to be good

        return float(partial(settings, folder)["loss"])

    return run_script(config, work, worst=WORST_LOSS)


if __name__ == "__main__":
    main()
