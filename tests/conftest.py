"""For all tests: the same drawn examples in every run, so that the gate fails neither by chance nor by load.

HYPOTHESIS_PROFILE=explore draws new ones each time.
"""

import os

from hypothesis import settings

settings.register_profile("gate", derandomize=True, deadline=None)
settings.register_profile("explore", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "gate"))
