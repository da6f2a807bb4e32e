"""Spellings of the version before, and what they are called now; to go with the next version."""

from fnmatch import fnmatchcase

from pochoir.config.validation import UNKNOWN, Problem

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
        "dataset.parts.*.batch_size": "loader.batch_size",
        "dataset.parts.*.num_workers": "loader.num_workers",
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
        "segmenter": "find, with find.weights and find.score_threshold,",
        "region.min_score": "find.score_threshold",
        "harmonize": "",
    },
}
"""Task -> old key -> new key; an empty one: there is nothing to set any more."""


def renamed(task: str, problem: Problem) -> Problem:
    """A problem of a setting of the version before says what there is now."""
    for old, new in RENAMED.get(task, {}).items():
        if fnmatchcase(problem.key, old):
            now = f"it is called {new} now" if new else "there is nothing to set any more"
            return Problem(problem.key, f"{UNKNOWN}; {now}")
    return problem
