"""`python -m tests.support.hasty …`: the command line in a hurry: a lease lives for 4 s, and a host connects in 1 s.

What takes half a minute in life takes four seconds here; nothing else is different. It is for whoever meets a host that
never answers and is not there to see how long that is borne, or a Redis that is gone.
"""

from functools import partial

from verifier import wiring
from verifier.__main__ import main
from verifier.adapters import redis_pacer
from verifier.adapters.redis_pacer import RedisPacer
from verifier.service.probing import Timeouts

HASTY = "tests.support.hasty"
LEASE_SECONDS = 4.0


def hurry() -> None:
    """From here on this process is in a hurry."""
    redis_pacer.RedisPacer = partial(RedisPacer, lease=LEASE_SECONDS)  # type: ignore[assignment, misc]
    wiring.Timeouts = partial(Timeouts, connect=1.0)  # type: ignore[assignment, misc]


if __name__ == "__main__":
    hurry()
    main()
