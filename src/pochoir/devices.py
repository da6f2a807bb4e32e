"""Is what a run wants to compute on there? Asked before anything heavy, and answered in words."""

import torch

from pochoir.errors import ConfigError


def check_devices(accelerator: str, devices: int) -> None:
    """Raise `ConfigError` where Lightning would find no such accelerator, or fewer devices than asked for."""
    has_mps = torch.backends.mps.is_available()
    there = {"gpu": torch.cuda.device_count() or int(has_mps), "mps": int(has_mps)}
    if accelerator in there and there[accelerator] < devices:
        raise ConfigError(
            f"trainer.accelerator: {devices} × {accelerator} asked for, but torch finds {there[accelerator]} on this "
            "machine; trainer.accelerator=cpu works everywhere"
        )
