"""What is wished for becomes settings that the command takes, and nothing that it would refuse."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from pochoir.config import Request
from pochoir.studio.wishes import (
    Asked,
    Chosen,
    Look,
    Quality,
    Setup,
    Wish,
    asked_for,
    content_weight,
    possible,
    problems,
    refined,
    renamed,
    strength_of,
    wants_masks,
)

PORTRAIT = "builtin:portrait"
INK, WAVES, GLASS = "builtin:ink", "builtin:waves", "builtin:glass"
KNOWN = (INK, WAVES)
SETUP = Setup()
QUICK = Look(quality="quick")


def wish(*chosen: Chosen, background: str | None = None, look: Look = QUICK) -> Wish:
    return Wish(PORTRAIT, chosen, background, look)


@pytest.mark.parametrize(
    ("wished", "task", "overrides"),
    [
        (wish(background=INK), "stylize", ["style=builtin:ink"]),
        (wish(Chosen(0, style=INK)), "partial", ["style=builtin:ink", "region.indices=[0]"]),
        (
            wish(Chosen(2, style=INK), Chosen(0, style=WAVES), background=GLASS),
            "partial",
            ["styles=[builtin:waves,builtin:ink]", "background_style=builtin:glass", "region.indices=[0,2]"],
        ),
        (
            wish(Chosen(0), Chosen(1), background=INK),
            "partial",
            ["region=background", "style=builtin:ink", "region.indices=[0,1]"],
        ),
        (wish(Chosen(box=(1.0, 2.0, 30.0, 40.0), style=INK)), "partial", ["style=builtin:ink", "box=[1,2,30,40]"]),
    ],
)
def test_the_command_of_a_wish(wished: Wish, task: str, overrides: Sequence[str]) -> None:
    asked = asked_for(wished, SETUP)
    assert asked.task == task
    assert asked.overrides == ("content=builtin:portrait", *overrides, "recipe=quick")
    assert not wants_masks(wished)
    assert list(problems(wished, KNOWN)) == []
    Request(task, asked.overrides).check()


def test_objects_that_were_found_and_drawn_are_told_by_masks(tmp_path: Path) -> None:
    wished = wish(Chosen(box=(1.0, 2.0, 30.0, 40.0), style=INK), Chosen(0, style=WAVES))
    assert wants_masks(wished)
    masks = [str(tmp_path / f"{number}.png") for number in range(2)]
    for mask in masks:
        Path(mask).touch()
    asked = asked_for(wished, SETUP, masks)
    assert asked.overrides[1:3] == ("styles=[builtin:waves,builtin:ink]", f"masks=[{masks[0]},{masks[1]}]")
    Request("partial", asked.overrides).check()


def test_the_look_becomes_settings() -> None:
    look = Look("fine", strength=0.5, style_scale=2.0, keep_colors="luminance", feather=4.0)
    setup = Setup(size=512, accelerator="cpu")
    told = asked_for(wish(Chosen(0, style=INK), look=look), setup).overrides
    assert told[3:] == (
        "region.feather=4",
        "recipe=fine",
        f"recipe.content_weight={content_weight('fine', 0.5):g}",
        "style_scale=2",
        "keep_colors=luminance",
        "max_size=512",
        "trainer.accelerator=cpu",
    )
    Request("partial", told).check()


def test_a_painter_is_told_its_strength_and_nothing_that_it_does_not_heed() -> None:
    look = Look("at_once", strength=0.5, style_scale=2.0)
    told = asked_for(wish(background=INK, look=look), Setup(painter="mine.safetensors")).overrides
    assert told[2:] == ("method=painter", "painter.weights=mine.safetensors", "painter.strength=0.5")


@pytest.mark.parametrize(
    ("wished", "told"),
    [
        (wish(Chosen(0)), "Choose a style"),
        (wish(Chosen(0), Chosen(1, style=INK), background=WAVES), "takes two rounds"),
        (wish(background=GLASS, look=Look("at_once")), "No painter knows glass"),
        (wish(background="candy"), "Only the painter knows candy"),
        (wish(Chosen(0, style=GLASS), background="candy", look=Look("at_once")), "and it does not know glass"),
        (wish(background=INK, look=Look("at_once", keep_colors="match")), "by 'luminance'"),
    ],
)
def test_what_cannot_be_painted_is_told_beforehand(wished: Wish, told: str) -> None:
    (problem,) = problems(wished, KNOWN)
    assert told in problem


def test_what_no_painter_knows_is_optimised() -> None:
    at_once = Look("at_once")
    assert possible(wish(background=INK, look=at_once), KNOWN).look.quality == "at_once"
    assert possible(wish(Chosen(0, style=INK), background=GLASS, look=at_once), KNOWN).look.quality == "quick"


def test_quick_goes_on_from_the_picture_of_a_painter_that_knows_all_styles() -> None:
    assert possible(wish(background=GLASS), KNOWN).look.quality == "quick"
    wished = possible(wish(Chosen(0, style=INK), look=replace(QUICK, strength=0.5)), KNOWN)
    asked = asked_for(wished, Setup(painter="mine.safetensors"))
    weight = content_weight("finish", 0.5)
    assert asked.overrides[3:] == (
        *("init=painter", "painter.weights=mine.safetensors"),
        *("recipe=finish", f"recipe.content_weight={weight:g}"),
    )


@pytest.mark.parametrize("begun", ["at_once", "finish"])
def test_what_is_refined_gets_more_time(begun: Quality) -> None:
    looks = [Look(begun, strength=0.7)]
    while (following := refined(looks[-1])) is not None:
        looks.append(following)
    assert [look.quality for look in looks[1:]] == ["quick", "default", "fine"][begun == "finish" :]
    assert {look.strength for look in looks} == {0.7}


@pytest.mark.parametrize("strength", [0.01, 0.3, 0.5, 1.0])
def test_strength_is_how_little_the_photo_counts(strength: float) -> None:
    assert strength_of("quick", content_weight("quick", strength)) == pytest.approx(strength, abs=0.011)
    assert content_weight("quick", 1.0) == 0.12  # the recipe's own


@pytest.mark.parametrize("name", ["photo.jpg", "my photo (1).jpg", "a,b.png", "k=v.png", "o'clock.png", "größe.png"])
def test_files_of_any_name_are_written_so_that_they_are_read(tmp_path: Path, name: str) -> None:
    for file in (tmp_path / name, tmp_path / f"style {name}"):
        file.touch()
    wished = replace(wish(background=str(tmp_path / f"style {name}")), content=str(tmp_path / name))
    settings = Request("stylize", asked_for(wished, SETUP).overrides).check()
    assert (settings.content, settings.style) == (str(tmp_path / name), str(tmp_path / f"style {name}"))


def test_a_shown_command_has_the_persons_own_names() -> None:
    told = {"content": "/tmp/x/3/photo.jpg", "styles": ["/tmp/x/4/my style.png", "builtin:ink"]}
    names = {"/tmp/x/3/photo.jpg": "photo.jpg", "/tmp/x/4/my style.png": "my style.png"}
    shown = Asked("partial", renamed(told, names))
    assert shown.command() == "pochoir partial content=photo.jpg 'styles=[my style.png,builtin:ink]'"


def test_the_yaml_says_what_the_command_says(tmp_path: Path) -> None:
    look = Look("quick", strength=0.6, style_scale=0.5, feather=3.0)
    asked = asked_for(wish(Chosen(0), background=INK, look=look), SETUP)
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "picture.yaml").write_text(asked.experiment())
    by_yaml = Request("partial", ["experiment=picture"], [tmp_path]).check()
    assert by_yaml == Request("partial", asked.overrides).check()


@pytest.mark.parametrize("name", ["@home.jpg", "%x.jpg", "o'clock.jpg", "a: b.jpg", "# 3.jpg", "1e3.jpg"])
def test_the_yaml_takes_files_of_any_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    asked = asked_for(replace(wish(background=INK), content=str(tmp_path / name)), SETUP)
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "picture.yaml").write_text(asked.experiment())
    assert Request("stylize", ["experiment=picture"], [tmp_path]).check().content == str(tmp_path / name)
