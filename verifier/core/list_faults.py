"""Faults of whoever works with lists, each a sentence and a stable `code`.

ListFault                    the request cannot be done
  UnknownList                there is no such list in the workspace
  WrongState                 the list's state does not allow it
  NobodyTold                 the list has no webhook
  UploadTooLarge             more bytes than a list may have
  UploadBroken               the upload ended before its end, or held nothing
  KeyReused                  the idempotency key stands for another upload
  QuotaExceeded              the key gets no more answers today
  BadRequest                 a field of the request cannot be: `field` names it
"""

from typing import ClassVar

from verifier.core.faults import OperatorError
from verifier.core.list_states import ListState

UNREADABLE = "bad_list"
"""The code of a list that failed since what was handed in is no list."""


class ListFault(OperatorError):
    """What was asked of a list cannot be done; `code` is the same for ever."""

    code: ClassVar[str] = "list_fault"


class UnknownList(ListFault):
    """Nobody but its workspace learns that a list exists."""

    code: ClassVar[str] = "list_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such list.")


class WrongState(ListFault):
    """The list is not where this can be done."""

    code: ClassVar[str] = "list_state"

    def __init__(self, state: ListState, wanted: str) -> None:
        self.state = state
        super().__init__(f"The list is {state}: it cannot be {wanted}.")


class NobodyTold(ListFault):
    """It was handed in, or started, without a receiver."""

    code: ClassVar[str] = "no_webhook"

    def __init__(self) -> None:
        super().__init__("Nobody is told of this list: it has no webhook_url.")


class UploadTooLarge(ListFault):
    """The cap on uploads."""

    code: ClassVar[str] = "upload_too_large"


class UploadBroken(ListFault):
    """Nothing of it is kept."""

    code: ClassVar[str] = "upload_incomplete"


class KeyReused(ListFault):
    """One key, one upload with its options."""

    code: ClassVar[str] = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was sent with another list or other options: send a new key.")


class QuotaExceeded(ListFault):
    """`retry_after` seconds from now the key gets answers again."""

    code: ClassVar[str] = "quota_exceeded"

    def __init__(self, sentence: str, retry_after: float) -> None:
        self.retry_after = retry_after
        super().__init__(sentence)


class BadRequest(ListFault):
    """A field that cannot be; `field` is its name in the request."""

    code: ClassVar[str] = "bad_field"

    def __init__(self, field: str, sentence: str) -> None:
        self.field = field
        super().__init__(sentence)
