"""Errors that are meant for the person at the keyboard: one message, no traceback needed."""


class PochoirError(Exception):
    """Base of every error whose message alone tells what is wrong and what to do."""


class ConfigError(PochoirError):
    """One or more settings are wrong; the message lists all of them."""


class DataError(PochoirError):
    """A file or an annotation cannot be used; the message names it."""


class WeightsError(PochoirError):
    """Pretrained weights or a checkpoint cannot be found, fetched or fitted to the model."""


class NonFiniteLossError(PochoirError):
    """Training met a loss that is not a finite number; the message names the pictures of the batch."""


class SomeInputsFailedError(PochoirError):
    """Some of several inputs could not be worked on; all others were."""
