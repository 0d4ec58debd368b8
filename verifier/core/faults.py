"""Faults whose guilty party is the operator: each is one clear sentence that says what to do, and an exit code.

    OperatorError            64  bad usage
      ConfigError            64  a setting is wrong
      InputError             65  the input cannot be read
      ServiceUnavailable     69  a service that is needed does not answer, or another process holds it
        DiskFull             69  the disk takes no more
      ListFault              64  what is asked of a list cannot be done (core/list_faults.py)

Everything else that is raised is our own fault (70). What a mail server, a name server or an address did is never an
exception: it is evidence. (Codes: sysexits(3), docs/contract.md §3.)
"""

from typing import ClassVar


class OperatorError(Exception):
    """The operator can put it right: `str(error)` is one sentence for people, `exit_code` the command's."""

    exit_code: ClassVar[int] = 64


class ConfigError(OperatorError):
    """A setting is unknown, malformed, or contradicts another."""


class InputError(OperatorError):
    """The list or message that was given cannot be read as one."""

    exit_code: ClassVar[int] = 65


class ServiceUnavailable(OperatorError):
    """Something that the command cannot do without is out of reach, or held by another process."""

    exit_code: ClassVar[int] = 69


class DiskFull(ServiceUnavailable):
    """The disk takes no more: nothing was lost, and what was being done goes on once there is room."""
