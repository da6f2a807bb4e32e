"""Measure a trained segmenter: python scripts/eval_seg.py ckpt=best.ckpt dataset=pennfudan"""

from pathlib import Path

import hydra
from omegaconf import DictConfig

from pochoir.cli import run_script
from pochoir.config import EvalSegConfig
from pochoir.config.validation import validate


@hydra.main(version_base="1.3", config_path="../conf", config_name="eval_seg")
def main(config: DictConfig) -> float | None:
    """Returns the mask AP, for sweepers that maximise it."""

    def work(folder: Path) -> float | None:
        settings = validate(config, EvalSegConfig)
        from pochoir.runs.eval_seg import measure  # heavy: only after the settings are known to be good

        return measure(settings, folder)

    return run_script(config, work)


if __name__ == "__main__":
    main()
