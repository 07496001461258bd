"""What all tests share: nothing but the settings of hypothesis."""

from __future__ import annotations

from hypothesis import settings

# A shared machine is sometimes slow; only a wrong answer fails a test. On CI hypothesis picks its own, repeatable profile.
settings.register_profile("unhurried", deadline=None)
if settings.get_current_profile_name() == "default":
    settings.load_profile("unhurried")
