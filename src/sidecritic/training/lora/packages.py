"""Packages that only fine-tuning needs, imported on demand."""

import logging
from importlib import import_module
from typing import Any

from sidecritic.errors import MissingExtra


def needed(name: str) -> Any:
    """Return the module.

    Raises:
        MissingExtra: its package is not installed.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as cause:
        if cause.name is not None and cause.name.split(".")[0] != name.split(".")[0]:
            raise MissingExtra(cause.name, "train", f"{name}, which fine-tuning uses,") from cause
        raise MissingExtra(name.split(".")[0], "train", "fine-tuning") from cause


def quiet() -> None:
    """Leave progress to us: bars of the libraries and remarks about their own future."""
    needed("transformers").utils.logging.set_verbosity_error()
    needed("transformers").utils.logging.disable_progress_bar()
    needed("datasets").utils.logging.disable_progress_bar()
    logging.captureWarnings(True)
    logging.getLogger("py.warnings").addHandler(logging.NullHandler())
    logging.getLogger("py.warnings").propagate = False
