"""A webhook's way in: whose it is, what it says, and then as with all feedback. SNS's certificates are fetched here."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence

from msgspec import structs

from verifier.core.feedback.hook import Hook, Outcome, Refusal, RefusalKind, unsigned
from verifier.core.feedback.ses import certificate_url
from verifier.core.feedback.sources import Proof, Source
from verifier.core.mail_events import MailEvent
from verifier.feedback_ports import Fetcher, SecretStore
from verifier.service.feedback import Feedback
from verifier.service.keeping import Receipt

_IN_A_THREAD = 64 * 1024
"""Bytes of a body past which reading it would hold the loop for more than a moment."""
_CERTIFICATES = 16


class Hooks:
    """`receive` one message of a source."""

    def __init__(self, feedback: Feedback, secrets: SecretStore, fetcher: Fetcher) -> None:
        self._feedback = feedback
        self._secrets = secrets
        self._fetcher = fetcher
        self._certificates: OrderedDict[str, str] = OrderedDict()

    async def receive(
        self, source: Source, hook: Hook, *, keyed: bool, sender: str | None, message_class: str | None = None
    ) -> Receipt | Refusal:
        """What became of it, or why it is not taken. `keyed`: it came with a key of ours that allows it; `sender` and
        `message_class` are what the source's events are told of where they do not say so themselves.

        Raises ServiceUnavailable where events cannot be kept: the source tells again.
        """
        secrets = await self._secrets_of(source, hook, keyed)
        if isinstance(secrets, Refusal):
            return secrets
        outcome = await self._read(source, hook, secrets)
        if isinstance(outcome, Refusal):
            return outcome
        if outcome.confirm is not None and await self._fetcher.get(outcome.confirm) is None:
            return Refusal(RefusalKind.UNREACHABLE, "The subscription could not be confirmed: Amazon did not answer.")
        events = [_told_of(event, sender, message_class) for event in outcome.events]
        receipt = await self._feedback.accept(events, outcome.once)
        if receipt is None:
            return unsigned("The signature's token came with another message before.")
        return receipt

    async def admit(self, source: Source, *, keyed: bool) -> Refusal | None:
        """Why a message would be refused whatever is in it, so that nothing of it need be read."""
        if source.proof in (Proof.KEY, Proof.CERTIFICATE):
            return None if keyed else _key_needed()
        secrets = await self._signing(source, keyed)
        return secrets if isinstance(secrets, Refusal) else None

    async def _secrets_of(self, source: Source, hook: Hook, keyed: bool) -> Sequence[str] | Refusal:
        """What the signature may be of; a refusal where the message does not bring what its source has to."""
        if source.proof is Proof.KEY:
            return () if keyed else _key_needed()
        if source.proof is Proof.CERTIFICATE:
            return await self._certificate(hook) if keyed else _key_needed()
        return await self._signing(source, keyed)

    async def _signing(self, source: Source, keyed: bool) -> Sequence[str] | Refusal:
        secrets = await self._secrets.secrets(source.name)
        if secrets:
            return secrets
        if source.proof is Proof.EITHER:
            return () if keyed else _key_needed()
        return Refusal(
            RefusalKind.UNCONFIGURED,
            f"Nobody has set {source.secret} here: `verifier feedback secret {source.name}` does.",
        )

    async def _certificate(self, hook: Hook) -> Sequence[str] | Refusal:
        url = certificate_url(hook.body)
        if isinstance(url, Refusal):
            return url
        known = self._certificates.get(url)
        if known is None:
            known = await self._fetcher.get(url)
            if known is None:
                return Refusal(RefusalKind.UNREACHABLE, "Amazon's certificate could not be fetched.")
            if len(self._certificates) >= _CERTIFICATES:
                self._certificates.popitem(last=False)
            self._certificates[url] = known
        return (known,)

    async def _read(self, source: Source, hook: Hook, secrets: Sequence[str]) -> Outcome:
        if len(hook.body) <= _IN_A_THREAD:
            return source.read(hook, secrets)
        return await asyncio.to_thread(source.read, hook, secrets)


def _told_of(event: MailEvent, sender: str | None, message_class: str | None) -> MailEvent:
    return structs.replace(event, sender=event.sender or sender, message_class=event.message_class or message_class)


def _key_needed() -> Refusal:
    return Refusal(
        RefusalKind.UNSIGNED,
        "A key with the scope `feedback` is needed: in the URL (?key=…), as the password of basic authentication, or as"
        " `Authorization: Bearer …`.",
    )
