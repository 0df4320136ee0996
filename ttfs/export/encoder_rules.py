"""What codes an encoder gives to scaled features, in real numbers."""

import numpy as np

# Receptive fields: the factor of a distance between centres that gives z of
# exp(-z^2/2), and the least activity that spikes.
_GAMMA = 1.5
_MIN_ACTIVITY = 0.1

# The greatest error, in ticks, that the resolution of a place among receptive fields
# may add to a spike.
_MAX_ERROR = 0.5

# Levels are codes of their own if they are so many, or coarser than ticks.
_MAX_LEVELS = 256


class _Rule:
    """The codes of scaled features, in real numbers, as the compiled core has them.

    `span` is the range of codes between the ends of a feature, and `silent` the code
    that has no spike; for `times`, `n_fields`, `field_bits` and `reach` see
    `IntegerEncoder`.
    """

    times: np.ndarray | None = None
    n_fields = 0
    field_bits = 0
    reach = np.empty(0, np.uint16)
    is_rising = False  # whether codes grow with the feature; those of complements do

    def __init__(self, model):
        self.code = model.code
        self.tick = model.tick
        self.n_ticks = model.network.n_ticks
        self.span = self.code.window / self.tick
        self.silent = self.n_ticks

    @property
    def shift(self):
        """Bits behind the point: as many as leave room for the greatest code."""
        return 32 - int(np.ceil(np.log2(np.ceil(self.span) + 3)))

    def numbers(self, i):
        """The numbers that distinguish feature i from others."""
        code = self.code
        return code.low[i], code.high[i], code.scale[i], code.absent[i]

    def range_of(self, i):
        """Ends of a scaled feature."""
        return self.code.low[i], self.code.high[i]

    def rate(self, i):
        """Change of the code with the scaled feature, without a sign."""
        return self.span * self.code.scale[i] / 2

    def of(self, z, i, is_complement):
        """Codes of scaled values of feature i, within its ends; float64."""
        code = self.code
        value = np.minimum((z / 2 - code.low[i] / 2) * code.scale[i], 1.0)
        return self.of_value(value if is_complement else 1 - value)

    def is_absent(self, z, i, is_complement):
        """Whether scaled values of feature i, within its ends, have no spike."""
        return (z == self.code.absent[i]) & (not is_complement)

    def of_value(self, part):
        """Codes at parts of the window from 0 to 1."""
        return self.ticks(self.time_at(part))

    def time_at(self, part):
        """Times at parts of the window, rounded if there are levels."""
        code = self.code
        if code.levels is None:
            return code.window * part
        last = code.levels - 1
        level = np.floor(part * last + 0.5)
        return np.where(level < last, level * (code.window / last), code.window)

    def ticks(self, times):
        """Ticks of times, of which the core sees float32."""
        times = np.float32(times).astype(float)
        return np.clip(np.floor(times / self.tick + 0.5), 0, self.n_ticks)


class _Levels(_Rule):
    """Codes are levels, of which `times` has the ticks."""

    def __init__(self, model):
        super().__init__(model)
        levels = self.code.levels
        self.span = levels - 1
        self.silent = levels
        ticks = self.ticks(self.time_at(np.arange(levels) / self.span))
        self.times = np.append(ticks, self.n_ticks).astype(np.uint16)

    def of_value(self, part):
        return np.floor(part * self.span + 0.5)


class _SpikeTimes(_Rule):
    """Codes are ticks of features that are times; their ends are those of the ticks."""

    is_rising = True

    def __init__(self, model):
        super().__init__(model)
        self.span = self.n_ticks

    def numbers(self, i):
        return ()

    def range_of(self, i):
        return self.code.begin, self.code.begin + self.n_ticks * self.tick

    def rate(self, i):
        return 1 / self.tick

    def of(self, z, i, is_complement):
        return self.ticks(z - self.code.begin)

    def is_absent(self, z, i, is_complement):
        return np.zeros(z.shape, bool)


class _Fields(_Rule):
    """Codes are places among receptive fields."""

    shift = 16
    is_rising = True

    def __init__(self, model):
        super().__init__(model)
        self.n_fields = m = self.code.n_receptive_fields
        # The greatest code is out of reach of the last centre.
        self.field_bits = 16 - int(np.ceil(np.log2(m + 1)))
        self.silent = 2**16 - 1
        self.span = (m - 2) << self.field_bits
        window = self.code.window / self.tick
        if window * _GAMMA * np.exp(-0.5) > _MAX_ERROR * 2**self.field_bits:
            raise ValueError(
                f"{m} receptive fields cannot be told apart within {window:.4g} ticks "
                "by integers of 16 bits; use fewer fields or a coarser tick"
            )
        distances = np.arange(2 << self.field_bits)
        activity = np.exp(-((_GAMMA * distances / 2**self.field_bits) ** 2) / 2)
        ticks = self.ticks(self.time_at(1 - activity[activity >= _MIN_ACTIVITY]))
        last = np.flatnonzero(np.append(np.diff(ticks), 1))
        self.reach = last.astype(np.uint16)
        self.times = np.append(ticks[last], self.n_ticks).astype(np.uint16)

    def of_value(self, part):
        place = (1 - part) * (self.n_fields - 2) + 0.5
        return np.floor(place * 2**self.field_bits + 0.5)


def rule_of(model):
    """The rule of the encoder of a `Model`."""
    code = model.code
    if code.kind == "spike_times":
        return _SpikeTimes(model)
    if code.kind == "population":
        return _Fields(model)
    if code.levels is not None and code.levels <= max(
        _MAX_LEVELS, code.window / model.tick
    ):
        return _Levels(model)
    return _Rule(model)
