"""Settings of the task `film`."""

from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from pochoir.config.base import Count, Natural, NotNegative, Settings, Share, existing, is_folder, problem
from pochoir.config.painting import RecipeConfig
from pochoir.config.partial import FindConfig, StencilConfig

CAMERA = "camera:"
"""What names of cameras begin with."""


def _film(value: Any) -> Any:
    if not isinstance(value, str) or not value.startswith(CAMERA):
        return existing(value)
    name = value.removeprefix(CAMERA)
    if not name.isdigit() and not Path(name).expanduser().is_file():
        raise problem(f"'{value}' is no camera; give {CAMERA}<number>, such as {CAMERA}0, or {CAMERA}<film>")
    return value


class FilmFindConfig(FindConfig):
    """A trained segmenter that looks for objects in some of the frames."""

    every: Count
    """Frames from one look to the next; between them masks move with the picture, on from the one and back from the
    other."""


class TrackingConfig(Settings):
    """How objects keep their numbers."""

    doubtful: Share
    """Score from which on what is found keeps an object alive that has a number; new ones need
    `find.score_threshold`."""
    min_overlap: Share
    """Intersection over union from which on what is found is the object that was there."""
    births: Count
    """Looks in a row that must find an object before it gets a number; those of the first frame have theirs at once."""
    patience: Natural
    """Frames for which an object that is not found any more is moved along."""
    alike: Share
    """Likeness of colours (Bhattacharyya's coefficient) from which on what appears has the number of one that left."""
    smooth: Annotated[float, Field(ge=0, le=0.95)]
    """Share of an object's stencil that is that of the frame before, moved along, where motion can be trusted: against
    flicker. More makes the stencil steadier, and later where an object turns up or ends."""


class TemporalConfig(Settings):
    """What holds the paint still."""

    keep: Annotated[float, Field(ge=0, le=0.95)]
    """Of method=painter: share of the paint that is that of the frame before, moved along, where motion can be
    trusted."""
    weight: NotNegative
    """Of method=optimize: of the temporal loss (Ruder et al. 2016)."""
    fresh: Share
    """Of method=optimize: share of the frame itself in what each picture starts from, against darkening."""


class FilmConfig(StencilConfig):
    """The task `film`."""

    content: Annotated[str, BeforeValidator(_film)] | None
    """A film, a folder of frames, or camera:<number>; camera:<film> is played as if a camera saw it."""
    folder_rate: Annotated[float, Field(ge=1, le=240)]
    """Frames a second of a folder of frames; a film has its own."""
    frames: Count | None
    """How many are painted, from the first on; null: all."""
    find: FilmFindConfig
    """Where the objects come from: a trained segmenter, unless masks or a box are given."""
    track: TrackingConfig
    temporal: TemporalConfig
    method: Literal["painter", "optimize"]
    """painter: a network that has learned the style paints every frame; optimize: every frame is the parameter, which
    starts from the one before."""
    next_recipe: RecipeConfig
    """Of method=optimize: how the frames after the first are painted."""
    suffix: Literal[".mp4", ".mkv"]  # type: ignore[assignment]  # its frames are painted as PNGs
    """Format of the film: H.264, which everything plays, or FFV1, which loses nothing."""
    crf: Annotated[int, Field(ge=0, le=51)]
    """Of H.264: lower is better and larger."""
    part: Count
    """Frames after which what is done is safe, whatever happens."""

    @property
    def measured(self) -> bool:
        return False

    @property
    def camera(self) -> str | None:
        """Number or film of a camera; None: it is no camera."""
        return self.content.removeprefix(CAMERA) if self.content and self.content.startswith(CAMERA) else None

    def problems(self) -> Iterable[str]:
        yield from super().problems()
        for package in ("av", "scipy"):
            if find_spec(package) is None:
                yield f"content: films need the package {package}; pip install '.[film]' in the checkout brings it"
        if self.keep.mask:
            yield "keep.mask: is of one picture, and a film is many; leave it out"
        if self.guides.content:
            yield "guides.content: is of one picture, and a film is many; leave it out"
        if is_folder(self.style):
            yield f"style: '{self.style}' is a folder; give a picture, or styles=[<picture>,…], one for each object"
        for name in ("size", "memory"):
            if getattr(self, name) is not None:
                yield f"{name}: is of pictures; a film keeps its size, and max_size limits what is painted of it"
        if self.camera and not self.at_once:
            yield "method: optimize takes seconds a frame, and a camera does not wait; take method=painter"
        if self.camera and self.masks:
            yield "masks: are of frames that are known beforehand, which a camera's are not; leave them out"
        yield from self.painter_problems()

    def lacking(self) -> Iterable[str]:
        if not self.content:
            yield "content: missing; give it as content=<film, folder of frames, or camera:0>"
        if not (self.style or self.styles):
            yield "style: missing; give either style=<picture> or styles=[<picture>,…]"
        yield from super().lacking()
