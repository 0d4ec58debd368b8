"""The risks that feedback has calibrated, as a file of the data folder: every command of it judges by them.

A hint for processes that do not read events themselves; it can be made anew from the events at any time, so a file that
cannot be read counts as none.
"""

import os
from pathlib import Path

import msgspec
from msgspec import Struct

from verifier.core.verdict import BounceRisks

FILE = "calibration.json"


class _Provider(Struct, frozen=True):
    reason: str
    name: str
    risk: float


class _File(Struct, frozen=True):
    reason: dict[str, float]
    provider: list[_Provider]


def write_calibration(data_dir: Path, risks: BounceRisks) -> None:
    """There whole, or as before. Raises OSError."""
    file = _File(
        {str(reason): risk for reason, risk in risks.by_reason.items()},
        [_Provider(str(reason), name, risk) for (reason, name), risk in risks.by_provider.items()],
    )
    path = data_dir / FILE
    part = path.with_suffix(f".{os.getpid()}.part")
    part.write_bytes(msgspec.json.encode(file))
    part.replace(path)


def read_calibration(data_dir: Path, prior: BounceRisks) -> BounceRisks:
    """The calibrated risks over the prior ones; the prior ones where there are no others."""
    try:
        file = msgspec.json.decode((data_dir / FILE).read_bytes(), type=_File)
    except (OSError, msgspec.MsgspecError):
        return prior
    by_reason = {reason: _bounded(file.reason.get(reason, risk)) for reason, risk in prior.by_reason.items()}
    by_provider = dict(prior.by_provider) | {(row.reason, row.name): _bounded(row.risk) for row in file.provider}
    return BounceRisks(by_reason, by_provider)


def _bounded(risk: float) -> float:
    return min(1.0, max(0.0, risk))
