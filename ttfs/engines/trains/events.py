"""Spikes on their way into a layer, as flat arrays with one entry for each."""

from dataclasses import dataclass, replace

import numpy as np

from ... import core as _core


@dataclass(frozen=True, eq=False)
class Events:
    """The spikes that enter a layer in some samples, sorted by sample and time.

    A row is that of the weights that a spike passes: its input, biases after all
    others. A slot is a number of its own among the possible spikes of a sample.
    """

    samples: np.ndarray  # intp
    rows: np.ndarray  # uint32
    slots: np.ndarray  # uint32
    times: np.ndarray  # of arrival
    n_samples: int
    n_rows: int
    n_slots: int
    # Whether slots are those of an array (n_inputs, max_spikes), then of the biases;
    # else a slot is the number of a spike in its sample.
    by_input: bool = False

    def spikes(self, *, by_slot=False):
        """The same as `core.Spikes` of the rows, or of the slots."""
        counts = np.bincount(self.samples, minlength=self.n_samples)
        ends = np.cumsum(counts)
        return _core.Spikes(
            self.times,
            self.slots if by_slot else self.rows,
            (ends - counts).astype(np.uintp),
            ends.astype(np.uintp),
            self.n_slots if by_slot else self.n_rows,
        )

    def keep(self, kept):
        """Those spikes that a mask selects."""
        return replace(
            self,
            samples=self.samples[kept],
            rows=self.rows[kept],
            slots=self.slots[kept],
            times=self.times[kept],
        )

    def delayed(self, delays, t_max):
        """The spikes after the delays (n_rows,) of their rows, in order again."""
        if delays is None:
            return self
        times = self.times + delays[self.rows]
        order = np.lexsort((times, self.samples))
        order = order[times[order] < t_max]
        return replace(self.keep(order), times=times[order])

    def slotted(self, n_bias):
        """The same with slots by input, where the last rows are those of n_bias."""
        if self.by_input:
            return self
        # How many spikes of the same row and sample came before each.
        places = self.samples * self.n_rows + self.rows
        order = np.argsort(places, kind="stable")
        _, begins, counts = np.unique(
            places[order], return_index=True, return_counts=True
        )
        before = np.empty(len(order), np.intp)
        before[order] = np.arange(len(order)) - np.repeat(begins, counts)
        n_in = self.n_rows - n_bias
        n_each = int(before.max(initial=0)) + 1
        rows = self.rows.astype(np.intp)
        slots = np.where(
            rows < n_in, rows * n_each + before, rows - n_in + n_in * n_each
        )
        return replace(
            self,
            slots=slots.astype(np.uint32),
            n_slots=n_in * n_each + n_bias,
            by_input=True,
        )

    def by_slot(self, values):
        """An array (n_samples, n_slots) with the value of each spike, 0 elsewhere."""
        out = np.zeros((self.n_samples, self.n_slots), values.dtype)
        out[self.samples, self.slots] = values
        return out

    def by_row(self, values):
        """An array (n_samples, n_rows) with the sum of the values of each row."""
        flat = self.samples * self.n_rows + self.rows
        sums = np.bincount(flat, values, self.n_samples * self.n_rows)
        return sums.reshape(self.n_samples, self.n_rows).astype(values.dtype)


def of_spikes(spikes):
    """The Events of `core.Spikes`; each spike is a slot."""
    begin, end = spikes.begin.astype(np.intp), spikes.end.astype(np.intp)
    counts = end - begin
    samples = np.repeat(np.arange(len(counts)), counts)
    starts = np.cumsum(counts) - counts
    slots = np.arange(len(samples)) - starts[samples]
    places = slots + begin[samples]
    return Events(
        samples,
        spikes.inputs[places],
        slots.astype(np.uint32),
        spikes.times[places],
        len(counts),
        spikes.n_in,
        int(counts.max(initial=0)),
    )


def of_neurons(times, bias_times, t_max):
    """The Events of biases, and of neurons that fire at (n, n_neurons, max_spikes)."""
    n_samples, n_neurons, max_spikes = times.shape
    n_times, n_bias = n_neurons * max_spikes, len(bias_times)
    biases = np.asarray(bias_times, times.dtype)
    spikes = _core.spikes_at(times.reshape(n_samples, n_times), biases, t_max)
    events = of_spikes(spikes)
    slots = events.rows.astype(np.intp)
    rows = np.where(slots < n_times, slots // max_spikes, slots - n_times + n_neurons)
    return Events(
        events.samples,
        rows.astype(np.uint32),
        slots.astype(np.uint32),
        events.times,
        n_samples,
        n_neurons + n_bias,
        n_times + n_bias,
        by_input=True,
    )
