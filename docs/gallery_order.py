"""The order of the examples in the gallery: from the first steps to the chip."""

ORDER = (
    "yin_yang",
    "digits_grid_search",
    "when_better",
    "regression",
    "sparsity",
    "sparse_text",
    "spike_trains",
    "several_spikes",
    "integers",
    "microcontroller",
    "chip_in_the_loop",
)


class ReadingOrder:
    """The key by which sphinx-gallery sorts files: their place in `ORDER`.

    Parameters
    ----------
    src_dir : str
        The folder of the examples.
    """

    def __init__(self, src_dir):
        self.src_dir = src_dir

    def __repr__(self):
        return f"<{type(self).__name__}>"

    def __call__(self, filename):
        """The place of a file; an error if it has none."""
        name = filename.rpartition("plot_")[2].removesuffix(".py")
        return ORDER.index(name)
