"""Python's way in: any form of picture in, paintings out, nothing written, nothing printed, and errors in words."""

import logging
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import pochoir
from blocks import block_instances
from pochoir.config import load_config
from pochoir.errors import ConfigError, DataError, PochoirError
from pochoir.images import read_rgb, to_tensor, write_image
from pochoir.runs import partial as partial_run
from pochoir.runs import stylize as stylize_run
from pochoir.segmentation.instances import Instances

FEW = [
    *("trainer.accelerator=cpu", "encoder.precision=float32", "recipe.coarsest=48", "recipe.steps=[3]"),
    *("encoder.content_layers=[relu2_1]", "encoder.style_layers=[relu1_1]"),
]
"""Settings for a painting within a second."""
rng = np.random.default_rng(0)
PHOTO = rng.integers(0, 90, (64, 80, 3), dtype=np.uint8)
STRIPES = np.where((np.indices((40, 40)).sum(axis=0) // 4 % 2)[..., None], (230, 40, 30), (60, 0, 0)).astype(np.uint8)
CHECKS = np.where((np.indices((40, 40)) // 5).sum(axis=0)[..., None] % 2, (30, 220, 60), (0, 50, 20)).astype(np.uint8)
BLOCKS = (np.s_[10:40, 8:30], np.s_[20:55, 50:72])


@pytest.fixture(scope="module")
def blocks() -> Instances:
    """Two objects of `PHOTO`."""
    return block_instances((64, 80), BLOCKS)


@pytest.fixture(autouse=True)
def _leaves_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Every test runs in an empty folder that must stay so."""
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)
    yield
    assert list(empty.iterdir()) == []


def stylize(*given: Any, overrides: list[str] | None = None, **more: Any) -> pochoir.Painting:
    return pochoir.stylize(*given, overrides=[*FEW, *(overrides or [])], **more)


def partial(*given: Any, overrides: list[str] | None = None, **more: Any) -> pochoir.Painting:
    return pochoir.partial(*given, overrides=[*FEW, "region.min_side=48", *(overrides or [])], **more)


def test_the_package_alone_is_light_and_knows_its_names() -> None:
    code = "import sys, pochoir; dir(pochoir); assert not {'torch', 'numpy', 'hydra', 'pydantic'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert dir(pochoir) == sorted(pochoir.__all__)
    assert all(getattr(pochoir, name) is not None for name in pochoir.__all__)
    with pytest.raises(AttributeError, match="'pochoir' has no attribute 'stylise'"):
        pochoir.stylise  # noqa: B018


def test_pictures_are_taken_in_every_form(tmp_path: Path) -> None:
    write_image(tmp_path / "photo.png", PHOTO)
    forms = (tmp_path / "photo.png", str(tmp_path / "photo.png"), Image.fromarray(PHOTO), PHOTO, to_tensor(PHOTO))
    first, *others = (
        stylize(photo, style).pixels for photo, style in zip(forms, [STRIPES] * 4 + [to_tensor(STRIPES)], strict=True)
    )
    assert all(np.array_equal(other, first) for other in others)


def test_a_painting_shows_itself_and_knows_what_it_is_worth() -> None:
    painting = stylize(PHOTO, STRIPES)
    assert repr(painting).startswith("Painting(")
    assert len(repr(painting)) < 120  # not its pixels
    with Image.open(BytesIO(painting._repr_png_())) as shown:
        assert np.array_equal(np.asarray(shown), painting.pixels)
    assert painting.picture.size == (80, 64)
    assert set(painting.losses) == {"content/relu2_1", "style/relu1_1", "tv"}
    assert painting.seconds > 0
    assert painting.evaluations == 6


def test_a_recipe_and_settings_are_those_of_the_command_line(tmp_path: Path) -> None:
    for name, picture in (("photo", PHOTO), ("style", STRIPES)):
        write_image(tmp_path / f"{name}.png", picture)
    recipe = ["recipe=quick", *FEW, "keep_colors=luminance", f"content={tmp_path}/photo.png"]
    stylize_run.run(load_config("stylize", [*recipe, f"style={tmp_path}/style.png"]), tmp_path / "run")
    painting = stylize(PHOTO, STRIPES, recipe="quick", overrides=["keep_colors=luminance"])
    assert np.array_equal(painting.pixels, read_rgb(tmp_path / "run" / "result.png"))


def test_several_styles_are_mixed() -> None:
    mixed = stylize(PHOTO, [STRIPES, CHECKS])
    one = stylize(PHOTO, STRIPES)
    assert not np.array_equal(mixed.pixels, one.pixels)
    assert np.array_equal(stylize(PHOTO, [STRIPES, CHECKS], blend=[2, 2]).pixels, mixed.pixels)
    assert np.abs(stylize(PHOTO, [STRIPES, CHECKS], blend=[1, 0]).pixels.astype(int) - one.pixels).mean() < 2


def test_faces_are_kept_and_labels_paired(tmp_path: Path, blocks: Instances) -> None:
    halves = np.zeros((64, 80), dtype=np.uint8)
    halves[:, 40:] = 255
    write_image(tmp_path / "halves.png", halves)
    write_image(tmp_path / "style.png", halves[:40, 20:60])
    mask = f"keep.mask={tmp_path / 'halves.png'}"
    plain, kept = (stylize(PHOTO, STRIPES, overrides=given) for given in (None, [mask, "keep.weight=300"]))
    changes = [np.abs(painting.pixels.astype(int) - PHOTO) for painting in (plain, kept)]
    assert changes[1][:, 46:].mean() < 0.8 * changes[0][:, 46:].mean()
    guides = [f"guides.content={tmp_path / 'halves.png'}", f"guides.style={tmp_path / 'style.png'}"]
    assert not np.array_equal(stylize(PHOTO, STRIPES, overrides=guides).pixels, plain.pixels)
    with pytest.raises(ConfigError, match=r"guides\.style: 1 label picture for 2 styles"):
        stylize(PHOTO, [STRIPES, CHECKS], overrides=guides)
    whole, head = (
        partial(PHOTO, STRIPES, objects=blocks[0], overrides=given)
        for given in (None, ["keep.part=head", "keep.weight=300"])
    )
    assert head.content_error < whole.content_error
    assert np.array_equal(
        partial(PHOTO, STRIPES, objects=blocks[0], overrides=["keep.part=head"]).pixels[:6], PHOTO[:6]
    )


def test_transparency_is_kept() -> None:
    clear = np.dstack([PHOTO, np.full((64, 80), 255, dtype=np.uint8)])
    clear[:, :9, 3] = 0
    assert np.array_equal(np.asarray(stylize(clear, STRIPES).picture)[..., 3], clear[..., 3])


def test_masks_are_no_instances() -> None:
    with pytest.raises(ConfigError, match=r"objects: give Instances.*not ndarray.*masks=\[mask.png\]"):
        partial(PHOTO, STRIPES, objects=np.ones((4, 4), dtype=bool))  # type: ignore[arg-type]


def test_nothing_is_printed_and_lightning_may_speak_again_afterwards(capfd: pytest.CaptureFixture[str]) -> None:
    logger = logging.getLogger("pytorch_lightning")
    level = logger.level
    stylize(PHOTO, STRIPES)
    assert capfd.readouterr() == ("", "")
    assert logger.level == level


def test_objects_are_painted_and_the_rest_stays_bit_for_bit(blocks: Instances) -> None:
    painting = partial(PHOTO, STRIPES, objects=blocks[0])
    changed = (painting.pixels != PHOTO).any(axis=-1)
    assert changed[BLOCKS[0]].mean() > 0.9
    changed[6:44, 4:34] = False  # the object with its soft edge
    assert not changed.any()
    assert painting.picture.size == (80, 64)
    assert painting.style_error > 0


def test_every_object_gets_its_style_and_the_background_one_of_its_own(blocks: Instances) -> None:
    blue = STRIPES[..., ::-1]
    long = ["recipe.steps=[30]", "recipe.content_weight=0.01", "recipe.tv_weight=0"]
    painting = partial(PHOTO, [STRIPES, CHECKS], objects=blocks, background=blue, overrides=long)
    red, green = (painting.pixels[block].mean(axis=(0, 1)) for block in BLOCKS)
    rest = painting.pixels[57:].mean(axis=(0, 1))
    assert [int(mean.argmax()) for mean in (red, green, rest)] == [0, 1, 2]


def test_objects_are_found_as_told_where_none_are_given(tmp_path: Path, blocks: Instances) -> None:
    files = {"photo": PHOTO, "style": STRIPES, "mask": (blocks.masks[0].numpy() * 255).astype(np.uint8)}
    for name, picture in files.items():
        write_image(tmp_path / f"{name}.png", picture)
    told = [f"masks=[{tmp_path}/mask.png]"]
    painting = partial(PHOTO, STRIPES, overrides=told)
    given = [*FEW, "region.min_side=48", *told, f"content={tmp_path}/photo.png", f"style={tmp_path}/style.png"]
    partial_run.run(load_config("partial", given), tmp_path / "run")
    assert np.array_equal(painting.pixels, read_rgb(tmp_path / "run" / "result.png"))


def test_people_are_found() -> None:
    (person,) = pochoir.find("builtin:portrait", device="cpu", score_threshold=0.9)
    assert person.scores[0] > 0.9
    assert person.masks.shape == (1, 600, 512)
    assert 0.3 < person.masks.mean() < 0.7
    assert person.picture().size == (512, 600)
    assert len(pochoir.find(np.full_like(PHOTO, 90), device="cpu")) == 0


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: stylize("missing.jpg", STRIPES), DataError, r"missing\.jpg: no such file"),
        (lambda: stylize(PHOTO, 7), DataError, "style: give a path, a PIL picture, a numpy array or a tensor, not int"),
        (lambda: stylize(PHOTO, []), ConfigError, "style: give a picture, or several"),
        (lambda: stylize(PHOTO, [STRIPES], blend=[1, 2]), ConfigError, "blend: 2 weights for 1; give one for each"),
        (lambda: stylize(PHOTO, [STRIPES], blend=[0]), ConfigError, r"blend: \[0\] must be .* not all zero"),
        (lambda: stylize(PHOTO, STRIPES, recipe="quik"), ConfigError, "recipe: 'quik' .*did you mean 'quick'"),
        (lambda: stylize(PHOTO, STRIPES, overrides=["sise=9"]), ConfigError, "sise: unknown .*did you mean 'size'"),
        (lambda: partial(PHOTO, [], objects=None), ConfigError, "style: give a picture, or several"),
        (
            lambda: partial(PHOTO, [STRIPES, CHECKS], overrides=["region=background"]),
            ConfigError,
            "region=background: is painted in one style",
        ),
        (
            lambda: pochoir.stylize(PHOTO, STRIPES, overrides="size=64"),
            ConfigError,
            r"give a list of them, \['size=64'\]",
        ),
        (lambda: load_config("stylize", "size=64"), ConfigError, r"give a list of them, \['size=64'\]"),
        (lambda: stylize(PHOTO, STRIPES, overrides=[f"content={__file__}"]), ConfigError, "content: .* as an argument"),
        (
            lambda: stylize(PHOTO, STRIPES, overrides=["hydra.run.dir=a"]),
            ConfigError,
            "hydra.run.dir: .* not of Python",
        ),
        (lambda: stylize(PHOTO, STRIPES, overrides=["experiment=sweep_layers"]), ConfigError, "are a sweep"),
        (lambda: partial(PHOTO, STRIPES, overrides=[f"content={__file__}"]), ConfigError, "content: .* as an argument"),
        (
            lambda: partial(PHOTO, STRIPES, overrides=["encoder.style_layers=[]"]),
            ConfigError,
            "none for recipe.style_",
        ),
        (lambda: pochoir.find(PHOTO, tiles=3), ConfigError, "find.tiles: 3 .* at least 64"),
        (lambda: pochoir.find(PHOTO, score_threshold=2), ConfigError, "find.score_threshold: 2 .* at most 1"),
        (lambda: pochoir.find(PHOTO, weights="persn"), PochoirError, "persn"),
        (lambda: pochoir.find(PHOTO[:1, :1, :2]), DataError, r"an array is \[H, W\] or"),
    ],
)
def test_errors_are_in_words(call: Any, error: type[PochoirError], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_a_style_of_a_painter_is_called_by_its_name(blocks: Instances) -> None:
    photo = np.random.default_rng(0).integers(0, 255, (64, 80, 3), dtype=np.uint8)
    by_name, by_picture = (
        pochoir.stylize(photo, style, overrides=["method=painter"]) for style in ("waves", "builtin:waves")
    )
    assert (by_name.pixels == by_picture.pixels).all()
    known = pochoir.partial(photo, "starry_night", objects=blocks, background="scream", overrides=["method=painter"])
    assert (known.pixels != photo).any(axis=-1).mean() > 0.9
    with pytest.raises(PochoirError, match="starry_night"):
        pochoir.stylize(photo, "starry_night")


def test_objects_that_do_not_fit_are_said(blocks: Instances, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match=r"objects: they are those of a photo of 80×64 pixels; this one has 80×50"):
        partial(PHOTO[:50], STRIPES, objects=blocks)
    with pytest.raises(DataError, match="no object was found"):
        partial(PHOTO, STRIPES, objects=blocks[[]])
    with pytest.raises(ConfigError, match=r"box: is no override here; give objects or this one, not both"):
        partial(PHOTO, STRIPES, objects=blocks, overrides=["box=[1,2,30,40]"])
    with pytest.raises(ConfigError, match=r"assign: \[0, 1\] must be numbers of styles, from 0 to 0"):
        partial(PHOTO, STRIPES, objects=blocks, overrides=["assign=[0,1]"])
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match=r"device: torch finds no cuda on this machine; device=cpu works everywhere"):
        pochoir.find(PHOTO, device="cuda")
