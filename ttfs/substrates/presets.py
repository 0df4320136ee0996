"""Published mismatch and noise of chips, as parameters of AnalogChip."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

# The threshold in the unit in which the first set was published.
_THRESHOLD = 2.6


@dataclass(frozen=True)
class Preset:
    """A published set of parameters of :class:`AnalogChip`.

    Parameters
    ----------
    parameters : dict
        Parameters of :class:`AnalogChip`.
    source : str
        Where the parameters were published, and which of them are ours.
    """

    parameters: dict[str, Any]
    source: str


_DELGRAD = {
    "weight_bits": 6,
    "weight_clip": 2.1 / _THRESHOLD,  # 63 steps of 1/30
    "rows_per_input": 5,
    "threshold_offset": 0.13 / _THRESHOLD,
    "threshold_spread": 0.08 / _THRESHOLD,
    "threshold_drift": 0.04 / _THRESHOLD,
    "spike_jitter": 0.01,
}

PRESETS = MappingProxyType(
    {
        "delgrad": Preset(
            _DELGRAD,
            "J. Göltz, J. Weber, L. Kriener et al., DelGrad, Nature Communications 16 "
            "(2025), doi 10.1038/s41467-025-63120-y: hardware-aware simulation of "
            "BrainScaleS-2 on Yin-Yang, experiment_configs/yin_yang_hwAware.yaml of "
            "the code of that group, github.com/JulianGoeltz/fastAndDeep. Spreads of "
            "time constants are not in it.",
        ),
        "brainscales2": Preset(
            {
                **_DELGRAD,
                "rows_per_input": 1,
                "weight_clip": 1.0,
                "time_resolution": 8e-9 / 6e-6,
                "max_inputs": 256,
                "max_neurons": 256,
            },
            "Noise of 'delgrad'; time stamps of 8 ns with tau = 6 us, 6-bit weights, "
            "256 signed inputs and 256 neurons: J. Göltz, L. Kriener et al., Nature "
            "Machine Intelligence 3, 823-835 (2021). weight_clip=1 is ours: the scale "
            "of weights is set by a bias current, and suits networks like 256-246-10.",
        ),
        "dynapse2": Preset(
            {"threshold_spread": 0.1, "tau_mem_spread": 0.1, "tau_syn_spread": 0.1},
            "Rockpool, rockpool/transform/mismatch.py, github.com/synsense/rockpool, "
            "defaults of mismatch_generator for parameters of Dynap-SE2: 99.7 % of "
            "them within 30 %, a standard deviation of 10 %. Weights are real here.",
        ),
    }
)
