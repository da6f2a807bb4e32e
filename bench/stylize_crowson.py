"""crowsonkb's style-transfer-pytorch, on no registry, written out after its description: a program for stylize.py.

    python bench/stylize_crowson.py CONTENT STYLE SIZE FOLDER

From the content, scale by scale up to SIZE, each the root of two times the one before: Adam on pixels that are clipped
after each step, its averages carried over from scale to scale; Gaussians of VGG-19's features; what is saved is the
average of the pictures on the way.
"""

import sys
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import interpolate, mse_loss, relu

from pochoir.config import load_config
from pochoir.images import read_rgb, to_pixels, to_tensor, write_image
from pochoir.images.resizing import fit, resize
from pochoir.stylization import losses
from pochoir.stylization.encoder import build_encoder
from stylize_others import FEATURE_SCALE

CONTENT_LAYER, CONTENT_WEIGHT = "relu4_2", 0.015
STYLE_LAYERS = {"relu1_1": 256, "relu2_1": 64, "relu3_1": 16, "relu4_1": 4, "relu5_1": 1}
TV_WEIGHT = 2.0
FIRST_STEPS, STEPS = 1000, 500
SMALLEST = 128
AVERAGED = 0.99


def scales(size: int) -> list[int]:
    """Long sides in pixels, from the smallest on: 128, 181, 256, 362, 512."""
    found = [size]
    while (smaller := round(found[0] / 2**0.5)) >= SMALLEST:
        found.insert(0, smaller)
    return found


def moved_to(optimizer: torch.optim.Adam, image: Tensor, larger: Tensor) -> torch.optim.Adam:
    """An optimiser of the larger picture that goes on from the averages of the smaller one's."""
    warm = torch.optim.Adam([larger], lr=0.02, betas=(0.9, 0.99))
    size = larger.shape[-2:]
    state = optimizer.state[image]
    warm.state[larger] = {
        "step": state["step"],
        "exp_avg": interpolate(state["exp_avg"], size=size, mode="bicubic"),
        "exp_avg_sq": relu(interpolate(state["exp_avg_sq"], size=size, mode="bilinear")),
    }
    return warm


def variation(image: Tensor) -> Tensor:
    """Mean square of the differences of neighbours."""
    return mse_loss(image[..., 1:], image[..., :-1]) + mse_loss(image[..., 1:, :], image[..., :-1, :])


def wasserstein(found: Tensor, target: tuple[Tensor, Tensor], root: Tensor) -> Tensor:
    """Squared distance of the Gaussians of features and target, over the channels."""
    mean, covariance = target
    size = mean.square().sum() + covariance.trace()
    return losses.wasserstein_loss(losses.moments(found), target, root) * size / len(mean)


def main() -> None:
    content, style, size, folder = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
    torch.set_flush_denormal(True)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    encoder = build_encoder(load_config("stylize").encoder).to(device)
    photo, painting = (to_tensor(read_rgb(path))[None].to(device) for path in (content, style))
    layers = list(STYLE_LAYERS)

    def at(picture: Tensor, side: int) -> Tensor:
        return resize(picture, fit((picture.shape[-2], picture.shape[-1]), side))

    def features(image: Tensor) -> dict[str, Tensor]:
        found = encoder.features(image, [CONTENT_LAYER, *layers])
        return {layer: values * FEATURE_SCALE for layer, values in found.items()}

    image, optimizer, average, done = at(photo, scales(size)[0]), None, None, 0
    print("step 0", flush=True)
    for side in scales(size):
        seen = at(photo, side)
        larger = (image if average is None else resize(average, (seen.shape[-2], seen.shape[-1]))).clamp(0, 1)
        larger = larger.clone().requires_grad_()
        if optimizer is None:
            optimizer = torch.optim.Adam([larger], lr=0.02, betas=(0.9, 0.99))
        else:
            optimizer = moved_to(optimizer, image, larger)
        image = larger
        with torch.no_grad():
            kept = features(seen)[CONTENT_LAYER]
            targets = {layer: losses.moments(found) for layer, found in features(at(painting, side)).items()}
            roots = {layer: losses.matrix_sqrt(targets[layer][1]) for layer in layers}
        total, weight = torch.zeros_like(image), 0.0
        for _ in range(STEPS if done else FIRST_STEPS):
            optimizer.zero_grad()
            found = features(image)
            loss = CONTENT_WEIGHT * mse_loss(found[CONTENT_LAYER], kept) + TV_WEIGHT * variation(image)
            for layer, share in STYLE_LAYERS.items():
                loss = loss + share / 341 * wasserstein(found[layer], targets[layer], roots[layer])
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                image.clamp_(0, 1)
                total.mul_(AVERAGED).add_(image, alpha=1 - AVERAGED)
                weight = weight * AVERAGED + 1 - AVERAGED
        done += STEPS if done else FIRST_STEPS
        average = total / weight
        write_image(folder / f"{done}.png", to_pixels(average.clamp(0, 1)[0]))
        print(f"step {done}", flush=True)


if __name__ == "__main__":
    main()
