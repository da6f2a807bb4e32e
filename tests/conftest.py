"""What all tests share: where real data may lie, and a process set up as the scripts set it up."""

import logging
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True, scope="session")
def _small_tensors() -> None:
    torch.set_flush_denormal(True)  # as training does; without it an untrained mask head is twenty times slower
    torch.set_num_threads(1)  # the tensors of tests are too small to share out
    os.environ["OMP_NUM_THREADS"] = "1"  # likewise in the scripts that tests start


@pytest.fixture(autouse=True, scope="session")
def _ctrl_c_is_heard() -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a shell's background jobs, and what they start
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """Hydra, where a test runs it in this process, leaves handlers that write to what pytest has closed by then."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield
    root.setLevel(level)
    root.handlers[:] = handlers


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real photos and masks beside the repository; the test is skipped where they are absent."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("needs the real photos of ../shared/data")
    return folder
