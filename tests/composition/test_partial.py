"""Regions painted on their crops and laid over the photo; the painter here paints its style's colour, and fast."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from pochoir.composition.partial import compose, laid_out, paint_regions, partial_painting
from pochoir.composition.stencil import Stencil, cut
from pochoir.config import PartialConfig
from pochoir.errors import ConfigError
from pochoir.images import Picture, Pixels, write_image
from pochoir.images.resizing import fit
from pochoir.segmentation.instances import Instances
from pochoir.stylization.job import Job
from pochoir.stylization.painting import Painting

RED, GREEN, BLUE = (
    Picture(np.full((8, 8, 3), colour, dtype=np.uint8)) for colour in ((250, 9, 9), (9, 250, 9), (9, 9, 250))
)


@dataclass
class Painter:
    """Remembers what it was asked for."""

    jobs: list[Job] = field(default_factory=list)

    def __call__(self, job: Job) -> Painting:
        self.jobs.append(job)
        flat: Pixels = np.broadcast_to(job.styles[0].pixels[0, 0], (*fit(job.content.size, job.side), 3)).copy()
        return Painting(flat, flat, {}, 0.5, 0.25, 7, 1.5, (f"painted {job.name}",))


@pytest.fixture
def painter() -> Painter:
    return Painter()


@pytest.fixture
def stencil(photo: Picture, instances: Instances, config: PartialConfig) -> Stencil:
    return cut(photo, instances, [0, 1], 2, config)


def test_paint_is_laid_over_the_photo_and_nothing_else_changes(
    stencil: Stencil, config: PartialConfig, painter: Painter
) -> None:
    result = compose(stencil.photo, paint_regions(stencil, [RED, GREEN], config, painter), ".png")
    assert (result[stencil.alpha == 0] == stencil.photo.pixels[stencil.alpha == 0]).all()
    assert result[40, 20].tolist() == [250, 9, 9]
    assert result[50, 100].tolist() == [9, 250, 9]


def test_what_is_painted_does_not_show_at_its_rim(stencil: Stencil, config: PartialConfig, painter: Painter) -> None:
    patches = paint_regions(stencil, [RED, GREEN], config, painter)[:1]
    alpha, photo = patches[0].region.alpha, stencil.photo.pixels
    result = compose(stencil.photo, patches, ".png")
    rim = (alpha > 0.1) & (alpha < 0.9)
    ground = alpha[rim, None] * np.array([250, 9, 9]) + (1 - alpha[rim, None]) * 50.0  # the photo's is 30 to 70
    shown = alpha[rim, None] * np.array([250, 9, 9]) + (1 - alpha[rim, None]) * photo[rim]
    # the photo's edge is sharp and alpha's is not, as where edges are feathered: colours are told less well than where
    # alpha is right
    assert abs(result[rim] - ground).mean() < 0.7 * abs(shown - ground).mean()


@pytest.mark.parametrize("region", ["object", "background"])
def test_paint_does_not_look_at_what_is_not_painted(
    instances: Instances, config: PartialConfig, painter: Painter, region: str
) -> None:
    """A blue object on a red ground: half of a colour at its soft edge is the other's."""
    sharp = cut(Picture(np.zeros((96, 128, 3), np.uint8)), instances, [0], 1, config).alpha > 0.5
    pixels = np.where(sharp[..., None], BLUE.pixels[0, 0], RED.pixels[0, 0]).astype(np.uint8)
    told = config.but(region=config.region.but(name=region, crop=False, feather=2.0))
    stencil = cut(Picture(pixels), instances, [0], 1, told)
    paint_regions(stencil, [GREEN], told, painter)
    (job,) = painter.jobs
    assert job.region is not None
    shown = (job.region > 0.25) & (job.region < 1)
    other = 0 if region == "object" else 2  # the channel of what is not painted
    assert (pixels[shown][:, other] > 200).any()
    assert job.content.pixels[shown][:, other].mean() < 0.4 * pixels[shown][:, other].mean()
    assert (job.content.pixels[job.region == 1] == pixels[job.region == 1]).all()


def test_every_region_is_painted_on_a_crop_of_its_own(
    stencil: Stencil, config: PartialConfig, painter: Painter
) -> None:
    patches = paint_regions(stencil, [RED, GREEN], config, painter)
    assert [job.name for job in painter.jobs] == ["object_0", "object_1"]
    for patch, job in zip(patches, painter.jobs, strict=True):
        assert job.content.size == patch.crop.size
        assert job.region is not None
        assert job.region.shape == patch.crop.size
        sure = (job.region == 0) | (job.region == 1)
        assert np.array_equal(job.content.pixels[sure], patch.crop.of(stencil.photo.pixels)[sure])
        assert patch.paint.shape[:2] == patch.crop.size
        assert 64 <= job.config.recipe.coarsest < config.recipe.coarsest  # the photo's levels, as far as there are any
        assert job.config.suffix == ".png"
    assert abs(np.subtract(patches[0].crop, (16, 4, 64, 48))).max() <= 3  # 4 pixels around an edge that is soft


