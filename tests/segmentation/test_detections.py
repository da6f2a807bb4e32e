"""What a network finds before its masks are pasted: the same as after, in little memory."""

import tracemalloc

import numpy as np
import torch

from pochoir.config import load_config
from pochoir.data.figures import Figures
from pochoir.images import to_tensor
from pochoir.images.overlays import draw_instances
from pochoir.segmentation.detections import Detections, View
from pochoir.segmentation.models import build_segmenter
from pochoir.segmentation.segmenter import Segmenter


def test_the_same_as_the_network_itself_gives() -> None:
    torch.manual_seed(0)
    sizes = ["segmenter.min_size=96", "segmenter.max_size=160", "segmenter.score_threshold=0.0"]
    network = build_segmenter(load_config("train_seg", ["segmenter.weights=none", *sizes]).segmenter).eval()
    photo = Figures(length=1, size=(96, 130)).read(0).image
    with torch.no_grad():
        expected = network([to_tensor(photo)])[0]
    found = Segmenter(network, device="cpu")(photo)
    assert len(found) > 0
    assert found.masks.dtype == torch.float32
    for name in ("boxes", "scores", "labels"):
        torch.testing.assert_close(getattr(found, name), expected[name], rtol=1e-5, atol=1e-5)
    # of masks by a network that knows nothing, cells lie so near to half that rounding puts them in or out
    torch.testing.assert_close(found.mask_scores, expected["mask_scores"], rtol=0, atol=1e-3)
    torch.testing.assert_close(found.masks, expected["masks"][:, 0], rtol=0, atol=1e-4)


def many(count: int, height: int, width: int) -> Detections:
    """Of two parts each, from the photo's left to its right border."""
    cells = np.linspace(0, 1, 56 * 56, dtype=np.float32).reshape(56, 56)
    halves = [np.array([left, 10, left + width * 0.6, height - 10], np.float32) for left in (0, width * 0.4)]
    return Detections(
        torch.tensor([[0.0, 10, width, height - 10]]).repeat(count, 1),
        torch.linspace(1, 0.5, count),
        torch.ones(count, dtype=torch.int64),
        torch.ones(count),
        [[View(box, cells) for box in halves]] * count,
        56,
        np.zeros((height, width, 3), np.uint8),
    )


def test_one_mask_after_the_other_is_each_of_the_pasted_ones() -> None:
    found = many(2, 60, 90)
    instances = found.instances()
    assert instances.masks.shape == (2, 60, 90)
    assert instances.masks[0, 40, 3] > 0.4  # both parts are in it
    assert instances.masks[0, 40, 86] > 0.4
    for threshold in (0.0, 0.3, 0.7):
        solid = list(found.solid(threshold))
        assert np.array_equal(np.stack(solid), (instances.masks >= threshold).numpy())


def test_a_hundred_large_masks_are_drawn_in_the_memory_of_a_few() -> None:
    found = many(100, 600, 800)
    tracemalloc.start()
    drawn = draw_instances(found.photo, found.solid(0.5))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert drawn.any()
    assert peak < 40 * 600 * 800  # bytes; a hundred bool masks would be 100 times as many, soft ones 400
