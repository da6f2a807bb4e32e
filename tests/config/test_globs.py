"""`glob:<pattern>` in a multirun: a job a file, whatever files are called, and words where there is none."""

from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from pochoir.config import Request, load_config
from pochoir.config.globs import files_matching
from pochoir.errors import ConfigError

NAMES = [
    *("a b.jpg", "c,d.jpg", "e[1].jpg", "f=g.jpg", "it's.png", "null.jpg", '{x} "q".jpg'),
    *("${y}(1).jpg", "\\${z}.jpg"),
]


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """photos/ with names of all kinds, things that are none of them, and two folders."""
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    for name in (*NAMES, "._a b.jpg", ".hidden.jpg", "notes.txt", "more/deep.jpg"):
        (folder / name).touch()
    (folder / "folder.jpg").mkdir()
    files_matching.cache_clear()
    monkeypatch.chdir(tmp_path)
    return folder


def jobs(key: str, *words: str, multirun: bool = True) -> list[str]:
    """The values that jobs get of a key, as Hydra reads them."""
    (word,) = [word for word in Request("stylize", words, multirun=multirun).words() if word.startswith(f"{key}=")]
    (override,) = OverridesParser.create().parse_overrides([word])
    texts = override.sweep_string_iterator() if override.is_sweep_override() else [override.get_value_element_as_str()]
    values = [OverridesParser.create().parse_overrides([f"{key}={text}"])[0].value() for text in texts]
    return [OmegaConf.create({key: value})[key] for value in values]


def test_there_is_a_job_for_each_file_whatever_it_is_called(photos: Path) -> None:
    words = ("content=glob:photos/*", "style=builtin:ink")
    assert jobs("content", *words) == [f"photos/{name}" for name in sorted(NAMES)]
    assert Request("stylize", words, multirun=True).check().content == "photos/" + min(NAMES)


def test_patterns_are_those_of_a_shell(photos: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert jobs("content", f"content=glob:{photos}/[ac]*.jpg") == [f"{photos}/a b.jpg", f"{photos}/c,d.jpg"]
    assert jobs("content", "content=glob:photos/**/d*.jpg") == ["photos/more/deep.jpg"]
    assert jobs("content", "content=glob:photos/a*,builtin:ink,glob:photos/[f]*") == [
        *("photos/a b.jpg", "builtin:ink", "photos/f=g.jpg")
    ]
    assert jobs("init", "init=glob:photos/*.txt") == ["photos/notes.txt"]
    assert not caplog.text


def test_what_is_no_picture_among_pictures_is_left_out_and_told_once(
    photos: Path, caplog: pytest.LogCaptureFixture
) -> None:
    request = Request("stylize", ["content=glob:photos/*", "style=builtin:ink"], multirun=True)
    request.check()
    request.words()
    assert caplog.text.count("glob:photos/*: left out, as they are no pictures: photos/notes.txt") == 1


def test_an_experiment_may_have_patterns(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "experiment").mkdir()
    swept = "{content: \"'glob:photos/[ac]*'\", seed: '1,2'}"
    mine = f"# @package _global_\nstyle: builtin:ink\nhydra: {{mode: MULTIRUN, sweeper: {{params: {swept}}}}}\n"
    (tmp_path / "experiment" / "mine.yaml").write_text(mine)
    given = Request("stylize", ["experiment=mine"], [tmp_path])
    assert given.check().content == "photos/a b.jpg"
    assert given.words() == ["experiment=mine", "content='photos/a b.jpg','photos/c,d.jpg'"]
    other = Request("stylize", ["experiment=mine", "content=builtin:portrait"], [tmp_path])
    assert other.words() == ["experiment=mine", "content=builtin:portrait"]
    builtin = Request("stylize", ["experiment=sweep_sizes", "style=glob:photos/[ac]*"])  # sweeps without -m
    assert builtin.words()[1] == "style='photos/a b.jpg','photos/c,d.jpg'"


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("content=glob:photos/*.tif", "content: 'glob:photos/*.tif' matches no file in {here}/photos"),
        ("content=glob:photos/folder*", "content: 'glob:photos/folder*' matches no file in {here}/photos"),
        (
            "style=glob:photo/*.jpg",
            "style: 'glob:photo/*.jpg' matches nothing: there is no folder {here}/photo; did you mean 'photos'?",
        ),
    ],
)
def test_a_pattern_without_files_is_told(photos: Path, word: str, message: str) -> None:
    request = Request("stylize", ["content=builtin:portrait", "style=builtin:ink", word], multirun=True)
    for read in (request.check, request.words):
        with pytest.raises(ConfigError) as caught:
            read()
        assert str(caught.value) == f"1 problem in the settings:\n  - {message.format(here=photos.parent)}"


@pytest.mark.usefixtures("photos")
def test_without_a_multirun_it_is_told_what_to_do() -> None:
    told = r"content: 'glob:photos/\*.jpg' is a job for each file and wants the option -m.*or the folder photos"
    with pytest.raises(ConfigError, match=told):
        Request("stylize", ["content=glob:photos/*.jpg", "style=builtin:ink"]).check()
    with pytest.raises(ConfigError, match=told):
        load_config("partial", ["content=glob:photos/*.jpg"])
    with pytest.raises(ConfigError, match=r"styles: 'glob:photos/\*' is a job for each file.*as the whole value"):
        Request("stylize", ["content=builtin:ink", "styles=[glob:photos/*]"], multirun=True).check()
