"""Pictures of mistakes: each kind in its colour, only as many as there are, and measures of one class and several."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pochoir.images import read_rgb
from pochoir.inspection.mistakes import FALSE, MISSED, TRUE, measures_picture, mistakes_picture, show_mistakes
from pochoir.segmentation.evaluation import ImageRecord, encode_masks, evaluate
from pochoir.segmentation.matching import confusion, match, match_all

LEFT, MIDDLE, RIGHT = slice(20, 80), slice(120, 180), slice(220, 280)


def annotation(columns: slice, **more: Any) -> dict[str, Any]:
    mask = np.zeros((1, 200, 300), dtype=bool)
    mask[:, 50:150, columns] = True
    box = [columns.start, 50, columns.stop - columns.start, 100]
    return {"segmentation": encode_masks(mask)[0], "bbox": box, "area": float(mask.sum()), "category_id": 1, **more}


def record(image_id: int, truth: list[slice], found: list[slice]) -> ImageRecord:
    there = [annotation(columns, iscrowd=0) for columns in truth]
    detections = [annotation(columns, score=0.8, mask_score=0.8) for columns in found]
    return ImageRecord(image_id, (200, 300), there, detections)


MIXED = record(1, [LEFT, MIDDLE], [LEFT, RIGHT])


def test_each_kind_has_its_colour_and_the_legend_names_it() -> None:
    photo = np.zeros((200, 300, 3), dtype=np.uint8)
    drawn = mistakes_picture(photo, MIXED, match(MIXED, 0.5), "street.jpg")
    larger = drawn.shape[1] / 300  # for the legend
    assert 398 <= drawn.shape[1] <= 400
    height = drawn.shape[0] - round(200 * larger)
    assert height > 10
    for columns, color in ((LEFT, TRUE), (MIDDLE, MISSED), (RIGHT, FALSE)):
        inside = drawn[height + round(110 * larger), round((columns.start + 30) * larger)]
        assert np.abs(inside - 0.4 * np.array(color)).max() <= 1
        assert (drawn[:height] == color).all(axis=-1).any()


def test_what_was_taken_for_another_class_is_missed_and_invented_by_name() -> None:
    other = ImageRecord(1, (200, 300), MIXED.truth[:1], [{**MIXED.detections[0], "category_id": 2}])
    photo = np.zeros((200, 300, 3), dtype=np.uint8)
    named, plain = (mistakes_picture(photo, other, match(other, 0.5), "", classes) for classes in (["a", "b"], ["a"]))
    assert (named == FALSE).all(axis=-1).any()
    assert (named == MISSED).all(axis=-1).any()
    assert not np.array_equal(named, plain)
    assert match_all([other], 0.5)[0][1].mistakes == 2


@pytest.mark.parametrize("size", [(20, 14), (3000, 2000), (40, 4000)])
def test_pictures_of_all_sizes_can_be_drawn(size: tuple[int, int]) -> None:
    item = ImageRecord(1, size, [], [])
    drawn = mistakes_picture(np.zeros((*size, 3), dtype=np.uint8), item, match(item, 0.5), "zoë.jpg")
    assert max(drawn.shape[:2]) <= 1280 + 40


def test_a_folder_holds_the_worst_photos_of_now(tmp_path: Path) -> None:
    asked = []

    def photo_of(item: ImageRecord) -> tuple[str, np.ndarray]:
        asked.append(item.image_id)
        return f"some/p{item.image_id}.jpg", np.zeros((200, 300, 3), dtype=np.uint8)

    def show(records: list[ImageRecord]) -> Any:
        return show_mistakes(records, {"object": evaluate(records)}, photo_of, tmp_path, threshold=0.5, shown=2)

    good = record(2, [LEFT], [LEFT])
    pictures, _, counts = show([good, MIXED, record(3, [LEFT], [])])
    assert asked == [1, 3]
    assert [path.name for path in sorted((tmp_path / "worst").iterdir())] == ["00_p1.png", "01_p3.png"]
    assert len(pictures) == 2
    assert (counts["true"], counts["false"], counts["missed"], counts["threshold"]) == (2, 1, 2, 0.5)
    assert read_rgb(tmp_path / "worst.png").shape[0] == 480
    assert show([good])[0] == []  # what was learned meanwhile is no mistake any more
    assert {path.name for path in tmp_path.rglob("*.png")} == {"measures.png"}


def test_measures_of_several_classes_are_told_apart() -> None:
    one = evaluate([MIXED])
    single = measures_picture({"object": one}, confusion(match_all([MIXED], 0.5)), 0.5)
    several = measures_picture({"bag": one, "cup": one}, confusion(match_all([MIXED], 0.5), 2), 0.5)
    assert single.shape == several.shape
    assert single.std() > 20
    assert (single != several).any()
    nothing = ImageRecord(1, (8, 8), [], [])
    empty = measures_picture({"object": evaluate([nothing])}, confusion(match_all([nothing], 0.5)), 0.5)
    assert empty.shape == single.shape
