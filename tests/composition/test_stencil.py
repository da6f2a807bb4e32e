"""From instances to a stencil, wherever they come from, and what there is no stencil of."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pochoir.composition.given import certain
from pochoir.composition.stencil import cut, find
from pochoir.config import PartialConfig
from pochoir.errors import ConfigError, DataError
from pochoir.images import Picture, write_image
from pochoir.segmentation.instances import Instances


def region(config: PartialConfig, **changes: Any) -> PartialConfig:
    return config.but(region=config.region.but(**changes))


def test_objects_come_from_whichever_source_is_named(
    config: PartialConfig, photo: Picture, instances: Instances, tmp_path: Path
) -> None:
    write_image(tmp_path / "mask.png", (instances.masks[0].numpy() * 255).astype(np.uint8))
    write_image(tmp_path / "photo.png", photo.pixels)
    corners = [[84, 30, 120, 30, 120, 76, 84, 76]]
    content = {
        "images": [{"id": 1, "file_name": "photo.png", "height": 96, "width": 128}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "segmentation": corners, "iscrowd": 0}],
        "categories": [{"id": 1, "name": "block"}],
    }
    (tmp_path / "coco.json").write_text(json.dumps(content))
    boxes = {"masks": [[8, 20, 44, 60]], "annotations": [[84, 30, 120, 76]], "box": [[8, 20, 44, 60]]}
    sources: dict[str, Any] = {
        "masks": {"masks": [str(tmp_path / "mask.png")]},
        "annotations": {"annotations": str(tmp_path / "coco.json"), "content": str(tmp_path / "photo.png")},
        "box": {"box": [4.0, 12.0, 50.0, 68.0]},
    }
    for name, given in sources.items():
        found = find(photo, config.but(**given))
        assert found.boxes.tolist() == boxes[name], name
        assert found.photo is photo.pixels  # to be drawn on
    with pytest.raises(ConfigError, match=r"annotations: finds a photo by its file's name; give that as content="):
        find(photo, config.but(annotations=str(tmp_path / "coco.json")))
    write_image(tmp_path / "masks" / "photo.png", (instances.masks[1].numpy() * 255).astype(np.uint8))
    in_folder = config.but(masks=[str(tmp_path / "masks")])
    named = in_folder.but(content=str(tmp_path / "photo.png"))
    assert find(photo, named).boxes.tolist() == [instances.boxes[1].tolist()]
    with pytest.raises(ConfigError, match=r"masks: finds a photo by its file's name; give that as content="):
        find(photo, in_folder)


def test_a_missing_device_is_named_before_a_network_is_read(
    config: PartialConfig, photo: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match=r"trainer\.accelerator: .* no cuda"):
        find(photo, config.but(trainer=config.trainer.but(accelerator="cuda")))


def test_regions_carry_the_numbers_of_their_instances_and_styles(
    config: PartialConfig, photo: Picture, instances: Instances
) -> None:
    stencil = cut(photo, instances, [0, 1], 2, config)
    assert [(region.instances, region.style) for region in stencil.regions] == [((0,), 0), ((1,), 1)]
    assert stencil.photo is photo
    inside = instances.masks.amax(dim=0).numpy()
    assert abs(stencil.alpha - inside).mean() < 0.02
    assert stencil.border["edge_agreement"] > 0.95
    one = cut(photo, instances, [1], 1, config, paints_background=True)
    assert [(region.name, region.style) for region in one.regions] == [("object_1", 0), ("background", 1)]
    assert one.alpha.min() > 0.99
    rest = cut(photo, instances, [0, 1], 1, region(config, name="background"))
    assert [(region.name, region.style) for region in rest.regions] == [("background", 0)]
    assert rest.alpha[40, 20] == 0


def test_styles_that_are_too_many_are_told(
    config: PartialConfig, photo: Picture, instances: Instances, caplog: pytest.LogCaptureFixture
) -> None:
    cut(photo, instances, [0, 1], 3, config)
    assert caplog.messages == ["styles: of 3 for 2 objects, those numbered [2] paint nothing"]


def test_size_resizes_photo_and_stencil(config: PartialConfig, photo: Picture, instances: Instances) -> None:
    clear = Picture(photo.pixels, (instances.masks[0].numpy() * 255).astype(np.uint8))
    stencil = cut(clear, instances, [0], 1, config.but(size=64))
    assert stencil.photo.size == stencil.alpha.shape == (48, 64)
    assert stencil.photo.alpha is not None
    assert abs(stencil.photo.alpha / 255 - stencil.alpha).mean() < 0.03


def test_what_no_stencil_can_be_cut_of_is_said(config: PartialConfig, photo: Picture, instances: Instances) -> None:
    with pytest.raises(DataError, match=r"assign: 1 styles for 2 chosen instances, \[0, 1\]"):
        cut(photo, instances, [0, 1], 2, config.but(styles=[__file__], assign=[0]))
    other = Picture(photo.pixels[:50])
    with pytest.raises(DataError, match=r"objects: they are those of a photo of 128×96 pixels; this one has 128×50"):
        cut(other, instances, [0], 1, config)
    everything = certain(np.ones((1, 96, 128), dtype=bool))
    with pytest.raises(DataError, match="region=background: nothing of the photo is left to paint"):
        cut(photo, everything, [0], 1, region(config, name="background"))
    faint = replace(instances, masks=instances.masks * 0.3)
    with pytest.raises(DataError, match="region=object: nothing of the photo is left to paint"):
        cut(photo, faint, [0], 1, config)


def test_a_background_that_is_hidden_is_left_out(config: PartialConfig, photo: Picture) -> None:
    everything = certain(np.ones((1, 96, 128), dtype=bool))
    stencil = cut(photo, everything, [0], 1, config, paints_background=True)
    assert [region.name for region in stencil.regions] == ["object_0"]
