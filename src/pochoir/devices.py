"""Where to compute: the one place that turns Lightning's words into devices, and that knows what a device can do."""

import os
import platform
from functools import lru_cache
from pathlib import Path

import torch

from pochoir.errors import ConfigError


def device_of(accelerator: str, key: str = "accelerator") -> torch.device:
    """The device that an accelerator of Lightning's words means: auto, cpu, gpu (whichever there is), cuda, mps.

    key: the setting, for the message. Raises `ConfigError` where this machine has no such device.
    """
    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    found = {
        "cpu": "cpu",
        "cuda": "cuda" if cuda else None,
        "mps": "mps" if mps else None,
        "gpu": "cuda" if cuda else "mps" if mps else None,
        "auto": "cuda" if cuda else "mps" if mps else "cpu",
    }
    if accelerator not in found:
        raise ConfigError(f"{key}: '{accelerator}' is none of {', '.join(found)}")
    device = found[accelerator]
    if device is None:
        raise ConfigError(f"{key}: torch finds no {accelerator} on this machine; {key}=cpu works everywhere")
    return torch.device(device, 0) if device == "cuda" else torch.device(device)


def check_devices(accelerator: str, count: int) -> None:
    """Raise `ConfigError` where Lightning would find no such accelerator, or fewer devices than asked for."""
    device = device_of(accelerator, "trainer.accelerator")
    there = {"cuda": torch.cuda.device_count(), "mps": 1}.get(device.type, count)  # CPUs take any number of processes
    if there < count:
        raise ConfigError(
            f"trainer.devices: {count} × {device.type} asked for, but torch finds {there} on this machine"
        )


def fast_type(device: torch.device) -> torch.dtype:
    """bfloat16 where a device has units that are faster in it, float32 elsewhere; found by what it is, not by a watch:
    what is computed must not depend on how busy the machine is.
    """
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    return torch.bfloat16 if device.type == "cpu" and _cpu_has_bfloat16_units() else torch.float32


@lru_cache
def _cpu_has_bfloat16_units() -> bool:
    """Matrix units (Intel's AMX), or AVX-512's bfloat16 instructions on AMD's, whose vectors take twice as many numbers
    a cycle by them (1.9 times as fast here); Intel's processors gain nothing by the instructions alone.
    """
    amx = getattr(torch.cpu, "_is_amx_tile_supported", bool)()
    vectors = getattr(torch.cpu, "_is_avx512_bf16_supported", bool)()
    return amx or (vectors and _is_amd())


def _is_amd() -> bool:
    information = Path("/proc/cpuinfo")
    told = information.read_text() if information.is_file() else platform.processor()
    return "AuthenticAMD" in told


def is_main_process() -> bool:
    """Whether this process speaks for all of a training: torchrun, SLURM and Lightning number them in the environment,
    and the main one is the first in every way.
    """
    return all(int(os.environ.get(name) or 0) == 0 for name in ("RANK", "NODE_RANK", "LOCAL_RANK", "SLURM_PROCID"))
