"""`python -m tests.support.hasty …`: the command line in a hurry: a lease lives for 4 s, and a host connects in 1 s.

What takes half a minute in life takes four seconds here; nothing else is different.
"""

from functools import partial

from verifier import wiring
from verifier.__main__ import main
from verifier.adapters.redis_pacer import RedisPacer
from verifier.service.probing import Timeouts

LEASE_SECONDS = 4.0

if __name__ == "__main__":
    wiring.RedisPacer = partial(RedisPacer, lease=LEASE_SECONDS)  # type: ignore[assignment, misc]
    wiring.Timeouts = partial(Timeouts, connect=1.0)  # type: ignore[assignment, misc]
    main()
