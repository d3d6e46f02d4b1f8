"""Settings of the whole suite."""

from hypothesis import settings

# A slow machine is no failure; hypothesis' own `ci` profile, used where CI is set, agrees.
settings.register_profile("patient", deadline=None)
if settings.get_current_profile_name() == "default":
    settings.load_profile("patient")
