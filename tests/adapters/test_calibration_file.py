"""The file of calibrated risks: there whole, or the priors."""

from pathlib import Path

import pytest

from verifier.adapters.calibration_file import FILE, read_calibration, write_calibration
from verifier.adapters.data_files import load_reference_data
from verifier.core.reasons import Reason
from verifier.core.verdict import BounceRisks

PRIOR = BounceRisks(dict.fromkeys(map(str, Reason), 0.2), {("accepted", "big"): 0.1})


def test_what_was_written_is_read_over_the_priors(tmp_path: Path) -> None:
    """Reasons that the file does not know keep their prior; risks are probabilities whatever stands there."""
    write_calibration(tmp_path, BounceRisks({"accepted": 0.03, "catch_all": 7.0}, {("accepted", "other"): 0.01}))
    risks = read_calibration(tmp_path, PRIOR)
    assert (risks.by_reason["accepted"], risks.by_reason["catch_all"], risks.by_reason["greylisted"]) == (
        0.03,
        1.0,
        0.2,
    )
    assert risks.by_provider == {("accepted", "big"): 0.1, ("accepted", "other"): 0.01}
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


@pytest.mark.parametrize("content", [None, b"", b"{", b'{"reason":{"accepted":"x"},"provider":[]}'])
def test_what_cannot_be_read_counts_as_none(tmp_path: Path, content: bytes | None) -> None:
    """It can be made anew from the events at any time."""
    if content is not None:
        (tmp_path / FILE).write_bytes(content)
    assert read_calibration(tmp_path, PRIOR) == PRIOR


def test_every_command_judges_by_it(tmp_path: Path) -> None:
    """The reference data of a data folder has the calibrated risks, and the priors beside them."""
    write_calibration(tmp_path, BounceRisks({"accepted": 0.5}, {}))
    reference = load_reference_data(tmp_path)
    assert reference.risks.by_reason["accepted"] == 0.5
    assert reference.prior_risks.by_reason["accepted"] == load_reference_data().risks.by_reason["accepted"] != 0.5
