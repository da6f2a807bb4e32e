"""Settings of the task `studio`."""

from collections.abc import Iterable
from ipaddress import ip_address
from typing import Annotated

from pydantic import Field

from pochoir.config.base import (
    Accelerator,
    ExistingPath,
    PainterWeights,
    Settings,
    TrainedWeights,
)

SHORTEST = 8
"""Letters of a password."""


class StudioPainterConfig(Settings):
    """The painter that paints at once."""

    weights: PainterWeights | None
    """One that comes with the project, or the file of one; null: whichever of the former knows the style."""


class StudioConfig(Settings):
    """The task `studio`."""

    host: str
    """The address that is listened at; one that other machines reach wants a password."""
    port: Annotated[int, Field(ge=1, le=65535)]
    show: bool
    """Whether the page is opened in the browser."""
    password: Annotated[str, Field(min_length=SHORTEST)] | None
    """What the browser asks for before it shows anything, for any user's name."""
    outputs: str
    """The folder with runs and sweeps, and where trainings go."""
    folders: list[ExistingPath]
    """What may be read besides: folders with photos and annotations to train on."""
    styles: list[ExistingPath]
    """Pictures, or folders of pictures, that are offered as styles beside those that come with the project."""
    weights: TrainedWeights
    """The segmenter that finds objects at first."""
    painter: StudioPainterConfig
    accelerator: Accelerator
    size: Annotated[int, Field(ge=32, le=16384)]
    """Long side of what is painted in pixels: `max_size` of `partial` and `stylize`."""
    forget_seconds: Annotated[float, Field(ge=1, le=86400)]
    """How long a page may be away, as on a phone that sleeps, before what it had is removed."""
    upload_mb: Annotated[float, Field(gt=0, le=10_000)]
    """Largest file that is taken, in megabytes ..."""
    upload_megapixels: Annotated[float, Field(gt=0, le=200)]
    """... and how many millions of pixels it may have."""

    @property
    def is_open_to_others(self) -> bool:
        """Whether other machines reach the page."""
        if self.host == "localhost":
            return False
        try:
            return not ip_address(self.host).is_loopback
        except ValueError:
            return True

    def problems(self) -> Iterable[str]:
        if self.is_open_to_others and self.password is None:
            yield (
                f"host: {self.host} is reached by other machines, which wants a password; set the variable "
                "POCHOIR_STUDIO_PASSWORD in the environment, or take 127.0.0.1"
            )
