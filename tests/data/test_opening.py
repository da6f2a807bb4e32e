"""From a dataset's settings to its samples and their split, of one dataset or of several."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pochoir.config import CocoDataset, FiguresDataset, FolderDataset, Request, load_config
from pochoir.data.coco import CocoInstances
from pochoir.data.figures import Figures
from pochoir.data.folder import MaskFolder
from pochoir.data.opening import Opened, epoch_draw, open_dataset, open_sources, prepare_dataset
from pochoir.data.pennfudan import PHOTO_NAMES, PennFudan
from pochoir.data.split import Split
from pochoir.errors import ConfigError, DataError

Make = Callable[..., Any]


@pytest.fixture
def drawn(dataset: Make) -> FiguresDataset:
    """Five drawn photos, one of them for validation."""
    return dataset("figures", length=5, val=0.2)


def test_each_kind_of_dataset_opens_its_source(
    folder: FolderDataset, two_files: CocoDataset, tmp_path: Path, save: Make, dataset: Make
) -> None:
    for name in PHOTO_NAMES:
        save(tmp_path / "PennFudanPed" / "PNGImages" / name, np.zeros((2, 2, 3)))
        save(tmp_path / "PennFudanPed" / "PedMasks" / f"{name[:-4]}_mask.png", np.ones((2, 2)))
    pennfudan = dataset("pennfudan", root=str(tmp_path / "PennFudanPed"), download=False)
    figures = dataset("figures", length=4, height=64, width=96, max_figures=2, seed=3)
    one_file = dataset("coco", images=two_files.images, annotations=two_files.annotations, categories=["person"])
    for config, kind, length in (
        (pennfudan, PennFudan, 170),
        (figures, Figures, 4),
        (folder, MaskFolder, 10),
        (one_file, CocoInstances, 4),
    ):
        source, val_source = open_sources(config)
        assert isinstance(source, kind)
        assert len(source.names) == length
        assert source.read(0).image.ndim == 3
        assert val_source is source


def test_figures_are_drawn_as_configured(dataset: Make) -> None:
    source, _ = open_sources(dataset("figures", length=4, height=64, width=96, max_figures=2, seed=3))
    assert source.read(1).image.shape == (64, 96, 3)
    assert np.array_equal(source.read(1).image, Figures(length=4, size=(64, 96), max_figures=2, seed=3).read(1).image)


def test_categories_are_chosen_in_both_files(coco_json: Make, dataset: Make) -> None:
    square, categories = [[2, 2, 20, 2, 20, 20, 2, 20]], [("person", 1), ("dog", 2)]
    both = [{"segmentation": square}, {"segmentation": square, "category_id": 2}]
    train, val = (coco_json({f"{name}.png": (24, 32)}, both, categories, name=name) for name in ("train", "val"))
    photos = str(train.parent / "photos")
    config = dataset("coco", images=photos, annotations=str(train), val_annotations=str(val), categories=["dog"])
    assert [len(source.read(0).masks) for source in open_sources(config)] == [1, 1]


def test_pennfudan_is_not_fetched_when_told_not_to(tmp_path: Path, dataset: Make, mixed: Make) -> None:
    config = dataset("pennfudan", root=str(tmp_path / "PennFudanPed"), download=False)
    with pytest.raises(DataError, match="switched off"):
        prepare_dataset(config)
    with pytest.raises(DataError, match=r"dataset\.parts\.street: .*switched off"):
        prepare_dataset(mixed({"street": config}))


def test_a_mixture_reads_the_samples_of_its_parts(
    folder: FolderDataset, two_files: CocoDataset, drawn: FiguresDataset, mixed: Make
) -> None:
    opened = open_dataset(mixed({"drawn": drawn, "folder": folder}))
    assert opened.val_source is opened.source
    assert opened.source.names[4:6] == ["drawn/" + Figures(length=5).names[4], "folder/0.png"]
    images, _ = open_sources(folder)
    assert np.array_equal(opened.source.read(5 + 7).image, images.read(7).image)
    assert np.array_equal(opened.source.read(3).masks, Figures(length=5).read(3).masks)
    assert (len(opened.split.train), len(opened.split.val), len(opened.split.test)) == (4 + 5, 1 + 3, 2)

    opened = open_dataset(mixed({"files": two_files, "folder": folder}))
    assert opened.val_source.names[:3] == ["files/val0.png", "files/val1.png", "folder/0.png"]


def test_photos_without_objects_are_a_folder_without_masks(folder: FolderDataset, mixed: Make) -> None:
    opened = open_dataset(mixed({"folder": folder, "empty": folder.but(masks=None)}))
    assert [opened.source.names[index] for index in (0, 10)] == ["folder/0.png", "empty/0.png"]
    assert [len(opened.source.read(index).masks) for index in (0, 10)] == [1, 0]


def test_a_mixtures_split_can_be_given(
    folder: FolderDataset, tmp_path: Path, drawn: FiguresDataset, mixed: Make
) -> None:
    mixture = mixed({"drawn": drawn, "folder": folder})
    split = open_dataset(mixture).split
    split.write(tmp_path / "split.json")
    mixture = mixture.but(parts={**mixture.parts, "folder": folder.but(split_seed=9)})
    assert open_dataset(mixture).split != split
    assert open_dataset(mixture.but(split_file=str(tmp_path / "split.json"))).split == split


def test_a_given_split_excludes_validation_files(two_files: CocoDataset, tmp_path: Path, mixed: Make) -> None:
    (tmp_path / "split.json").write_text("{}")
    with pytest.raises(ConfigError, match=r"dataset\.split_file: excludes val_annotations"):
        open_dataset(mixed({"files": two_files}, split_file=str(tmp_path / "split.json")))


def test_what_is_excluded_is_in_no_part_and_the_others_stay_in_theirs(folder: FolderDataset, tmp_path: Path) -> None:
    folder = folder.but(test=2)
    whole = open_dataset(folder).split
    gone = [whole.train[1], whole.val[0], whole.test[0]]
    kept = Split(*([name for name in part if name not in gone] for part in (whole.train, whole.val, whole.test)))
    folder = folder.but(exclude=gone)
    assert open_dataset(folder).split == kept
    whole.write(tmp_path / "split.json")
    assert open_dataset(folder.but(split_file=str(tmp_path / "split.json"))).split == kept


def test_a_part_of_a_mixture_leaves_out_its_own_samples(folder: FolderDataset, tmp_path: Path, mixed: Make) -> None:
    mixture = mixed({"one": folder, "other": folder.but(exclude=["3.png", "4.png"])})
    split = open_dataset(mixture).split
    names = split.train + split.val + split.test
    assert {"one/3.png", "one/4.png"} <= set(names)
    assert not {"other/3.png", "other/4.png"} & set(names)
    assert len(names) == 10 + 8
    Split(train=["one/3.png", "other/3.png"], val=["other/4.png"], test=[]).write(tmp_path / "split.json")
    given = open_dataset(mixture.but(split_file=str(tmp_path / "split.json"))).split
    assert given == Split(train=["one/3.png"], val=[], test=[])


def test_a_file_of_validation_photos_can_leave_some_out(two_files: CocoDataset) -> None:
    first, *others = open_dataset(two_files).split.val
    assert open_dataset(two_files.but(exclude=[first])).split.val == others


def test_excluding_what_is_not_there_or_everything_is_refused(folder: FolderDataset) -> None:
    message = r"dataset\.exclude: '3\.pgn' is the name of no sample \(nor are 1 more\); did you mean '3\.png'\?"
    with pytest.raises(ConfigError, match=message):
        open_dataset(folder.but(exclude=["3.pgn", "zebra.png", "4.png"]))
    everything = open_dataset(folder).split.train
    with pytest.raises(ConfigError, match=r"dataset\.exclude: leaves nothing to train on"):
        open_dataset(folder.but(exclude=everything))


def test_a_part_that_cannot_be_opened_is_named(
    folder: FolderDataset, tmp_path: Path, drawn: FiguresDataset, mixed: Make
) -> None:
    (tmp_path / "masks" / "3.png").unlink()
    with pytest.raises(DataError, match=r"dataset\.parts\.broken: (?s:.)*3\.png"):
        open_dataset(mixed({"drawn": drawn, "broken": folder}))


def test_an_epoch_without_weights_takes_every_photo_once(
    folder: FolderDataset, drawn: FiguresDataset, mixed: Make
) -> None:
    mixture = mixed({"drawn": drawn, "folder": folder})
    train = open_dataset(mixture).split.train
    draw = epoch_draw(mixture, train, seed=0)
    assert draw is not None
    assert sorted(draw(0)) == sorted(draw(7)) == list(range(len(train)))
    assert epoch_draw(folder, train, seed=0) is None


def test_a_part_with_nothing_to_train_on_may_be_validated_on_only(
    folder: FolderDataset, drawn: FiguresDataset, mixed: Make
) -> None:
    mixture = mixed({"drawn": drawn, "folder": folder})
    train = [name for name in open_dataset(mixture).split.train if name.startswith("drawn/")]
    assert sorted(epoch_draw(mixture, train, seed=0)(0)) == [0, 1, 2, 3]
    weighted = mixture.but(weights={"drawn": 1, "folder": 1})
    with pytest.raises(ConfigError, match=r"dataset\.weights\.folder: 2 photos an epoch of a part with none"):
        epoch_draw(weighted, train, seed=0)


def test_a_part_of_a_mixture_has_the_defaults_of_its_kind() -> None:
    mixed = load_config("train_seg", ["dataset=mixture", "dataset.parts={street: {name: pennfudan, test: 7}}"]).dataset
    alone = load_config("train_seg", ["dataset=pennfudan", "dataset.test=7"]).dataset
    assert mixed.parts["street"] == alone
    assert alone.val == 50


OWN = """
import numpy as np
from pochoir.data.source import Sample

