"""The person segmenter in onnxruntime, on real photos: what PyTorch finds."""

from pathlib import Path

import pytest
import torch

from pochoir.images import find_images, read_rgb, to_tensor
from pochoir.segmentation.export import differences, to_onnx
from pochoir.segmentation.segmenter import trained_segmenter


def test_people_on_real_photos(shared_data: Path) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    network = trained_segmenter("person")[1].eval()
    files = [
        *find_images(shared_data / "coco_person/images")[4:8],
        *find_images(shared_data / "PennFudanPed/PNGImages")[:2],
    ]
    photos = [to_tensor(read_rgb(file)) for file in files]
    graph = to_onnx(network, torch.rand(3, 100, 140))  # of another size, and with nothing in it
    apart = differences(network, graph, photos)
    assert apart["boxes"] < 0.02
    assert apart["masks"] < 2e-3
