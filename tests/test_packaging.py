"""What pyproject.toml promises of dependencies is what make test-oldest tries."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_oldest_versions_tried_are_the_lower_bounds() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    bounds = dict(re.findall(r'^ *"([\w-]+)>=([\d.]+)', project, re.M))
    needed = re.findall(r'^ *"([\w-]+)>=', project.partition("\ndependencies = [")[2].partition("\n]")[0], re.M)
    tried = dict(re.findall(r"^([\w-]+)==([\d.]+)$", (ROOT / "constraints-oldest.txt").read_text(), re.M))
    assert set(needed) <= set(tried)
    for name, version in tried.items():
        assert f"{version}.".startswith(f"{bounds[name]}."), name
