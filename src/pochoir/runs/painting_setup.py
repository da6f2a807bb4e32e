"""From a job's files to what a Stylizer needs: a plan, a subject, a first picture."""

from pathlib import Path

import torch
from torch import Tensor

from pochoir.config import PaintConfig
from pochoir.images import Picture, read_labels, read_rgb, to_tensor
from pochoir.images.resizing import Size, cover, fit, resize
from pochoir.runs.painting_job import Job
from pochoir.runs.workshop import Workshop, looked_at
from pochoir.stylization.colors import luminance, match_colors, with_luminance
from pochoir.stylization.objective import Subject, vanished
from pochoir.stylization.plan import Plan, fitted, free_memory
from pochoir.stylization.pyramid import Level


def plan_for(config: PaintConfig, job: Job, content: Picture, workshop: Workshop) -> Plan:
    """Size, type and recipe; what memory or `max_size` make of them is noted."""
    full: Size = (content.pixels.shape[0], content.pixels.shape[1])
    notes: tuple[str, ...] = ()
    side = config.size or max(full)
    if config.size is None and side > config.max_size:
        side = config.max_size
        notes += (
            f"{job.content}: {full[1]}×{full[0]} is painted with a long side of {side} pixels (max_size); "
            f"size={max(full)} paints all of it",
        )
    if content.alpha is not None and config.suffix == ".jpg":
        notes += (f"{job.content}: its transparency is lost, as a JPEG holds none; suffix=.png keeps it",)
    plan = Plan(fit(full, side), workshop.dtype, config.recipe, looked_at(config.encoder), notes)
    return fitted(plan, config.memory * 1e9 if config.memory else free_memory(workshop.device))


def subject_of(config: PaintConfig, job: Job, content: Picture, size: Size) -> Subject:
    """A job's content, styles and region at a size, their colours treated as `keep_colors` asks."""
    image = resize(to_tensor(content.pixels)[None], size)
    region = None if job.region is None else resize(_read_region(job.region), size)
    styles = [to_tensor(read_rgb(path))[None] for path in job.styles]
    if config.keep_colors == "match":
        styles = [match_colors(style, image, region) for style in styles]
    elif config.keep_colors == "luminance":
        image, *styles = (luminance(picture) for picture in (image, *styles))
    return Subject(image, styles, job.blend, config.style_scale, region)


def vanishing_notes(subject: Subject, levels: list[Level], layers: tuple[str, ...]) -> list[str]:
    """Notes on the levels at which the region has no weight in some layers."""
    notes = []
    for number, level in enumerate(levels, start=1):
        region = subject.at(level.size).region
        if region is not None and (gone := vanished(region, layers)):
            notes.append(f"level {number}, {level.size[1]}×{level.size[0]}: the region vanishes at {', '.join(gone)}")
    return notes


def _read_region(path: Path) -> Tensor:
    """`[1, 1, H, W]` in [0, 1] of a grey picture."""
    return torch.from_numpy(read_labels(path).astype("float32") / 255)[None, None]


def initial_picture(config: PaintConfig, subject: Subject, size: Size) -> Tensor:
    """`[1, 3, H, W]` in [0, 1]: what the coarsest level starts from."""
    if config.init == "content":
        return subject.content
    if config.init == "noise":
        generator = torch.Generator().manual_seed(config.seed)
        return torch.rand(subject.content.shape, generator=generator)
    if config.init == "style":
        return cover(subject.styles[0], size)
    return cover(to_tensor(read_rgb(Path(config.init).expanduser()))[None], size)


def colored(config: PaintConfig, content: Picture, size: Size, painted: Tensor) -> Tensor:
    """What was painted in grey for `keep_colors=luminance`, in the content's colours."""
    if config.keep_colors != "luminance":
        return painted
    return with_luminance(resize(to_tensor(content.pixels)[None], size), painted)
