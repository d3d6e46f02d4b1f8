"""Critic profiles by path, or by the name of one that the package ships."""

from importlib.resources import files
from pathlib import Path

from sidecritic.calibration.profile import Profile, read_profile
from sidecritic.config.settings import suggestion
from sidecritic.errors import ConfigError

_SUFFIX = ".toml"


def shipped_profiles() -> tuple[str, ...]:
    """Return the names of the profiles in the package."""
    folder = files("sidecritic").joinpath("profiles")
    if not folder.is_dir():
        return ()
    names = (file.name for file in folder.iterdir())
    return tuple(sorted(name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX)))


def profile_for(text: str) -> Profile:
    """Return a profile; what ends in `.toml` or holds a separator is a path.

    Raises:
        ConfigError: there is none, or it cannot be used.
    """
    if text.endswith(_SUFFIX) or "/" in text or "\\" in text:
        return _read(Path(text))
    shipped = shipped_profiles()
    if text not in shipped:
        there = suggestion(text, shipped) if shipped else "; the package ships none"
        raise ConfigError(
            f"unknown profile {text!r}{there}; a file is named by its path, such as ./FILE.toml"
        )
    file = files("sidecritic").joinpath("profiles", text + _SUFFIX)
    return read_profile(file.read_text(encoding="utf-8"), text)


def _read(file: Path) -> Profile:
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
