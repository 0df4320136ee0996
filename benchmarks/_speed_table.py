"""The table of speed.py: how much is measured, its lines, and what they mean."""

from dataclasses import dataclass

MB = 1e6


@dataclass
class Options:
    """How much is measured. Epochs: (fewer, more) of the two fits of a difference."""

    n_pairs: int = 5
    n_train: int = 60_000
    mnist_epochs: tuple = (5, 15)
    yin_yang_epochs: tuple = (50, 150)
    precision_epochs: tuple = (2, 6)
    thread_epochs: int = 4
    n_fast: int = 15  # repetitions of what takes milliseconds
    n_rows: int = 500  # rows that are predicted one by one
    n_slow: int = 3  # pairs of what takes minutes: text, and other instruction sets
    n_text: int = 20_000
    text_epochs: tuple = (1, 5)
    n_wide: int = 1_000_000  # features


FULL = Options()
QUICK = Options(
    n_pairs=3,
    n_train=10_000,
    mnist_epochs=(1, 4),
    yin_yang_epochs=(5, 25),
    precision_epochs=(1, 3),
    thread_epochs=2,
    n_fast=7,
    n_rows=200,
    n_slow=2,
    n_text=3_000,
    n_wide=300_000,
)


def line(work, figure, target, stretch, verdict, details):
    text = f"{work:34}  {figure:>9}  {target:>10}  {stretch:>7}  {verdict:7}  {details}"
    print(text.rstrip(), flush=True)


def row(work, figure, limits, details, *, at_least=False, unit=""):
    """Print one line; limits: none, (must,) or (must, stretch)."""
    target, stretch = [*(f"{limit:.4g}{unit}" for limit in limits), "-", "-"][:2]
    verdict = "-"
    if limits:
        target = f"{'>=' if at_least else '<='} {target}"
        met = sum(figure >= x if at_least else figure <= x for x in limits)
        verdict = ("MISS", "PASS", "STRETCH")[met]
    line(work, f"{figure:.3g}{unit}", target, stretch, verdict, details)


def note(details):
    line("", "", "", "", "", details)


def skipped(work, reason):
    line(work, "-", "-", "-", "SKIPPED", reason)


EXPLANATION = """\
work       what was measured; one thread unless it says otherwise
figure     the figure that the target is about, as described below
target     what it must be
stretch    what would be better still
verdict    MISS, PASS, STRETCH if that is reached too, or SKIPPED
details    the raw medians that the figure comes from, each of its own series; the
           figure of a ratio is the median of the ratios of pairs, not their ratio

epoch      ttfs / MLPClassifier: seconds per training epoch, forward and backward for
           every sample. The two fits of a pair alternate, on the same float32 array
           and with the same batch size; an epoch is the difference of a fit with more
           and one with fewer epochs, divided by that of the epochs, so that checks,
           encoding and initial weights drop out. Accuracy is that on the test set
           after the longer fit, averaged over pairs.
predict    ttfs / MLPClassifier: seconds for the test set, networks of the row before
integers   the same with a network of integers / MLPClassifier, and how much lower its
           accuracy is than that of float32, in points, averaged over pairs: weights
           are trained as the integers that predict
one row    ttfs / MLPClassifier: seconds of a call with one row of the test set, after
           a short fit. Calls alternate, each pair on a row of its own.
avx2,      the rows above in a process of their own, with TTFS_SIMD and, for the
baseline   BLAS of numpy, OPENBLAS_CORETYPE in its environment; details name the
           kernels that this BLAS has taken. The loops of numpy itself, in which
           MLPClassifier activates and updates, are not restricted.
text       ttfs / MLPClassifier on one sparse matrix, in a process of its own
threads    samples per second of one fit on two threads / of two fits on one thread
           each, side by side in two processes that start at the same time
           Epochs alone, without the first.
float64    seconds per epoch in float64 / in float32, ttfs
substrate  seconds per epoch on a substrate, or of quantised training (fixed) / in
           float32 without one. AnalogChip is the preset "delgrad"; it has no target.
levels     seconds per epoch, and for the test set, with input spikes at 16 times only /
           with exact ones, ttfs; no target
affine     seconds of the forward pass of a layer, 784 inputs to 350 neurons, against
           active inputs, fitted by a + b x: a / time at 100 %. No neuron fires.
forward    3 x synaptic events per second / peak rate of multiply-adds, counted in
           single numbers, of a loop in registers with vectors of the same width. The
           hidden layer sees the test set through weights so small that no neuron
           fires: every event is processed, and counts. `trained` is the same with the
           trained weights, where only inputs ahead of each spike count: the least
           that had to be processed.
memory     peak of a process of its own that loads the float32 data and fits them;
           1 MB = 1e6 bytes; the target is the size of the data and 300 MB, of text
           2000 MB
wide       the same without the size of the data, of a fit on few samples with many
           features; the target is four times the size of coefs_ and 300 MB"""
