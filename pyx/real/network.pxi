cdef enum:  # how samples pass through a network
    IDEAL
    CHIP
    CLOCKED

cdef enum:
    SYNAPTIC_COST = 8  # of an event with a delay of its own, to one without

cdef double LATEST_HORIZON = 0.99 * TTFS_TIME_LIMIT  # one that is never reached
cdef double MAX_STEPS = 1e15  # of a clocked network: all of them are exact numbers


cdef object _check_delays(object delays, tuple shape, Py_ssize_t k):
    """Delays of layer k: (n_in,), axonal, or (n_in, n_out), synaptic; or None."""
    if delays is None or np.shape(delays) in (shape[:1], shape):
        return delays
    raise ValueError(
        f"layer {k} has delays of shape {np.shape(delays)}, not {shape[:1]} or {shape}"
    )


cdef tuple _common_powers(object layers):
    """Units of a network's times and thresholds: those of its first layer."""
    powers = [powers_of(layer.neuron) for layer in layers]
    for name, exponents in zip(
        ("time constants", "thresholds"), zip(*powers, strict=True), strict=True
    ):
        if max(exponents) - min(exponents) > MAX_EXPONENT_SPREAD:
            raise ValueError(
                f"{name} of layers must be within a factor of "
                f"2^{MAX_EXPONENT_SPREAD} of each other"
            )
    return powers[0]


