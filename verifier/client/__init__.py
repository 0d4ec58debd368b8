"""A client in Python: `AsyncClient` for asyncio, `Client` for everything else; both ask a running `verifier serve`.

    with Client("http://127.0.0.1:8080") as client:
        record = client.verify("jane@example.com")
        advice = client.signup("jane@gmial.com")     # never raises: where the service is out of reach it says accept
        if client.gate("jane@example.com", message_class="triggered").decision == "allow":
            send()                               # where the gate is away order mail goes out, marketing waits

What the service refuses is a `ServiceRefused` with the problem's lasting `code`; what cannot be reached, does not
answer, or is not the service, a `ServiceOutOfReach`. Requests that did not come through are sent again, with a pause
that doubles up to half a minute; they change nothing, so once more does no harm.
"""

from verifier.client.answers import Advice, ServiceError, ServiceOutOfReach, ServiceRefused
from verifier.client.asking import BATCH, AsyncClient
from verifier.client.waiting import Client

__all__ = ["BATCH", "Advice", "AsyncClient", "Client", "ServiceError", "ServiceOutOfReach", "ServiceRefused"]
