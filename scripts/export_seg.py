"""The weights of a run as a small file to share: python scripts/export_seg.py ckpt=best.ckpt file=mine.safetensors"""

from pathlib import Path

import hydra
from omegaconf import DictConfig

from pochoir.cli import run_script
from pochoir.config import ExportSegConfig
from pochoir.config.validation import validate


@hydra.main(version_base="1.3", config_path="../conf", config_name="export_seg")
def main(config: DictConfig) -> float | None:
    def work(folder: Path) -> float | None:
        settings = validate(config, ExportSegConfig)
        from pochoir.runs.export_seg import export  # heavy: only after the settings are known to be good

        export(
            Path(settings.ckpt).expanduser(),
            Path(settings.file).expanduser(),
            min_size=settings.min_size,
            max_size=settings.max_size,
        )
        return None

    return run_script(config, work)


if __name__ == "__main__":
    main()
