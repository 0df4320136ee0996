"""What a reader of the table must know: what was counted, and what was not."""

import os

from .measure import with_time

_MEANINGS = """\
accuracy by spikes: of the first output spike, or the count of spikes (rate code)
by read-out: samples in which no output fires until the read-out, which makes them fire
spikes: of inputs, hidden and output neurons until the decision, without biases
events: spikes, of biases too, that arrive at a neuron which has not fired, over a
  weight that is not 0, before the first output spike; of a rate code all
MACs: multiply-accumulates that are no events; the rate code has input currents
train events: of one training sample in one epoch: causal events, without an early stop;
  one for each weight that changes; one for each weight that an error passes over"""


def notes_of(rows, settings, data):
    """The lines below the table of rows."""
    notes = []
    n_folds = {len(part.splits) for part in data} - {1}
    if n_folds:
        notes.append(f"accuracy: mean ± standard deviation over {n_folds.pop()} folds")
    notes += _MEANINGS.split("\n")
    notes += _about_costs(settings)
    notes += _against_dense(rows)
    notes += _about_ties(rows)
    if settings.max_iter is None:
        notes.append("epochs: those that each method has by default")
    n_threads = os.environ.get("OMP_NUM_THREADS", "1 (set OMP_NUM_THREADS for more)")
    notes.append(f"threads per model: {n_threads}")
    notes += list(
        dict.fromkeys(
            f"{row.data}, {row.method_title} warns: {row.warning}"
            for row in rows
            if row.warning
        )
    )
    return notes


def _about_costs(settings):
    model = settings.cost_model
    yield f"cost model {model.name} ({model.kind}): {model.source}"
    if model.mac_energy is None:
        yield "  it knows no dense network: its energy is not known"
    if model.tau_syn is None:
        yield (
            "  it has no time of its own: latencies are in tau_syn, of "
            f"{with_time(model).steps:g} steps where a code has a clock"
        )
    elif not model.steps:
        yield "  it has no clock: codes in steps have no latency"


def _about_ties(rows):
    """How a code whose outputs fire together would be counted otherwise."""
    for row in rows:
        published, strict = row.mean("published"), row.mean("strict")
        if None not in (published, strict):
            yield (
                f"{row.data}, {row.title}: accuracy {100 * published:.1f} % if outputs "
                "that are first together all count, as it was published;"
            )
            yield f"  {100 * strict:.1f} % if none of them does"


def _against_dense(rows):
    """What an event may cost until the dense network takes less energy."""
    parts = []
    for row in rows:
        factor = row.mean("break_even")
        if factor is not None:
            parts.append(f"{row.data}, {row.title} {factor:.3g}")
    if parts:
        yield (
            "an event may cost so many times as much before a dense network of the "
            "same size takes less energy:"
        )
        yield "  " + "; ".join(parts)
