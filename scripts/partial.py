"""Paint chosen objects: python scripts/partial.py content=photo.jpg style=painting.jpg segmenter.ckpt=best.ckpt"""

from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from pochoir.cli import plain_errors
from pochoir.config import PartialConfig
from pochoir.validation import validate


@hydra.main(version_base="1.3", config_path="../conf", config_name="partial")
def main(config: DictConfig) -> float:
    """Returns the loss inside the painted regions of the saved picture, for sweepers."""
    with plain_errors():
        settings = validate(config, PartialConfig)
        from pochoir.runs.partial import partial  # heavy: only after the settings are known to be good

        metrics = partial(settings, Path(HydraConfig.get().runtime.output_dir))
    return float(metrics["loss"])


if __name__ == "__main__":
    main()
