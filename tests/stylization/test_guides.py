"""Label pictures: what is equal in two of them, whatever files hold it, and errors that list both sides."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from pochoir.config import GuidesConfig, load_config
from pochoir.errors import ConfigError, DataError
from pochoir.images import Picture, write_image
from pochoir.stylization.guides import LabelPictures, name_of, read_guides

CONTENT = Picture(np.zeros((40, 60, 3), dtype=np.uint8))
STYLE = Picture(np.zeros((30, 30, 3), dtype=np.uint8))


def bands(height: int, width: int, *values: Any) -> np.ndarray:
    """Equal bands across a picture, each of one value."""
    return np.array(values, dtype=np.uint8)[np.arange(height) * len(values) // height][:, None].repeat(width, axis=1)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    write_image(tmp_path / "content.png", bands(40, 60, 255, 0))
    write_image(tmp_path / "style.png", bands(30, 30, 0, 255, 255))
    return tmp_path


def guides(files: Path, *styles: str, content: str = "content.png") -> GuidesConfig:
    given = {"content": str(files / content), "style": [str(files / style) for style in styles]}
    return load_config("stylize").guides.but(**given)


def read(config: GuidesConfig, content: Picture = CONTENT, style: Picture = STYLE) -> LabelPictures:
    found = read_guides(config, content, [style])
    assert found is not None
    return found


def test_equal_greys_belong_together(files: Path) -> None:
    labels = read(guides(files, "style.png")).within(None)
    assert labels.names == ("0", "255")
    assert labels.content.shape == (1, 2, 40, 60)
    assert labels.styles[0].shape == (1, 2, 30, 30)
    assert labels.content[0, 1, :20].all()
    assert not labels.content[0, 1, 20:].any()
    assert torch.equal(labels.styles[0].sum(dim=1), torch.ones(1, 30, 30))
    assert labels.styles[0].mean(dim=(-2, -1))[0].tolist() == pytest.approx([1 / 3, 2 / 3])


def test_it_is_the_colour_that_counts_and_not_how_a_file_holds_it(files: Path) -> None:
    """An RGB picture of greys, and palettes that number the same colours otherwise."""
    Image.fromarray(bands(30, 30, 0, 255, 255)).convert("RGB").save(files / "rgb.png")
    for name, height, width, colours in (("a.png", 40, 60, (0, 1)), ("b.png", 30, 30, (0, 1))):
        palette = [(200, 0, 0), (0, 0, 200)] if name == "a.png" else [(0, 0, 200), (200, 0, 0)]
        image = Image.fromarray(bands(height, width, *colours), "P")
        image.putpalette([value for colour in palette for value in colour])
        image.save(files / name)
    grey = read(guides(files, "style.png")).within(None)
    assert torch.equal(read(guides(files, "rgb.png")).within(None).styles[0], grey.styles[0])
    coloured = read(guides(files, "b.png", content="a.png")).within(None)
    assert coloured.names == ("#0000c8", "#c80000")
    assert coloured.content[0, 1, :20].all()  # red is above in the content ...
    assert coloured.styles[0][0, 1, 15:].all()  # ... and below in the style


def test_labels_of_another_size_are_resized_without_new_ones(files: Path) -> None:
    write_image(files / "large.png", bands(400, 600, 255, 0))
    labels = read(guides(files, "style.png", content="large.png"))
    assert np.array_equal(labels.content, read(guides(files, "style.png")).content)
    write_image(files / "tall.png", bands(60, 40, 255, 0))
    with pytest.raises(DataError, match=r"tall\.png: is 40×60 pixels, its picture is 60×40, which is another shape"):
        read(guides(files, "style.png", content="tall.png"))


def test_sixteen_bits_are_labels_too(files: Path) -> None:
    for name, height, width in (("deep.png", 40, 60), ("deep_style.png", 30, 30)):
        Image.fromarray(bands(height, width, 1, 2).astype(np.uint16) * 300).save(files / name)
    labels = read(guides(files, "deep_style.png", content="deep.png"))
    assert labels.count == 2
    assert [name_of(value) for value in np.unique(labels.content).tolist()] == ["300", "600"]


def test_a_label_that_the_style_lacks_is_told_with_what_both_have(files: Path) -> None:
    write_image(files / "other.png", bands(30, 30, 0, 254, 254))
    message = r"other\.png: lacks 255 of the content's labels; .*content\.png has 0 \(50\.0%\), 255 \(50\.0%\), "
    with pytest.raises(DataError, match=message + r"the style's has 0 \(33\.3%\), 254 \(66\.7%\)"):
        read(guides(files, "other.png"))


def test_a_label_that_only_the_style_has_paints_nothing_and_is_told(
    files: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_image(files / "more.png", bands(30, 30, 0, 255, 7))
    with caplog.at_level(logging.INFO, "pochoir"):
        labels = read(guides(files, "more.png")).within(None)
    assert labels.names == ("0", "255")
    assert "more.png: the content has no label 7" in caplog.text
    assert labels.styles[0][0].sum(dim=0)[20:].sum() == 0


def test_what_is_transparent_has_no_label(files: Path) -> None:
    alpha = np.full((30, 30), 255, dtype=np.uint8)
    alpha[10:] = 0
    with pytest.raises(DataError, match=r"lacks 255 of the content's labels"):
        read(guides(files, "style.png"), style=Picture(STYLE.pixels, alpha))
    hidden = np.zeros((40, 60), dtype=np.uint8)
    hidden[20:] = 255  # all that is 255 is clear
    write_image(files / "black.png", bands(30, 30, 0))
    assert read(guides(files, "black.png"), content=Picture(CONTENT.pixels, hidden)).within(None).names == ("0", "255")


def test_a_region_has_the_labels_that_lie_in_it(files: Path) -> None:
    region = torch.zeros(1, 1, 40, 60)
    region[..., 25:35, :] = 0.5
    labels = read(guides(files, "style.png")).within(region)
    assert labels.names == ("0",)
    part = read(guides(files, "style.png")).of(0, slice(10, 30), slice(0, 8))
    assert part.content.shape == (20, 8)
    assert part.count == 2


def test_a_photo_is_no_label_picture(files: Path) -> None:
    Image.effect_noise((60, 40), 60).save(files / "noise.png")
    with pytest.raises(
        DataError, match=r"noise\.png: has \d+ values; a label picture has one for each part, 32 at most"
    ):
        read(guides(files, "style.png", content="noise.png"))


def test_every_style_has_labels_of_its_own(files: Path) -> None:
    config = guides(files, "style.png")
    assert read_guides(load_config("stylize").guides, CONTENT, [STYLE]) is None
    with pytest.raises(ConfigError, match=r"guides\.style: 1 label picture for 2 styles; give one for each, in order"):
        read_guides(config, CONTENT, [STYLE, STYLE])
