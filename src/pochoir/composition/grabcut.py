"""GrabCut (Rother et al. 2004): doubtful pixels belong to an object or not by the colours of the certain ones."""

import cv2
import numpy as np
from numpy.typing import NDArray

ROUNDS = 3


def grab_cut(photo: NDArray[np.uint8], guess: NDArray[np.bool_], doubtful: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """A mask `[H, W]` that is `guess` where nothing is doubtful, and GrabCut's finding where it is.

    photo: `[H, W, 3]` uint8 RGB. The guess itself where nothing is doubtful or nothing lies outside.
    """
    if not doubtful.any() or guess.all():
        return guess
    likely = np.where(guess, cv2.GC_PR_FGD, cv2.GC_PR_BGD)
    mask = np.where(doubtful, likely, np.where(guess, cv2.GC_FGD, cv2.GC_BGD)).astype(np.uint8)
    cv2.setRNGSeed(0)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    bgr = cv2.cvtColor(photo, cv2.COLOR_RGB2BGR)
    cv2.grabCut(bgr, mask, (0, 0, 1, 1), *models, ROUNDS, cv2.GC_INIT_WITH_MASK)
    return np.asarray((mask == cv2.GC_FGD) | (mask == cv2.GC_PR_FGD))
