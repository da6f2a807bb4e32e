"""Every code block of README and docs/ is tried: command lines by their settings, Python by running it.

What is only run by hand stands below an HTML comment that says so, and why: <!-- by hand: … -->.
"""

import json
import re
import shlex
from pathlib import Path

import pytest
from hydra._internal.utils import get_args_parser
from PIL import Image

from pochoir.assets import located
from pochoir.cli import TASKS
from pochoir.config import SCHEMAS, Request
from pochoir.config.renamed import RENAMED

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
CARD = ROOT / "src/pochoir/assets/person.md"
BLOCK = re.compile(r"(?P<by_hand><!-- by hand: [^>]+ -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.M | re.S)
COMMAND = re.compile(r"(?<!`)`((?:pochoir|python) [^`…<]+)`(?!`)")
"""One within a sentence; an ellipsis or <…> would stand for something of the reader's."""
PICTURES = {
    "portrait": ["photo.jpg", "photos/photo.jpg"],
    "strokes": ["painting.jpg", "a.jpg", "b.jpg", "c.jpg", "paintings/painting.jpg"],
    "ink": ["mask.png", "masks/photo.png", "labels.png", "painting_labels.png"],
}
EMPTY = ["best.ckpt", "last.ckpt", "painter.safetensors"]
"""What the pages call files of the reader's own."""
RUNS = {"size": [2, 3], "counts": "24"}
PREDICTED = {
    "info": {},
    "images": [{"id": 1, "file_name": "photo.jpg", "height": 2, "width": 3}],
    "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 0, 2, 2], "segmentation": RUNS}],
    "categories": [{"id": 1, "name": "object"}],
}
"""What predict_seg leaves as instances.json."""


def blocks(page: Path, language: str) -> list[str]:
    """Those in a language that are not marked as run by hand."""
    found = BLOCK.finditer(page.read_text())
    return [block["text"] for block in found if block["language"] == language and not block["by_hand"]]


def with_blocks(language: str) -> pytest.MarkDecorator:
    pages = [page for page in PAGES if blocks(page, language)]
    return pytest.mark.parametrize("page", pages, ids=lambda page: page.stem)


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the pages speak of, which one works in."""
    for style, names in PICTURES.items():
        picture = Image.open(located(f"builtin:{style}")).convert("RGB")
        picture.thumbnail((128, 128))
        for name in names:
            (tmp_path / name).parent.mkdir(exist_ok=True)
            picture.save(tmp_path / name)
    for name in EMPTY:
        (tmp_path / name).touch()
    (tmp_path / "instances.json").write_text(json.dumps(PREDICTED))
    (tmp_path / "export").mkdir()  # of an annotation tool
    (experiment,) = blocks(ROOT / "docs/sweeps.md", "yaml")
    (tmp_path / "mine/experiment").mkdir(parents=True)
    (tmp_path / "mine/experiment/crowd.yaml").write_text(experiment)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@with_blocks("sh")
@pytest.mark.usefixtures("reader")
def test_command_lines_are_what_the_programs_take(page: Path) -> None:
    for line in "".join(blocks(page, "sh")).splitlines():
        if words := shlex.split(line, comments=True):
            tried(words)


@pytest.mark.parametrize("page", [*PAGES, CARD], ids=lambda page: page.stem)
@pytest.mark.usefixtures("reader")
def test_command_lines_within_sentences_are_too(page: Path) -> None:
    for command in COMMAND.findall(page.read_text()):
        tried(shlex.split(command))


def tried(words: list[str]) -> None:
    while re.fullmatch(r"\w+=.*", words[0]):  # of the environment
        words = words[1:]
    if words[0] == "torchrun":
        words = words[words.index("pochoir") :]
    program, *arguments = words
    match program:
        case "pochoir":
            composed(*arguments)
        case "python":
            options = {word for word in arguments if word.startswith("--")}
            assert options <= set(re.findall(r"--\w+", (ROOT / arguments[0]).read_text()))
        case "make":
            assert set(arguments) <= set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.M))
        case _:
            assert program == "tensorboard", f"mark the block as run by hand, and say why: {shlex.join(words)}"


def composed(task: str, *words: str) -> None:
    """Check the settings that a command line gives its task."""
    assert task in {*TASKS, "--help"}
    if task in SCHEMAS:
        given = get_args_parser().parse_intermixed_args(words)
        folders = [Path(given.config_dir).resolve()] if given.config_dir else []
        Request(task, given.overrides, folders, given.multirun).check(in_python=given.cfg is not None)


@with_blocks("python")
@pytest.mark.usefixtures("reader")
def test_python_runs(page: Path) -> None:
    names: dict[str, object] = {}
    for text in blocks(page, "python"):  # one after the other, as a reader would
        exec(compile(text, page.name, "exec"), names)


def test_the_notebook_runs(tmp_path: Path) -> None:
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    notebook = nbformat.read(ROOT / "docs/python.ipynb", as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not any(cell.outputs for cell in cells), "it is kept without what it has printed"
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    drawn = [output for cell in cells for output in cell.outputs if "image/png" in output.get("data", {})]
    assert drawn  # people and paintings show themselves


@pytest.mark.parametrize("page", [*PAGES, CARD], ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    for link, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#?([\w-]*)\)", page.read_text()):
        target = page.parent / link if link else page
        assert target.exists(), link
        if anchor:
            headings = re.findall(r"^#+ (.+)$", target.read_text(), re.M)
            assert anchor in [re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings], anchor


def test_what_is_called_otherwise_now_is_told() -> None:
    rows = (ROOT / "docs/renamed.md").read_text().splitlines()
    for task, names in RENAMED.items():
        for old, new in names.items():
            words = f"`{task}`", f"`{old.replace('.parts.*', '')}", new.partition(",")[0] or "nothing"
            assert any(all(word in row for word in words) for row in rows), words