cdef class Simulator:
    """A network with packed weights, through which samples pass.

    Parameters
    ----------
    layers : sequence of Layer
        Weights are copied.
    t_max : float
        The horizon, finite.
    pseudo_slope : float
        Delay of a silent output for each unit that its peak misses the threshold by.
    read_out : float, default=inf
        The time at which biases make the outputs fire; +inf: they do not.
    stretch : float, default=1.0
        Decision times go on so many times as fast after the read-out.
    for_few : bool, default=False
        It passes few spikes: the weights of the first layer are read where they are,
        if they can be, and must not change. Without `emulate` and `clocked`.
    """

    cdef readonly list sizes    # (n_in, n_out) of each layer, biases included
    cdef readonly list shapes   # of the weights, (n_in, n_out) where a layer is full
    cdef readonly list delay_shapes  # of delays, (n_in,) or that of weights; or None
    cdef readonly Py_ssize_t n_outputs
    cdef readonly list neurons    # LIF of each layer
    cdef readonly list n_biases   # number of the last rows of weights that are biases
    cdef list kept  # the arrays of bias times that the structs point to
    cdef list numbers  # arrays of the geometries, that the structs point to
    cdef bint is_full  # whether all layers are
    cdef AlignedBuffer layers
    cdef list packed, packed_delays
    cdef ttfs_network net
    cdef int time, threshold  # exponents of the units that the structs are in
    cdef readonly bint for_few
    cdef readonly double t_max
    cdef AlignedBuffer spare  # workspace of the last call
    cdef tuple grid           # of fire_at_ticks(): n_ticks and tick
    cdef object time_of_tick  # in units of the core; +inf after the last one

    def __cinit__(
        self, layers, double t_max, double pseudo_slope, double read_out=float("inf"),
        double stretch=1.0, *, bint for_few=False, **kwargs,
    ):
        cdef ttfs_layer *structs
        cdef const real[:, ::1] matrix
        cdef const real[::1] bias
        cdef const size_t[::1] numbers
        cdef ttfs_neuron neuron
        cdef size_t n_layers = len(layers)
        cdef Py_ssize_t n_in, n_out = 0, n_bias, n_fixed

        if not 0 < n_layers <= MAX_LAYERS:
            raise ValueError(f"a network must have 1 to {MAX_LAYERS} layers")
        if not -TTFS_TIME_LIMIT < t_max < TTFS_TIME_LIMIT:
            raise ValueError("t_max must be finite")
        if not (read_out > -TTFS_TIME_LIMIT and 0 < stretch < TTFS_TIME_LIMIT):
            raise ValueError("read_out must be a time, and stretch positive and finite")
        self.time, self.threshold = _common_powers(layers)
        self.t_max, self.for_few = t_max, for_few
        t_max = min(ldexp(t_max, -self.time), LATEST_HORIZON)
        self.layers = AlignedBuffer(n_layers * sizeof(ttfs_layer))
        structs = <ttfs_layer *>self.layers.start
        self.sizes, self.shapes, self.packed = [], [], []
        self.kept, self.numbers, self.is_full = [], [], True
        self.neurons, self.n_biases = [], []
        self.delay_shapes, self.packed_delays = [], []
        for k, layer in enumerate(layers):
            if layer.weights.dtype != DTYPE:
                raise TypeError(
                    f"weights of layer {k} must have dtype {DTYPE.__name__}, "
                    f"not {layer.weights.dtype}"
                )
            bias_times = np.ascontiguousarray(layer.bias_times, DTYPE)
            bias_times = shift(bias_times, -self.time, "bias_times")
            n_bias = len(bias_times)
            n_in, n_out = layer.n_in + n_bias, layer.n_out
            shape = layer.weights.shape
            if shape != layer.geometry.weight_shape(n_bias):
                raise ValueError(
                    f"layer {k} must have weights of shape "
                    f"{layer.geometry.weight_shape(n_bias)}, not {shape}"
                )
            if k > 0 and n_in != self.sizes[k - 1][1] + n_bias:
                raise ValueError(
                    f"layer {k} must have {self.sizes[k - 1][1]} inputs and {n_bias} "
                    f"biases, not {n_in} rows of weights"
                )
            n_fixed = layer.n_fixed
            if not 0 <= n_fixed <= n_bias:
                raise ValueError(
                    f"layer {k} has {n_bias} biases, of which {n_fixed} cannot be fixed"
                )
            if n_in == 0 or n_out == 0 or n_in >= MAX_INPUTS or n_bias > n_in:
                raise ValueError(f"layer {k} has weights of shape {shape}")
            _init(&neuron, in_units(layer.neuron, self.time, self.threshold))
            weights = np.ascontiguousarray(layer.weights, DTYPE)
            weights = shift(weights, -self.threshold, "weights")
            delays = _check_delays(layer.delays, shape, k)
            structs[k].kind = _kind_of(layer, delays, k)
            is_full = layer.geometry.kind == "full"
            self.is_full &= is_full
            packed_delays = None
            if delays is not None:
                delays = np.asarray(delays, DTYPE)
                packed_delays = _buffer_of(shift(delays, -self.time, "delays"))
            self.delay_shapes.append(None if delays is None else np.shape(delays))
            self.packed_delays.append(packed_delays)
            if n_bias == 0:
                bias_times = np.zeros(1, DTYPE)
            self.sizes.append((n_in, n_out))
            self.shapes.append(shape)
            # Delays of synapses are packed, and peaks, of outputs, read packed weights.
            structs[k].is_matrix = (
                for_few and k == 0 and n_layers > 1 and is_full
                and np.ndim(delays) < 2 and weights.flags.aligned
            )
            self.packed.append(weights if structs[k].is_matrix else _pack(weights))
            self.neurons.append(layer.neuron)
            self.n_biases.append(n_bias)
            self.kept.append(bias_times)
            bias = bias_times
            structs[k].neuron = neuron
            structs[k].n_in, structs[k].n_bias = n_in, n_bias
            structs[k].n_fixed, structs[k].n_out = n_fixed, n_out
            structs[k].n_rows, structs[k].n_columns = shape
            self.numbers.append(np.array([*layer.geometry.numbers, 0], np.uintp))
            numbers = self.numbers[k]
            structs[k].numbers = &numbers[0]
            structs[k].bias_times = &bias[0]
            if structs[k].is_matrix:
                matrix = weights
                structs[k].weights = <real *>&matrix[0, 0]
            else:
                structs[k].weights = <real *>(<AlignedBuffer>self.packed[k]).start
            if delays is not None:
                structs[k].delays = <real *>(<AlignedBuffer>packed_delays).start
        self.n_outputs = n_out
        self.net.n_layers = n_layers
        self.net.layers = structs
        self.net.t_max = t_max
        self.net.pseudo_slope = ldexp(pseudo_slope, self.threshold - self.time)
        self.net.read_out = float("inf")
        if read_out < TTFS_TIME_LIMIT:
            # As a bias of this precision has it: its spike is not after itself.
            self.net.read_out = DTYPE(ldexp(read_out, -self.time))
        self.net.stretch = stretch

    cdef int check(self, Spikes spikes) except -1:
        if spikes.n_in != self.sizes[0][0]:
            raise ValueError(
                f"spikes must be of {self.sizes[0][0]} inputs, not {spikes.n_in}"
            )
        return 0

    cdef double n_events(self, Spikes spikes) except -1:
        """Synaptic events of a sample of average activity."""
        cdef double n = 0.0
        active = spikes.n_spikes / max(1, spikes.n_samples)
        for k, (n_in, n_out) in enumerate(self.sizes):
            cost = SYNAPTIC_COST if self.delay_shapes[k] == (n_in, n_out) else 1
            n += cost * (n_in if k > 0 else active) * n_out
        return n

    def weights(self):
        """The weights (n_in, n_out) of each layer."""
        return [
            _outward(self.unpack(shape, packed), self.threshold)
            for shape, packed in zip(self.shapes, self.packed, strict=True)
        ]

    def bias_times(self):
        """The times (n_bias,) at which the biases of each layer spike."""
        return [
            _outward(times[:n].copy(), self.time)
            for times, n in zip(self.kept, self.n_biases, strict=True)
        ]

    def delays(self):
        """The delays (n_in,) or (n_in, n_out) of each layer; None where it has none."""
        return [
            None if shape is None else _outward(self.unpack(shape, packed), self.time)
            for shape, packed in zip(self.delay_shapes, self.packed_delays, strict=True)
        ]

    cdef object unpack(self, tuple shape, object weights):
        cdef AlignedBuffer packed
        cdef real[:, ::1] out_rows
        cdef real[::1] row
        cdef size_t n_in, n_out
        if isinstance(weights, np.ndarray):
            return weights.copy()
        packed, out = weights, np.empty(shape, DTYPE)
        if len(shape) == 1:
            row = out
            memcpy(&row[0], packed.start, out.nbytes)
            return out
        n_in, n_out = shape
        out_rows = out
        KERNELS.unpack(<real *>packed.start, n_in, n_out, &out_rows[0, 0])
        return out

    def spike_times(self, Spikes spikes not None):
        """Spike times (n_samples, n_out) of each layer; +inf = silent."""
        return self.fire(spikes).times()

    def fire(self, Spikes spikes not None):
        """The LayerSpikes of the network itself."""
        return self.layer_spikes(IDEAL, &self.net, spikes, NULL, 0, 0.0)

    def emulate(
        self, Spikes spikes not None, mismatch, uint64_t seed, *, weights=None,
        double t_max=float("inf"),
    ):
        """The LayerSpikes of a chip.

        Parameters
        ----------
        spikes : Spikes
        mismatch : sequence of NeuronMismatch
            The mismatch of the neurons of each layer.
        seed : int
            The seed of the noise.
        weights : list of ndarray of shape (n_in, n_out), optional
            Weights of the chip, finite. Default: those of the network.
        t_max : float
            An end of the experiment that is earlier than that of the network.
        """
        cdef ttfs_mismatch *structs
        cdef ttfs_network net = self.net
        cdef AlignedBuffer buffer, layers
        cdef const double[::1] mem, syn
        cdef const uint8_t[::1] dead
        if len(mismatch) != len(self.shapes):
            raise ValueError("mismatch must have one entry for each layer")
        self.check_no_delays()
        buffer = AlignedBuffer(len(mismatch) * sizeof(ttfs_mismatch))
        structs = <ttfs_mismatch *>buffer.start
        kept = []
        for k, c in enumerate(mismatch):
            threshold = (<ttfs_layer *>self.layers.start)[k].neuron.threshold
            c.check(self.sizes[k][1], ldexp(threshold, self.threshold))
            structs[k].threshold_jitter = c.threshold_jitter
            structs[k].spike_jitter = ldexp(c.spike_jitter, -self.time)
            structs[k].spurious_rate = ldexp(c.spurious_rate, self.time)
            structs[k].resolution = ldexp(c.resolution, -self.time)
            if c.tau_mem is not None:
                mem = shift(c.tau_mem, -self.time, "tau_mem")
                syn = shift(c.tau_syn, -self.time, "tau_syn")
                kept.append((np.asarray(mem), np.asarray(syn)))
                structs[k].tau_mem, structs[k].tau_syn = &mem[0], &syn[0]
            if c.is_dead is not None:
                dead = c.is_dead
                kept.append(np.asarray(dead))
                structs[k].is_dead = &dead[0]
        if weights is not None:
            layers = self.layers_with(weights, kept)
            net.layers = <ttfs_layer *>layers.start
        net.t_max = min(net.t_max, ldexp(t_max, -self.time))
        return self.layer_spikes(CHIP, &net, spikes, structs, seed, 0.0)

    cdef AlignedBuffer layers_with(self, object weights, list kept):
        """Structs of the layers with other weights, which are appended to `kept`."""
        cdef AlignedBuffer layers = AlignedBuffer(
            len(self.shapes) * sizeof(ttfs_layer)
        )
        cdef Py_ssize_t k
        memcpy(layers.start, self.layers.start, len(self.shapes) * sizeof(ttfs_layer))
        if len(weights) != len(self.shapes):
            raise ValueError("weights must have one entry for each layer")
        for k in range(len(self.shapes)):
            array = np.ascontiguousarray(weights[k], DTYPE)
            if array.shape != self.shapes[k]:
                raise ValueError(f"layer {k} has weights of shape {self.shapes[k]}")
            kept.append(_pack(shift(array, -self.threshold, "weights")))
            (<ttfs_layer *>layers.start)[k].weights = <real *>(
                <AlignedBuffer>kept[len(kept) - 1]
            ).start
        return layers

    def clocked(
        self, Spikes spikes not None, double step, *, double t_max=float("inf")
    ):
        """The LayerSpikes of the network on a grid of time steps.

        `t_max` is an end of the experiment that is earlier than that of the network.
        """
        cdef ttfs_network net = self.net
        self.check_no_delays()
        t_max = min(t_max, self.t_max)
        for k in range(len(self.shapes)):
            neuron = (<ttfs_layer *>self.layers.start)[k].neuron
            tau_mem = ldexp(neuron.tau_mem, self.time)
            tau_syn = ldexp(neuron.tau_syn, self.time)
            if not 0 < step < min(tau_mem, tau_syn):
                raise ValueError(
                    f"step must be positive, and below tau_mem={tau_mem:g} and "
                    f"tau_syn={tau_syn:g}, got {step:g}"
                )
        if not abs(t_max) / step < MAX_STEPS:
            raise ValueError(f"step={step:g} is too small for t_max={t_max:g}")
        if spikes.n_spikes and not abs(spikes.first()) / step < MAX_STEPS:
            raise ValueError(f"step={step:g} is too small for the times of spikes")
        net.t_max = min(net.t_max, ldexp(t_max, -self.time))
        fired = self.layer_spikes(
            CLOCKED, &net, spikes, NULL, 0, ldexp(step, -self.time)
        )
        for times in (<LayerSpikes>fired).arrays:  # a step before t_max may round to it
            _silence(times, <real>net.t_max)
        return fired

    def fire_at_ticks(self, list ticks, u_peak, *, Py_ssize_t n_ticks, double tick):
        """LayerSpikes of a network in integers.

        Parameters
        ----------
        ticks : list of ndarray of shape (n_samples, n_out), uint16
            Spike times of each layer; n_ticks and later = silent.
        u_peak : ndarray of shape (n_samples, n_outputs)
            Peaks of the membranes of silent outputs, in thresholds, finite.
        n_ticks : int
        tick : float
        """
        cdef LayerSpikes fired = LayerSpikes.__new__(LayerSpikes)
        cdef Py_ssize_t n_layers = len(self.shapes)
        cdef real[::1] table
        if len(ticks) != n_layers:
            raise ValueError("ticks must have one entry for each layer")
        if (n_ticks, tick) != self.grid:
            if not (0 < n_ticks <= 65_535 and 0 < tick and n_ticks * tick < TIME_LIMIT):
                raise ValueError("ticks are out of range")
            times = np.arange(n_ticks + 1) * ldexp(tick, -self.time)
            times = times.astype(DTYPE)
            times[times >= DTYPE(self.net.t_max)] = np.inf
            times[n_ticks] = np.inf
            self.grid, self.time_of_tick = (n_ticks, tick), times
        table = self.time_of_tick
        fired.arrays = [_looked_up(array, table) for array in ticks]
        threshold = (<ttfs_layer *>self.layers.start)[n_layers - 1].neuron.threshold
        fired.u_peak = np.ascontiguousarray(u_peak * DTYPE(threshold), DTYPE)
        fired.time, fired.t_max = self.time, self.net.t_max
        return fired

    cdef LayerSpikes layer_spikes(
        self, int how, const ttfs_network *net, Spikes spikes,
        const ttfs_mismatch *mismatch, uint64_t seed, double step,
    ):
        cdef LayerSpikes fired = LayerSpikes.__new__(LayerSpikes)
        fired.arrays = [np.empty((len(spikes), n), DTYPE) for _, n in self.sizes]
        fired.time, fired.t_max = self.time, net.t_max
        self.infer(how, net, spikes, fired.arrays, None, None, mismatch, seed, step)
        return fired

    cdef int check_no_delays(self) except -1:
        if any(shape is not None for shape in self.delay_shapes):
            raise ValueError("a chip has no delays")
        if not self.is_full:
            raise ValueError("a chip has full layers alone: unroll the others")
        return 0

    def decisions(self, Spikes spikes not None):
        """Decision times (n_samples, n_outputs), float64.

        The decision times of silent neurons are pseudo-times, later than any spike.
        """
        decisions = np.empty((len(spikes), self.n_outputs))
        self.infer(IDEAL, &self.net, spikes, None, decisions, None, NULL, 0, 0.0)
        return _outward(decisions, self.time)

    def labels(self, Spikes spikes not None):
        """The number (n_samples,) of the output neuron that decides first."""
        labels = np.zeros(len(spikes), np.uintp)
        self.infer(IDEAL, &self.net, spikes, None, None, labels, NULL, 0, 0.0)
        return labels

    cdef int infer(
        self, int how, const ttfs_network *net, Spikes spikes, object layers,
        double[:, ::1] decisions, size_t[::1] labels, const ttfs_mismatch *mismatch,
        uint64_t seed, double step,
    ) except -1:
        """Pass samples through; what is written is in the units of the core."""
        cdef Py_ssize_t n_samples = spikes.n_samples, n_layers = len(self.shapes)
        cdef Py_ssize_t part, n_parts, s, n, k
        cdef size_t size
        cdef AlignedBuffer scratches, pointers
        cdef ttfs_spikes all, mine
        cdef real[:, ::1] out_rows
        cdef real **rows

        self.check(spikes)
        if self.for_few and how != IDEAL:
            raise ValueError("the network is for few spikes")
        if n_samples == 0:
            return 0
        spikes = spikes.shifted(-self.time)
        n_parts = _parts(n_samples, n_samples * self.n_events(spikes))
        if how == CHIP:
            size = KERNELS.emulate_workspace_size(net, spikes.max_spikes)
        elif how == CLOCKED:
            size = KERNELS.clocked_workspace_size(net, spikes.max_spikes)
        else:
            size = KERNELS.infer_workspace_size(net, spikes.max_spikes)
        all = spikes.view()
        scratches, self.spare = self.spare, None
        if scratches is None or <size_t>len(scratches.buffer) < n_parts * size + 64:
            scratches = AlignedBuffer(n_parts * size, is_zero=False)
        # The addresses at which the rows of each layer begin, for each part.
        pointers = AlignedBuffer(n_parts * n_layers * sizeof(void *))
        rows = <real **>pointers.start
        if layers is not None:
            for part in range(n_parts):
                s = n_samples * part // n_parts
                for k in range(n_layers):
                    out_rows = layers[k]
                    rows[part * n_layers + k] = &out_rows[s, 0]
        for part in prange(n_parts, nogil=True, num_threads=n_parts, chunksize=1,
                           schedule="static"):
            s = n_samples * part // n_parts
            n = n_samples * (part + 1) // n_parts - s
            mine = _from(all, s)
            if how == CHIP:
                KERNELS.emulate(
                    net, mismatch, seed, &mine, n, rows + part * n_layers,
                    <char *>scratches.start + part * size,
                )
            elif how == CLOCKED:
                KERNELS.clocked(
                    net, step, &mine, n, rows + part * n_layers,
                    <char *>scratches.start + part * size,
                )
            else:
                KERNELS.infer(
                    net, &mine, n, rows + part * n_layers,
                    NULL if decisions is None else &decisions[s, 0],
                    NULL if labels is None else &labels[s],
                    <char *>scratches.start + part * size,
                )
        self.spare = scratches
        return 0
