"""For all tests: the same drawn examples in every run, so that the gate fails neither by chance nor by load.

HYPOTHESIS_PROFILE=explore draws new ones each time.
"""

import os
import signal

from hypothesis import settings

settings.register_profile("gate", derandomize=True, deadline=None)
settings.register_profile("explore", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "gate"))

# A shell's background and some CI runners ignore Ctrl-C, which tests send themselves and their processes.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
