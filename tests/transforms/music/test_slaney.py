"""The mel filters are librosa's, bit for bit."""

from __future__ import annotations

import librosa
import numpy as np
import pytest

from transforms.music import slaney


@pytest.mark.parametrize("rate_hz", [12_000, 14_440, 16_000, 22_050, 44_100])
@pytest.mark.parametrize(("n_fft", "bands"), [(512, 96), (2048, 128)])
@pytest.mark.filterwarnings("ignore:Empty filters")
def test_equal_to_librosas(rate_hz: int, n_fft: int, bands: int) -> None:
    expected = librosa.filters.mel(sr=rate_hz, n_fft=n_fft, n_mels=bands)
    found = slaney.filters(rate_hz, n_fft, bands)
    assert found.dtype == expected.dtype == np.float32
    assert np.array_equal(found, expected)
