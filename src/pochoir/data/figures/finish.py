"""The camera's part, once everything is painted."""

import cv2
import numpy as np

from pochoir.data.figures.raster import Image, fractal_noise


def photograph(rng: np.random.Generator, image: Image) -> Image:
    """Uneven light, colour cast, exposure, blur and noise: the camera's part."""
    height, width = image.shape[:2]
    light = 1 + rng.uniform(0, 0.5) * (fractal_noise(rng, height, width, 3) - 0.5)
    exposure = rng.uniform(0.8, 1.2) * rng.uniform(0.92, 1.08, 3)
    photo = cv2.merge([cv2.multiply(image[..., i], light, scale=exposure[i], dtype=cv2.CV_32F) for i in range(3)])
    if rng.random() < 0.5:
        photo = cv2.GaussianBlur(photo, (0, 0), rng.uniform(0.4, 1.1))
    noise = rng.standard_normal((height, width), np.float32) * np.float32(rng.uniform(0, 6))
    return cv2.add(photo, cv2.merge([noise] * 3), dtype=cv2.CV_8U).astype(np.uint8, copy=False)
