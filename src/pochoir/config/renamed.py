"""Spellings of the version before, and what they are called now; to go with the next version."""

from collections.abc import Iterable

TRAINER = {
    "trainer.gradient_clip": "trainer.gradient_clip_val",
    "trainer.progress_bar": "trainer.enable_progress_bar",
}
RENAMED: dict[str, dict[str, str]] = {
    "train_seg": {
        **TRAINER,
        "ckpt": "resume",
        "dataset.batch_size": "loader.batch_size",
        "dataset.num_workers": "loader.num_workers",
        "trainer.ema_decay": "ema_decay",
        "trainer.early_stopping": "early_stopping",
        "trainer.channels_last": "",
    },
    "eval_seg": {"ckpt": "weights", "dataset.batch_size": "", "dataset.num_workers": ""},
    "predict_seg": {"ckpt": "weights"},
    "export_seg": {"ckpt": "weights"},
    "stylize": {**TRAINER, "trainer.precision": "encoder.precision"},
    "partial": {
        **TRAINER,
        "trainer.precision": "encoder.precision",
        "segmenter.ckpt": "find.weights",
        "segmenter.score_threshold": "find.score_threshold",
        "region.min_score": "find.score_threshold",
    },
}
"""Task -> old key -> new key; an empty one: there is nothing to set any more."""


def renaming_problems(task: str, keys: Iterable[str]) -> dict[str, str]:
    """Of the keys that were given, those of the version before, each with what to say of it."""
    old = RENAMED.get(task, {})
    return {
        key: f"{key}: is called {old[key]} now" if old[key] else f"{key}: is no setting any more; leave it out"
        for key in keys
        if key in old
    }