def test_a_small_crop_is_enlarged_and_a_large_photo_shrunk_while_it_is_painted(
    stencil: Stencil, config: PartialConfig, painter: Painter
) -> None:
    large = config.but(region=config.region.but(min_side=200))
    paint_regions(stencil, [RED, GREEN], large, painter)
    paint_regions(stencil, [RED, GREEN], config.but(max_size=64, region=config.region.but(min_side=32)), painter)
    assert [job.side for job in painter.jobs] == [200, 200, 32, 34]


def test_paste_paints_the_photo_once_in_each_style(photo: Picture, instances: Instances, config: PartialConfig) -> None:
    painter, paste = Painter(), config.but(method="paste")
    for styles, names in ((2, ["style_0", "style_1"]), (1, ["style_0"])):
        painter.jobs.clear()
        stencil = cut(photo, instances, [0, 1], styles, paste)
        patches = paint_regions(stencil, [RED, GREEN][:styles], paste, painter)
        assert [job.name for job in painter.jobs] == names
        assert all(job.region is None and job.content.size == photo.size for job in painter.jobs)
        assert compose(photo, patches, ".png")[40, 20].tolist() == [250, 9, 9]


def test_the_whole_is_worth_the_means_of_its_regions(stencil: Stencil, config: PartialConfig, painter: Painter) -> None:
    patches = paint_regions(stencil, [RED, GREEN], config, painter)
    saved = compose(stencil.photo, patches, ".png")
    painting, regions = partial_painting(stencil, patches, saved, config, 9.0)
    assert [region["name"] for region in regions] == ["object_0", "object_1"]
    assert [region["crop"] for region in regions] == [list(patch.crop) for patch in patches]
    assert painting.style_error == pytest.approx(np.mean([region["style_error"] for region in regions]))
    assert painting.losses["style"] == pytest.approx(config.recipe.style_weight * painting.style_error)
    assert painting.losses["content"] == pytest.approx(config.recipe.content_weight * painting.content_error)
    assert (painting.evaluations, painting.seconds) == (14, 9.0 + sum(patch.painting.seconds for patch in patches))
    assert painting.notes == ("object_0: painted object_0", "object_1: painted object_1")
    assert np.array_equal(painting.pixels, saved)
    worse = stencil.photo.pixels
    assert partial_painting(stencil, patches, worse, config, 9.0)[0].style_error > painting.style_error


def test_paint_alone_lies_on_white_in_its_place(stencil: Stencil, config: PartialConfig, painter: Painter) -> None:
    patches = paint_regions(stencil, [RED, GREEN], config, painter)
    sheet = laid_out(patches, stencil.photo.pixels)
    assert sheet.shape == stencil.photo.pixels.shape
    assert sheet[40, 20].tolist() == [250, 9, 9]
    assert sheet[0, 0].tolist() == [255, 255, 255]
    assert laid_out(patches[:1], stencil.photo.pixels) is patches[0].paint


def test_every_region_gets_its_part_of_what_is_kept_and_labelled(
    photo: Picture, instances: Instances, config: PartialConfig, painter: Painter, tmp_path: Path
) -> None:
    names = ("content", "red", "green")
    for name, size in zip(names, (photo.size, RED.size, GREEN.size), strict=True):
        labels = np.zeros(size, dtype=np.uint8)
        labels[:, size[1] // 2 :] = 9
        write_image(tmp_path / f"{name}.png", labels)
    content, *styles = [str(tmp_path / f"{name}.png") for name in names]
    guided = config.but(
        keep=config.keep.but(part=["0%", "0%", "100%", "50%"]), guides=config.guides.but(content=content, style=styles)
    )
    stencil = cut(photo, instances, [0, 1], 2, guided)
    assert stencil.keep is not None
    assert stencil.keep[25:35, 15:40].min() > 0.99
    assert stencil.keep[45:, :60].max() < 0.01
    patches = paint_regions(stencil, [RED, GREEN], guided, painter)
    for patch, job, label in zip(patches, painter.jobs, ("0", "9"), strict=True):
        assert np.array_equal(job.keep, patch.crop.of(stencil.keep))
        subject = job.subject()
        assert subject.keep is not None
        assert subject.keep.shape == subject.content[:, :1].shape
        assert subject.labels is not None
        assert subject.labels.names == (label,)
        assert subject.labels.styles[0][0, 0, 0].tolist() == [float(label == "0")] * 4 + [float(label == "9")] * 4
    whole = paint_regions(stencil, [RED, GREEN], guided.but(method="paste"), painter)[0].job
    assert np.array_equal(whole.keep, stencil.keep)
    assert whole.labels is not None
    assert whole.labels.content.shape == photo.size
    with pytest.raises(ConfigError, match=r"guides\.style: 2 label pictures for 1 style"):
        paint_regions(stencil, [RED], guided, painter)
