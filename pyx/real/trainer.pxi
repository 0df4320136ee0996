cdef int _check_state(dict state, list shapes, list delay_shapes) except -1:
    """Raise ValueError unless a Trainer's state is of a network of these shapes."""
    moments = [[np.shape(a) for a in pair] for pair in state["moments"]]
    steps = [[np.shape(a) for a in pair] for pair in state["steps"]]
    delay_moments = [
        None if pair is None else [np.shape(a) for a in pair]
        for pair in state["delay_moments"]
    ]
    if (
        moments != [[shape, shape] for shape in shapes]
        or steps != [[(1,), (n_rows,)] for n_rows, _ in shapes]
        or delay_moments
        != [None if shape is None else [shape, shape] for shape in delay_shapes]
    ):
        raise ValueError("state is of a network with layers of other sizes")
    return 0


cdef dict LOCAL_KERNELS = {"table": TTFS_TABLE, "linear": TTFS_LINEAR}
cdef dict FEEDBACKS = {
    "symmetric": TTFS_SYMMETRIC,
    "random": TTFS_RANDOM,
    "direct": TTFS_DIRECT,
    "target": TTFS_TARGET,
}


cdef class Trainer(Simulator):
    """A network in training.

    Parameters
    ----------
    layers, t_max, pseudo_slope, read_out, stretch
        The same as of Simulator.
    units : sequence of float
        Unit of the learning rate of each layer.
    delay_units : sequence of float, optional
        Unit of the learning rate of the delays of each layer. Needed where layers have
        delays.
    loss : dict
        Parameters of the function `loss`. A loss that is a squared error has the unit
        of a squared time, which gradients share.
    min_slope : float
        Gradients take u' at a spike to be at least this [threshold/time].
    silence_penalty, silence_tolerance : float
        The loss of a silent hidden neuron is silence_penalty (threshold - u_peak),
        averaged over the batch, if it is silent in more than the fraction
        silence_tolerance of the batch.
    spike_cost, spike_scale : float
        Cost of a hidden spike before the first output spike, in the unit of the loss:
        spike_cost (1 - exp(-(t_output - t) / spike_scale)), averaged over the batch.
        The loss that `epoch` returns has no part of it. 0: none.
    keeps_zeros : bool
        Whether weights that are 0 stay 0, as those that `prune` has set.
    beta_1, beta_2, epsilon : float
        Parameters of Adam. epsilon is in the unit of a gradient: loss per threshold of
        the layer, and for delays loss per tau_syn of the layer, where the unit of
        squared errors is tau_syn^2 of the last layer.
    weight_decay : float or sequence of float
        Weight decay per unit of the learning rate, of all layers or of each.
    rests : sequence of float, optional
        The values that the weights of each layer decay to. Default: 0.
    limits : sequence of float, optional
        The greatest weight of each layer, positive: updates leave weights within
        -limit ... limit, where they must be at first. Default: +inf, no limit.
    local : dict, optional
        The simplified local rule instead of the exact gradient and of Adam, see
        ttfs_local: min_slope, beta_1, beta_2 and epsilon have no part in it, and
        learning_rate unit (in threshold^2) is what the gradient of the losses' sum over
        a batch is multiplied with. Layers must be without delays.

        - "kernel", "table" (kappa) or "linear".
        - "feedback", "symmetric", "random", "direct" or "target".
        - "feedback_weights", needed unless symmetric: fixed weights of each layer for
          the way back to its inputs, finite. "random": in the shape of the layer's
          weights. "direct" and "target": (n_out of the layer before, n_outputs). The
          entry of the first layer is not used.
        - "window", two times, by default -inf and +inf: hidden neurons learn from
          spikes not before the first, and before the second.
    dropout : float
        Probability with which an input spike is deleted.
    may_drop : ndarray of bool of shape (n_channels,), optional
        The channels whose spikes may be deleted. Needed where dropout > 0.
    seed : int
        Seed of the deletions, from 0 to 2^64 - 1.
    state : dict, optional
        What the method `state` returned, to go on from there.
    """

    cdef ttfs_training training
    cdef list moments, steps, delay_moments
    cdef object data
    cdef const uint8_t[::1] may_drop
    cdef AlignedBuffer workspace
    cdef ttfs_local local_rule
    cdef list feedback  # packed; the structs point to it and to the next three
    cdef AlignedBuffer feedback_pointers
    cdef LayerSpikes measured
    cdef AlignedBuffer pointers
    cdef list shadows  # packed weights that learn, where others fire; or None
    cdef list rounded  # packed weights that have fired in their place; or None
    cdef int loss_power  # of time, in the unit of the loss
    cdef bint is_running

    def __init__(
        self, layers, double t_max, double pseudo_slope,
        double read_out=float("inf"), double stretch=1.0, *, units, dict loss,
        double min_slope, double silence_penalty, double silence_tolerance,
        double beta_1, double beta_2, double epsilon, weight_decay,
        delay_units=None, rests=None, limits=None, dict local=None,
        double spike_cost=0.0, double spike_scale=1.0, bint keeps_zeros=False,
        double dropout=0.0, may_drop=None, uint64_t seed=0, state=None,
    ):
        cdef ttfs_layer *structs = <ttfs_layer *>self.layers.start
        cdef size_t[::1] step
        cdef uint32_t[::1] touched

        if len(units) != len(self.shapes):
            raise ValueError("units must have one entry for each layer")
        if delay_units is None:
            delay_units = [0.0] * len(self.shapes)
        if len(delay_units) != len(self.shapes):
            raise ValueError("delay_units must have one entry for each layer")
        if rests is None:
            rests = [0.0] * len(self.shapes)
        if len(rests) != len(self.shapes):
            raise ValueError("rests must have one entry for each layer")
        if limits is None:
            limits = [float("inf")] * len(self.shapes)
        if len(limits) != len(self.shapes) or not all(limit > 0 for limit in limits):
            raise ValueError("limits must be positive, one for each layer")
        decays = weight_decay
        if np.ndim(decays) == 0:
            decays = [decays] * len(self.shapes)
        if len(decays) != len(self.shapes):
            raise ValueError("weight_decay must have one entry for each layer")
        if not (spike_cost >= 0 and spike_scale > 0):
            raise ValueError("spike_cost must be at least 0, and spike_scale positive")
        if local is not None and (spike_cost > 0 or keeps_zeros):
            raise ValueError("the local rule knows no spike_cost, and keeps no zeros")
        n_in = self.sizes[0][0]
        drops = np.zeros(n_in, np.uint8)
        if not 0 <= dropout < 1:
            raise ValueError("dropout must be in [0, 1)")
        if dropout > 0:
            n_channels = n_in - len(layers[0].bias_times)
            if may_drop is None or len(may_drop) != n_channels:
                raise ValueError(f"may_drop must have {n_channels} entries")
            drops[:n_channels] = may_drop
            if not np.any(drops):
                dropout = 0.0  # lists of spikes need not be copied
        self.may_drop = drops
        if state is not None:
            _check_state(state, self.shapes, self.delay_shapes)
        self.moments, self.steps, self.delay_moments = [], [], []
        for k, limit in enumerate(limits):
            with np.errstate(over="ignore"):
                max_weight = DTYPE(limit)
            if max_weight < np.inf and np.abs(layers[k].weights).max() > max_weight:
                raise ValueError(f"weights of layer {k} are beyond {limit:g}")
        # From here on in the units of the core.
        _fill_loss(&self.training, loss, self.time)
        is_squared = ttfs_is_squared_time(self.training.loss)
        self.loss_power = 2 * self.time if is_squared else 0
        power = -self.threshold if local is None else self.loss_power
        if local is not None:
            power -= 2 * self.threshold
        units = [ldexp(unit, power) for unit in units]
        delay_units = [ldexp(unit, -self.time) for unit in delay_units]
        rests = [ldexp(rest, -self.threshold) for rest in rests]
        limits = [ldexp(limit, -self.threshold) for limit in limits]
        min_slope = ldexp(min_slope, self.time - self.threshold)
        silence_penalty = ldexp(silence_penalty, self.threshold - self.loss_power)
        for k, (n_rows, n_columns) in enumerate(self.shapes):
            delay_shape, delay_moments = self.delay_shapes[k], None
            if state is None:
                moments = [_by_panels(None, n_rows, n_columns) for _ in range(2)]
                steps = np.zeros(1, np.uintp), np.zeros(n_rows, np.uint32)
                if delay_shape is not None:
                    delay_moments = 2 * [np.zeros(delay_shape, DTYPE)]
            else:
                pair = state["moments"][k]
                moments = [_by_panels(a, n_rows, n_columns) for a in pair]
                delay_moments = state["delay_moments"][k]
                n_steps, last_steps = state["steps"][k]
                steps = np.array(n_steps, np.uintp), np.array(last_steps, np.uint32)
            if delay_moments is not None:
                delay_moments = [_buffer_of(a) for a in delay_moments]
            step, touched = steps
            self.moments.append(moments)
            self.steps.append(steps)
            self.delay_moments.append(delay_moments)
            structs[k].m = <real *>(<AlignedBuffer>moments[0]).start
            structs[k].v = <real *>(<AlignedBuffer>moments[1]).start
            structs[k].step, structs[k].touched = &step[0], &touched[0]
            structs[k].unit, structs[k].delay_unit = units[k], delay_units[k]
            structs[k].rest, structs[k].max_weight = rests[k], limits[k]
            structs[k].decay = decays[k]
            if delay_moments is not None:
                structs[k].delay_m = <real *>(<AlignedBuffer>delay_moments[0]).start
                structs[k].delay_v = <real *>(<AlignedBuffer>delay_moments[1]).start
        self.training.network = self.net
        self.training.min_slope = min_slope
        self.training.silence_penalty = silence_penalty
        self.training.silence_tolerance = silence_tolerance
        self.training.spike_cost = ldexp(spike_cost, -self.loss_power)
        self.training.spike_scale = ldexp(spike_scale, -self.time)
        self.training.keeps_zeros = keeps_zeros
        self.training.beta_1 = beta_1
        self.training.beta_2 = beta_2
        self.training.epsilon = epsilon
        self.training.dropout = dropout
        self.training.may_drop = &self.may_drop[0]
        self.training.seed = seed
        self.pointers = AlignedBuffer(len(self.shapes) * sizeof(void *))
        self.shadows = None
        if local is not None:
            self.follow(dict(local))

    def weights(self):
        """The weights (n_in, n_out) of each layer that learn."""
        if self.shadows is None:
            return Simulator.weights(self)
        return [
            _outward(self.unpack(shape, packed), self.threshold)
            for shape, packed in zip(self.shapes, self.shadows, strict=True)
        ]

    cdef int fire_with(self, object weights) except -1:
        """Let other weights fire than those that learn: gradients are with these.

        They are written in place, since another thread may be firing with them.
        """
        cdef ttfs_layer *structs = <ttfs_layer *>self.layers.start
        cdef Py_ssize_t k
        cdef AlignedBuffer buffer
        cdef const real[:, ::1] rows
        weights = list(weights)
        if len(weights) != len(self.shapes):
            raise ValueError(
                f"forward must return weights of {len(self.shapes)} layers, "
                f"got {len(weights)}"
            )
        for k in range(len(weights)):
            name = f"weights that forward returns for layer {k}"
            weights[k] = _returned(weights[k], self.shapes[k], DTYPE, name)
            if not np.all(np.abs(weights[k]) < TTFS_TIME_LIMIT):
                raise ValueError(f"{name} must be finite")
            weights[k] = shift(weights[k], -self.threshold, name)
        if self.rounded is None:
            self.rounded = [_pack(w) for w in weights]
        else:
            for k in range(len(weights)):
                rows, buffer = weights[k], self.rounded[k]
                KERNELS.pack(
                    &rows[0, 0], rows.shape[0], rows.shape[1], <real *>buffer.start
                )
        if self.shadows is None:
            self.shadows, self.packed = self.packed, self.rounded
        for k in range(len(weights)):
            structs[k].shadow = <real *>(<AlignedBuffer>self.shadows[k]).start
            structs[k].weights = <real *>(<AlignedBuffer>self.packed[k]).start
        return 0

    cdef int fire_with_learning(self) except -1:
        """Let the weights that learn fire again, after others have."""
        cdef ttfs_layer *structs = <ttfs_layer *>self.layers.start
        cdef Py_ssize_t k
        if self.shadows is None:
            return 0
        self.packed, self.shadows = self.shadows, None
        for k in range(len(self.packed)):
            structs[k].shadow = NULL
            structs[k].weights = <real *>(<AlignedBuffer>self.packed[k]).start
        return 0

    cdef int follow(self, dict local) except -1:
        """Train by a local rule."""
        cdef Py_ssize_t k, n_layers = len(self.shapes)
        cdef ttfs_feedback feedback
        cdef ttfs_local_kernel kernel
        cdef AlignedBuffer buffer

        if any(shape is not None for shape in self.delay_shapes):
            raise ValueError("layers with delays cannot be trained by a local rule")
        if not self.is_full:
            raise ValueError("only full layers can be trained by a local rule")
        if local.get("feedback") == "target" and (
            self.training.loss == TTFS_TARGET_TIMES
        ):
            raise ValueError("target feedback needs labels, not target times")
        kernel = _choice(LOCAL_KERNELS, "kernel", local.pop("kernel", None))
        name = local.pop("feedback", None)
        feedback = _choice(FEEDBACKS, "feedback", name)
        weights = local.pop("feedback_weights", None)
        learn_from, learn_until = local.pop("window", (-np.inf, np.inf))
        if local:
            raise TypeError(f"unknown parameters of a local rule: {', '.join(local)}")
        self.local_rule.kernel = kernel
        self.local_rule.feedback = feedback
        if not learn_from <= learn_until:
            raise ValueError(
                "the window of a local rule must not end before it begins, "
                f"got {learn_from}, {learn_until}"
            )
        self.local_rule.learn_from = learn_from
        self.local_rule.learn_until = learn_until
        self.training.local = &self.local_rule
        if feedback == TTFS_SYMMETRIC:
            if weights is not None:
                raise ValueError("symmetric feedback has no feedback_weights")
            return 0
        if weights is None or len(weights) != n_layers:
            raise ValueError(
                f"{name} feedback needs feedback_weights, one entry for each layer"
            )
        self.feedback = []
        self.feedback_pointers = AlignedBuffer(n_layers * sizeof(void *))
        for k in range(1, n_layers):
            shape = self.shapes[k]
            if feedback != TTFS_RANDOM:
                shape = self.sizes[k - 1][1], self.n_outputs
            with np.errstate(over="ignore"):
                array = np.asarray(weights[k]).astype(DTYPE)
            if array.shape != shape:
                raise ValueError(
                    f"feedback_weights of layer {k} must have shape {shape}, "
                    f"got {array.shape}"
                )
            if not np.all(np.abs(array) < TTFS_TIME_LIMIT):
                raise ValueError(f"feedback_weights of layer {k} must be finite")
            if feedback == TTFS_RANDOM:
                array = shift(array, -self.threshold, "feedback_weights")
                buffer = _buffer_of(array)
            else:
                buffer = _buffer_of(array.T.ravel())
            self.feedback.append(buffer)
            (<void **>self.feedback_pointers.start)[k] = buffer.start
        self.local_rule.feedback_weights = <const real **>self.feedback_pointers.start
        return 0

    def state(self):
        """What Adam knows, to go on from later: arrays of the shapes of weights, and of
        delays where there are any, in the units of the core."""
        self.check_learns()
        moments = []
        for (n_in, n_out), pair in zip(self.shapes, self.moments, strict=True):
            moments.append(
                tuple([np.array(_from_panels(a, n_in, n_out)) for a in pair])
            )
        return self.state_of(moments)

    cdef int check_learns(self) except -1:
        if self.moments is None:
            raise RuntimeError("this trainer has given its state away")
        return 0

    cdef dict state_of(self, list moments):
        delay_moments = [
            None if pair is None else tuple(self.unpack(shape, a) for a in pair)
            for shape, pair in zip(self.delay_shapes, self.delay_moments, strict=True)
        ]
        steps = [tuple(a.copy() for a in pair) for pair in self.steps]
        return {"moments": moments, "steps": steps, "delay_moments": delay_moments}

    def take_state(self):
        """The same as `state`, at the end: this trainer cannot learn any more.

        Moments are given away, not copied, and with them all the memory of training.
        RuntimeError in an epoch.
        """
        self.check_learns()
        if self.is_running:
            raise RuntimeError("this trainer is in an epoch")
        self.workspace = self.data = None
        pairs, self.moments, moments = self.moments, None, []
        for shape, pair in zip(self.shapes, pairs, strict=True):
            n_in, n_out = shape
            m = _from_panels(pair.pop(0), n_in, n_out)
            moments.append((m, _from_panels(pair.pop(0), n_in, n_out)))
        return self.state_of(moments)

    def epoch(
        self,
        Spikes spikes not None,
        targets,
        const double[::1] factors not None,
        const size_t[::1] order not None,
        Py_ssize_t batch_size,
        const double[::1] rates not None,
        forward=None,
        end_batch=None,
    ):
        """Updates over all samples in the given order; returns the mean loss.

        Parameters
        ----------
        spikes : Spikes
            The spikes of the data set, biases of the first layer included.
        targets : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Labels, uintp; with the loss "target_times" the time at which each output
            should spike, float64 and finite.
        factors : ndarray of shape (n_samples,)
            Weights in the loss.
        order : ndarray of shape (n,)
            Numbers of samples.
        batch_size : int
        rates : ndarray of shape (ceil(n / batch_size),)
            Learning rate of each batch.
        forward : callable, optional
            What fires instead of the network: a chip, or arithmetic of another kind.
            ``forward(spikes, trainer)`` is called for each batch with the Spikes that
            enter it, without deleted ones, and this trainer, whose `weights` are
            copies, and which fires with these. It returns LayerSpikes, or a list of
            spike times (n, n_out), one array for each layer; +inf, t_max and all that
            is later mean silent. Or it returns a tuple of two or three: either of
            these; u_peak (n, n_outputs) of silent outputs, in the unit of weights and
            threshold, for their pseudo-times, or None, which means those of the model;
            and the weights of each layer that fired, if they are not the trainer's, but
            have fewer bits for example. Gradients are those of the model at these times
            with these weights, and move the trainer's weights (straight-through).
            Layers must be without delays. LayerSpikes are taken as they are; all else
            is checked.
        end_batch : callable, optional
            ``end_batch(loss, n)`` is called after each update with the mean loss of its
            n samples.

        Signals are looked at between batches, every few milliseconds: KeyboardInterrupt
        leaves all updates up to there in place, as does an error in `forward`.
        RuntimeError if this trainer is in an epoch already, of another thread or the
        one that calls `forward`.
        """
        self.check_learns()
        if self.is_running:
            raise RuntimeError("this trainer is in an epoch already")
        self.is_running = True
        try:
            # Copies: C trusts what has been checked.
            return self.learn(
                spikes, None if targets is None else np.array(targets),
                np.array(factors), np.array(order), batch_size, np.array(rates),
                forward, end_batch,
            )
        finally:
            self.is_running = False
            self.release()

    cdef object learn(
        self, Spikes spikes, targets, const double[::1] factors,
        const size_t[::1] order, Py_ssize_t batch_size, const double[::1] rates,
        forward, end_batch,
    ):
        cdef Py_ssize_t n_order = order.shape[0], n_batches, batch, part, n_parts, k
        cdef Py_ssize_t begin, n
        cdef double n_events, since = 0.0, total = 0.0, of_batch
        cdef double[::1] losses
        cdef bint is_measured = forward is not None, is_told = end_batch is not None

        if is_measured and any(shape is not None for shape in self.delay_shapes):
            raise ValueError("layers with delays cannot be trained with forward")
        if is_measured and not self.is_full:
            raise ValueError("only full layers can be trained with forward")
        self.check(spikes)
        are_times = self.training.loss == TTFS_TARGET_TIMES
        targets = _check_targets(
            targets, factors, len(spikes), self.n_outputs, are_times
        )
        if are_times:
            targets = shift(targets, -self.time, "targets")
        if batch_size < 1:
            raise ValueError("batch_size must be positive")
        batch_size = min(batch_size, max(1, n_order))
        n_batches = (n_order + batch_size - 1) // batch_size
        if rates.shape[0] != n_batches:
            raise ValueError(f"rates must have {n_batches} entries")
        for k in range(n_order):
            if order[k] >= <size_t>spikes.n_samples:
                raise ValueError("order has the number of a sample that is not there")
        if n_order == 0:
            return 0.0
        losses = np.empty(batch_size)
        n_events = self.n_events(spikes)
        n_parts = _parts(batch_size, batch_size * n_events)
        spikes = spikes.shifted(-self.time)
        self.prepare(spikes, targets, factors, batch_size, n_parts)
        with nogil:
            for batch in range(n_batches):
                begin = batch * batch_size
                n = min(batch_size, n_order - begin)
                if is_measured:
                    with gil:
                        self.measure(forward, spikes, order[begin : begin + n])
                for part in prange(n_parts, num_threads=n_parts, chunksize=1,
                                   schedule="static"):
                    KERNELS.train_forward(
                        &self.training, &order[begin], n, part, &losses[0]
                    )
                for part in prange(n_parts, num_threads=n_parts, chunksize=1,
                                   schedule="static"):
                    KERNELS.train_backward(&self.training, n, rates[batch], part)
                if n * n_events > SIGNAL_INTERVAL:  # it can still be dropped
                    with gil:
                        PyErr_CheckSignals()
                for part in prange(n_parts, num_threads=n_parts, chunksize=1,
                                   schedule="static"):
                    KERNELS.train_update(&self.training, n, rates[batch], part)
                of_batch = 0.0
                for k in range(n):
                    of_batch += losses[k]
                    total += losses[k]
                if is_told:
                    with gil:
                        end_batch(ldexp(of_batch / n, self.loss_power), n)
                since += n * n_events
                if since > SIGNAL_INTERVAL:
                    since = 0.0
                    with gil:
                        PyErr_CheckSignals()
        PyErr_CheckSignals()
        return ldexp(total / n_order, self.loss_power)

    cdef int release(self) except -1:
        """Let go of the spikes that a batch was measured with."""
        if self.measured is not None:
            self.measured.n_readers -= 1
        self.measured = None
        self.training.measured = NULL
        self.training.measured_peaks = NULL
        return 0

    cdef object inputs(self, Spikes spikes, const size_t[::1] order):
        """The Spikes that enter the network in a batch."""
        cdef Py_ssize_t n = order.shape[0]
        cdef size_t[::1] begin, end
        cdef uint32_t[::1] inputs
        cdef real[::1] times_view
        if self.training.dropout == 0 and self.time == 0:
            return spikes.samples(np.asarray(order))
        size = max(1, n * spikes.max_spikes)
        times = np.empty(size, DTYPE)
        numbers, bounds = np.empty(size, np.uint32), np.empty((2, n), np.uintp)
        begin, end, inputs = bounds[0], bounds[1], numbers
        times_view = times
        KERNELS.train_inputs(&self.training, &order[0], n, &begin[0], &end[0],
                             &times_view[0], &inputs[0])
        entering = _trusted(times, numbers, bounds[0], bounds[1], spikes.n_in)
        return entering.shifted(self.time)

    cdef int measure(
        self, object forward, Spikes spikes, const size_t[::1] order
    ) except -1:
        """Get the spikes of a batch from forward, and point the structs to them."""
        cdef Py_ssize_t n = order.shape[0], k
        cdef LayerSpikes fired
        cdef const real[:, ::1] array
        cdef const real **rows = <const real **>self.pointers.start
        self.release()
        self.fire_with_learning()
        times, peaks = forward(self.inputs(spikes, order), self), None
        weights = None
        if isinstance(times, tuple):
            if len(times) not in (2, 3):
                raise ValueError(
                    "forward must return a list of arrays, or a tuple of that and "
                    f"peaks, and perhaps weights, got a tuple of {len(times)}"
                )
            times, peaks, weights = (*times, None)[:3]
        if isinstance(times, LayerSpikes):
            fired = times
        else:
            fired = self.checked(times, peaks, n)
        self.measured = fired
        fired.n_readers += 1
        self.check_fired(fired, n)
        if weights is not None:
            self.fire_with(weights)
        for k in range(len(self.shapes)):
            array = fired.arrays[k]
            rows[k] = &array[0, 0]
        self.training.measured = rows
        if fired.u_peak is not None:
            array = fired.u_peak
            self.training.measured_peaks = &array[0, 0]
        return 0

    cdef LayerSpikes checked(self, object times, object peaks, Py_ssize_t n):
        """What a callable has returned as the spikes of n samples."""
        cdef LayerSpikes fired = LayerSpikes.__new__(LayerSpikes)
        times = list(times)
        if len(times) != len(self.shapes):
            raise ValueError(
                f"forward must return spike times of {len(self.shapes)} layers, "
                f"got {len(times)}"
            )
        t_max = DTYPE(self.t_max)
        for k, (_, n_out) in enumerate(self.sizes):
            name = f"spike times that forward returns for layer {k}"
            times[k] = _returned(times[k], (n, n_out), DTYPE, name)
            if not np.all(times[k] > -TTFS_TIME_LIMIT):
                raise ValueError(f"{name} must be finite or +inf")
            times[k][times[k] >= t_max] = np.inf
            times[k] = shift(times[k], -self.time, name)
        if peaks is not None:
            name = "peaks that forward returns"
            peaks = _returned(peaks, (n, self.n_outputs), DTYPE, name)
            is_silent = times[len(times) - 1] == np.inf
            if not np.all(np.abs(peaks[is_silent]) < TTFS_TIME_LIMIT):
                raise ValueError(f"{name} must be finite where an output is silent")
            peaks = _outward(peaks, -self.threshold)
        fired.arrays, fired.u_peak = times, peaks
        fired.time, fired.t_max = self.time, self.net.t_max
        return fired

    cdef int check_fired(self, LayerSpikes fired, Py_ssize_t n) except -1:
        """Raise ValueError unless these are spikes of this network in n samples."""
        shapes = [(n, n_out) for _, n_out in self.sizes]
        if fired.arrays is None or [np.shape(a) for a in fired.arrays] != shapes:
            raise ValueError("LayerSpikes are of another network or batch")
        of_outputs = n, self.n_outputs
        if fired.u_peak is not None and np.shape(fired.u_peak) != of_outputs:
            raise ValueError("peaks of LayerSpikes are of another network or batch")
        if fired.time != self.time or fired.t_max > self.net.t_max:
            raise ValueError("LayerSpikes are in other units or have a later t_max")
        return 0

    def prune(self, k, double least):
        """Set the weights of layer k whose magnitude is at most `least` to 0.

        RuntimeError in an epoch. The rows of a read-out must be in another layer.
        """
        cdef AlignedBuffer packed
        cdef real *weights
        cdef real limit = <real>ldexp(least, -self.threshold)
        cdef size_t i, n
        if self.is_running:
            raise RuntimeError("this trainer is in an epoch")
        n_in, n_out = self.shapes[k]
        packed = (self.packed if self.shadows is None else self.shadows)[k]
        weights, n = <real *>packed.start, KERNELS.packed_size(n_in, n_out)
        for i in range(n):
            if -limit <= weights[i] <= limit:
                weights[i] = 0

    def round(self, steps, max_weights, list out):
        """Write the weights that learn to arrays, as integers.

        Parameters
        ----------
        steps : sequence of float
            Weight of the integer 1 in each layer.
        max_weights : sequence of int
            Greatest magnitude of an integer.
        out : list of ndarray of shape (n_in, n_out), int16
            Rows are contiguous.
        """
        cdef int16_t[:, :] rows
        cdef AlignedBuffer packed
        cdef Py_ssize_t k, row_bytes
        cdef real scale
        if not len(steps) == len(max_weights) == len(out) == len(self.shapes):
            raise ValueError("there must be one entry for each layer")
        learned = self.packed if self.shadows is None else self.shadows
        for k, (n_in, n_out) in enumerate(self.shapes):
            rows, packed = out[k], learned[k]
            _same_shape(rows, n_in, n_out, "out")
            row_bytes = rows.strides[0]
            if rows.strides[1] != sizeof(int16_t) or row_bytes % sizeof(int16_t):
                raise ValueError("rows of out must be contiguous")
            step = ldexp(steps[k], -self.threshold)
            if not step > 0:
                raise ValueError("steps must be positive")
            scale = 1 / step
            KERNELS.round(
                <real *>packed.start, n_in, n_out, scale, max_weights[k], &rows[0, 0],
                row_bytes // sizeof(int16_t),
            )

    cdef int prepare(
        self, Spikes spikes, object targets, const double[::1] factors,
        Py_ssize_t batch_size, Py_ssize_t n_parts,
    ) except -1:
        """Point the structs to the data; make a workspace for a batch."""
        cdef size_t size
        cdef const size_t[::1] labels
        cdef const double[:, ::1] times
        self.data = spikes, targets, factors
        if self.training.loss == TTFS_TARGET_TIMES:
            times = targets
            self.training.targets = &times[0, 0]
        else:
            labels = targets
            self.training.labels = &labels[0]
        self.training.spikes = spikes.view()
        self.training.factors = &factors[0]
        self.training.max_samples, self.training.n_parts = batch_size, n_parts
        self.training.max_spikes = spikes.max_spikes
        size = KERNELS.training_workspace_size(&self.training)
        if self.workspace is None or <size_t>len(self.workspace.buffer) < size + 64:
            self.workspace = AlignedBuffer(size)
        self.training.workspace = self.workspace.start
        return 0
