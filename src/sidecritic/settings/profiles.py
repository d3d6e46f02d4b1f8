"""Critic profiles by the path of their file."""

from pathlib import Path

from sidecritic.calibration.profile import Profile, read_profile
from sidecritic.errors import ConfigError


def profile_at(file: Path) -> Profile:
    """Return the profile in a file.

    Raises:
        ConfigError: there is none, or it cannot be used.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as cause:
        raise ConfigError(
            f"cannot read the profile {file}: {cause.strerror}; check the path, or write one with "
            "`sidecritic calibrate`"
        ) from cause
    except UnicodeDecodeError as cause:
        raise ConfigError(f"the profile {file} is not TOML: it is not UTF-8") from cause
    return read_profile(text, str(file))
