"""
A chip in the loop
==================

No two neurons of an analog chip are alike. A network that was trained on an ideal simulator
is therefore worse on a chip. If the chip fires in training, and only the weights are
computed elsewhere, the network learns the neurons that there are. The chips of this
example are emulated.
"""

import matplotlib.pyplot as plt
import numpy as np

from ttfs import TTFSClassifier
from ttfs.datasets import make_yin_yang
from ttfs.substrates import AnalogChip

# %%
# Chips
# -----
#
# Each chip has thresholds that differ by 5 %, time constants that differ by 10 %, and
# spikes that jitter. ``random_state`` is the number of the chip: the mismatch is fixed,
# the jitter is new in each trial. Four chips show by how much they differ.

X, y = make_yin_yang(1000, random_state=0)
X_test, y_test = make_yin_yang(1000, random_state=1)
chips = [
    AnalogChip(
        threshold_spread=0.05,
        tau_mem_spread=0.1,
        tau_syn_spread=0.1,
        spike_jitter=0.01,
        random_state=number,
    )
    for number in range(4)
]


def network(substrate=None):
    """A network of the same size, on the ideal simulator or on a chip."""
    return TTFSClassifier(
        (60,), encoder="latency", max_iter=60, random_state=0, substrate=substrate
    )