class Squares:
    def __init__(self, count: int, size: int = 20) -> None:
        self.names = [f"square-{i}" for i in range(count)]
        self.size = size

    def read(self, index: int) -> Sample:
        masks = np.zeros((1, self.size, self.size), bool)
        masks[0, 2:9, 2:9 + index] = True
        return Sample(np.zeros((self.size, self.size, 3), np.uint8), masks, np.zeros(1, bool))

class Nothing: ...
"""


@pytest.fixture
def own_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "squares_of_mine.py").write_text(OWN)
    monkeypatch.syspath_prepend(str(tmp_path))
    return "squares_of_mine"


def test_a_class_of_ones_own_is_a_dataset(own_module: str, dataset: Make) -> None:
    config = dataset("python", source=f"{own_module}.Squares", val=2).but(arguments={"count": 6, "size": 24})
    opened = open_dataset(config)
    assert sorted(opened.split.train + opened.split.val) == [f"square-{i}" for i in range(6)]
    assert opened.source.read(3).image.shape == (24, 24, 3)
    assert len(opened.split.val) == 2


def test_a_new_dataset_is_one_class_and_one_yaml(own_module: str, tmp_path: Path) -> None:
    (tmp_path / "conf" / "dataset").mkdir(parents=True)
    (tmp_path / "conf" / "dataset" / "squares.yaml").write_text(
        f"defaults: [python]\nsource: {own_module}.Squares\narguments: {{count: 5}}\n"
    )
    settings = Request("train_seg", ["dataset=squares", "dataset.val=1"], [tmp_path / "conf"]).check()
    assert len(open_dataset(settings.dataset).split.train) == 4


@pytest.mark.parametrize(
    ("source", "arguments", "message"),
    [
        ("squares_of_mine.Squars", {}, r"squares_of_mine has no class 'Squars'; did you mean 'Squares'\?"),
        (
            "squares_of_yours.Squares",
            {},
            r"'squares_of_yours\.Squares' .* \(No module named 'squares_of_yours'\).*PYTHONPATH",
        ),
        ("Squares", {}, r"'Squares' is no package\.module\.Class"),
        (".Squares", {}, r"'\.Squares' is no package\.module\.Class"),
        ("squares_of_mine.OWN", {}, "has no class 'OWN'"),
        (
            "squares_of_mine.Squares",
            {"cuont": 3},
            r"missing a required argument: 'count'; .* takes \(count: int, size: int = 20\)",
        ),
        ("squares_of_mine.Squares", {"count": 3, "colour": 1}, "unexpected keyword argument 'colour'"),
        ("squares_of_mine.Nothing", {}, r"lacks names or read\(index\)"),
    ],
)
def test_a_class_that_cannot_be_used_is_told_in_words(
    own_module: str, dataset: Make, source: str, arguments: dict[str, Any], message: str
) -> None:
    assert own_module
    with pytest.raises(ConfigError, match=message):
        open_dataset(dataset("python", source=source).but(arguments=arguments))


def test_a_word_stands_for_a_list_of_it(two_files: CocoDataset) -> None:
    given = ["dataset=coco", f"dataset.images={two_files.images}", f"dataset.annotations={two_files.annotations}"]
    config = load_config("train_seg", [*given, "dataset.categories=person", "dataset.exclude=train0.png"]).dataset
    assert config.categories == ["person"]
    assert "train0.png" not in open_dataset(config).split.train


def test_crowds_and_exif_are_read_as_the_settings_say(coco_json: Make, dataset: Make, save: Make) -> None:
    crowd = {"segmentation": [[2, 2, 20, 2, 20, 20, 2, 20]], "iscrowd": 1}
    path = coco_json({"a.png": (24, 32)}, [crowd])
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (32, 24)).save(path.parent / "photos" / "a.png", exif=exif)
    files = {"images": str(path.parent / "photos"), "annotations": str(path)}
    source, _ = open_sources(dataset("coco", **files, crowds="instances", exif="ignore"))
    assert source.read(0).crowd.tolist() == [False]
    with pytest.raises(DataError, match="EXIF orientation 6"):
        open_sources(dataset("coco", **files))[0].read(0)


def test_the_void_of_masks_is_read_as_the_settings_say(tmp_path: Path, dataset: Make, save: Make) -> None:
    save(tmp_path / "images" / "a.png", np.zeros((24, 32, 3)))
    save(tmp_path / "masks" / "a.png", np.kron([[1, 7], [0, 255]], np.ones((12, 16))))
    files = {"images": str(tmp_path / "images"), "masks": str(tmp_path / "masks")}
    for void, count in (("auto", 2), ("none", 3), (7, 2)):
        source, _ = open_sources(dataset("folder", **files, void=void))
        assert len(source.read(0).masks) == count


def test_classes_of_two_files_are_those_of_the_first(coco_json: Make, dataset: Make) -> None:
    square = {"segmentation": [[2, 2, 20, 2, 20, 20, 2, 20]]}
    both = [square, {**square, "category_id": 2}]
    train = coco_json({"train.png": (24, 32)}, both, [("person", 1), ("dog", 2)])
    val = coco_json({"val.png": (24, 32)}, both, [("dog", 1), ("person", 2)], name="val.json")
    photos = str(train.parent / "photos")
    config = dataset("coco", images=photos, annotations=str(train), val_annotations=str(val), merge=False)
    opened = open_dataset(config)
    assert opened.classes == ("person", "dog")
    assert opened.source.read(0).labels.tolist() == [1, 2]
    assert opened.val_source.read(0).labels.tolist() == [2, 1]
    assert open_dataset(config.but(merge=True)).classes == ("object",)


def test_a_mixture_of_two_files_has_the_classes_of_all(coco_json: Make, dataset: Make, mixed: Make) -> None:
    square = {"segmentation": [[2, 2, 20, 2, 20, 20, 2, 20]], "category_id": 7}
    paths = {
        name: str(coco_json({f"{name}{number}.png": (24, 32) for number in range(2)}, [square], [(name, 7)], name=name))
        for name in ("dog", "cat")
    }
    parts = {
        name: dataset("coco", images=str(Path(path).parent / "photos"), annotations=path, merge=False, val=1)
        for name, path in paths.items()
    }
    opened = open_dataset(mixed(parts))
    assert opened.classes == ("dog", "cat")
    cats = [name for name in opened.source.names if name.startswith("cat/")]
    assert opened.source.read(opened.source.names.index(cats[0])).labels.tolist() == [2]


def test_sources_of_other_classes_do_not_go_together() -> None:
    one, other = (SimpleNamespace(names=["a"], read=None, classes=names) for names in (["dog", "cat"], ["cat", "dog"]))
    with pytest.raises(DataError, match="train on are dog, cat, those to validate on cat, dog"):
        Opened(one, other, Split(train=["a"], val=["a"], test=[]))
