"""The settings inside a picture are what was wished for, as far as the files are at hand."""

import json
from pathlib import Path
from typing import Any

import pytest

from pochoir.config import Request
from pochoir.runs.events import all_settings
from pochoir.studio.readback import CHOSEN, builtin, differences, settings_in, told_of, wish_of
from pochoir.studio.wishes import Chosen, Look, Setup, Wish, asked_for

LOOK = Look("fine", strength=0.5, style_scale=2.0, keep_colors="luminance", feather=4.0)


def embedded(wish: Wish) -> dict[str, Any]:
    asked = asked_for(wish, Setup())
    told = settings_in(json.dumps(all_settings(Request(asked.task, asked.overrides).check())))
    assert told is not None
    return told


@pytest.mark.parametrize(
    "wish",
    [
        Wish("builtin:portrait", (), "builtin:ink", Look("quick")),
        Wish("builtin:portrait", (Chosen(0, style="builtin:ink"),), None, LOOK),
        Wish("builtin:portrait", (Chosen(0, style="builtin:ink"), Chosen(1, style="builtin:glass")), "builtin:waves"),
        Wish("builtin:portrait", (Chosen(0), Chosen(1)), "builtin:waves", Look("default")),
        Wish("builtin:portrait", (Chosen(box=(1.0, 2.0, 30.0, 40.0), style="builtin:ink"),), None, Look("quick")),
        Wish("builtin:portrait", (Chosen(0, style="builtin:ink"),), None, Look("at_once", strength=0.5)),
    ],
)
def test_a_wish_comes_back(wish: Wish) -> None:
    assert wish_of(embedded(wish), lambda name: None) == (wish, [])


def test_what_went_on_from_a_painters_picture_is_quick() -> None:
    told = embedded(Wish("builtin:portrait", (Chosen(0, style="builtin:ink"),), None, Look("finish", strength=0.5)))
    assert wish_of(told, lambda name: None)[0].look == Look("quick", strength=0.5)


def test_objects_that_masks_told_come_back_by_what_was_clicked_on() -> None:
    chosen = (Chosen(0, style="builtin:ink"), Chosen(box=(1.0, 2.0, 30.0, 40.0), style="builtin:ink"))
    wish = Wish("builtin:portrait", chosen, None, Look("quick"))
    told = embedded(Wish("builtin:portrait", chosen[:1], None, Look("quick")))
    told = {**told, "region.indices": None, CHOSEN: told_of(wish)}
    assert wish_of(json.loads(json.dumps(told)), lambda name: None) == (wish, [])


def test_files_that_are_not_at_hand_are_named(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").touch()
    (tmp_path / "mine.png").touch()
    told = embedded(Wish(str(tmp_path / "photo.jpg"), (Chosen(0, style=str(tmp_path / "mine.png")),), None, LOOK))
    wish, missing = wish_of(told, {"photo.jpg": "/uploads/photo.jpg"}.get)
    assert missing == ["mine.png"]
    assert wish == Wish("/uploads/photo.jpg", (Chosen(0, style=None),), None, LOOK)


def test_what_makes_another_picture_here_is_told() -> None:
    chosen = (Chosen(0, style="builtin:ink"),)
    told = embedded(Wish("builtin:portrait", chosen, None, Look("quick")))
    assert differences(told, Setup()) == []
    (found,) = differences({**told, "find.weights": "mine.ckpt"}, Setup())
    assert "found by mine.ckpt, here by person" in found
    (found,) = differences(told, Setup(size=512))
    assert "1024 pixels at most, here 512" in found
    (found,) = differences({**told, "region.indices": None}, Setup())  # as by the command, which takes the best one
    assert "Which objects were painted is not told" in found


def test_what_comes_with_the_project_is_known_wherever_it_was_installed() -> None:
    assert builtin("/elsewhere/pochoir/assets/styles/ink.jpg") == "builtin:ink"
    assert builtin("C:/photos/ink.jpg") is None
    assert builtin("builtin:gone") is None


@pytest.mark.parametrize(
    "text", ["", "no JSON", "[1]", '{"prompt": "a cat"}', '{"content": null, "recipe.steps": [1]}']
)
def test_what_other_programs_embed_is_left_alone(text: str) -> None:
    assert settings_in(text) is None
