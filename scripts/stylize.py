"""Paint photos in the style of paintings: python scripts/stylize.py content=photo.jpg style=painting.jpg"""

from pathlib import Path

import hydra
from omegaconf import DictConfig

from pochoir.cli import WORST_LOSS, run_script
from pochoir.config import StylizeConfig
from pochoir.config.validation import validate
from pochoir.errors import SomeInputsFailedError


@hydra.main(version_base="1.3", config_path="../conf", config_name="stylize")
def main(config: DictConfig) -> float | None:
    """Returns the saved picture's loss, for sweepers; exits with 3 when some of several pictures failed."""

    def work(folder: Path) -> float | None:
        settings = validate(config, StylizeConfig)
        from pochoir.runs.stylize import stylize  # heavy: only after the settings are known to be good

        summary = stylize(settings, folder)
        if summary.failures:
            raise SomeInputsFailedError(f"{len(summary.failures)} pictures could not be painted")
        return summary.objective

    return run_script(config, work, worst=WORST_LOSS)


if __name__ == "__main__":
    main()
