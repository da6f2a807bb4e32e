"""Paint photos in the style of paintings: python scripts/stylize.py content=photo.jpg style=painting.jpg"""

import sys
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from pochoir.cli import SOME_INPUTS_FAILED, plain_errors
from pochoir.config import StylizeConfig
from pochoir.validation import validate


@hydra.main(version_base="1.3", config_path="../conf", config_name="stylize")
def main(config: DictConfig) -> float | None:
    """Returns the saved picture's loss, for sweepers; exits with 3 when some of several pictures failed."""
    with plain_errors():
        settings = validate(config, StylizeConfig)
        from pochoir.runs.stylize import stylize  # heavy: only after the settings are known to be good

        summary = stylize(settings, Path(HydraConfig.get().runtime.output_dir))
    if summary.failures:
        sys.exit(SOME_INPUTS_FAILED)
    return summary.objective


if __name__ == "__main__":
    main()
