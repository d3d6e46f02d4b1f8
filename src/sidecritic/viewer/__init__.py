"""A run as pages that a person can read: one an episode, and a list of them."""

from sidecritic.viewer.bundle import write_bundle
from sidecritic.viewer.site import write_site

__all__ = ["write_bundle", "write_site"]
