"""Which rows of a decided campaign a download holds."""

from verifier.core.campaign_counts import WAVES, Fate, RowFate, wave_of
from verifier.core.gate_words import GateDecision
from verifier.core.list_rows import ShownRow

WAVE_KEEPS = tuple(f"wave-{wave}" for wave in range(1, WAVES + 1))
KEEPS = ("planned", "sendable", "rejected", "full", *WAVE_KEEPS)
"""What of a campaign can be downloaded; `planned` is `sendable` as far as the quota goes, the waves are its parts."""


class CampaignCut:
    """Told every row once, in the campaign's order, it says which ones are kept.

    `keep` is one of KEEPS, `planned` how many of the sendable rows the quota has room for: the first ones.
    """

    def __init__(self, keep: str, planned: int) -> None:
        self._keep = keep
        self._left = planned

    def keeps(self, row: ShownRow, fate: Fate) -> bool:
        """The row is part of the download."""
        goes = not isinstance(fate, RowFate) and fate[0] is GateDecision.ALLOW
        planned = goes and self._left > 0
        self._left -= planned
        match self._keep:
            case "full":
                return True
            case "rejected":
                return not goes
            case "sendable":
                return goes
            case "planned":
                return planned
            case wave:
                return planned and wave == f"wave-{wave_of(row.assessment.verdict, row.assessment.email)}"
