"""Cost models of published figures, by name."""

from .cost_model import CostModel

# Steps of a tau_syn on chips with a clock: our choice, see docs/guide/energy.md.
_STEPS = 16
_STEPS_OF_1_MS = {"steps": _STEPS, "tau_syn": _STEPS * 1e-3}
_HOROWITZ = (
    "M. Horowitz, 'Computing's energy problem (and what we can do about it)', ISSCC "
    "(2014): 45 nm, 0.9 V"
)
_HOEPPNER = (
    "S. Höppner et al., 'Dynamic power management for neuromorphic many-core systems', "
    "IEEE Transactions on Circuits and Systems I 66, 2973-2986 (2019)"
)

# A memory of 32 KB takes 20 pJ for a read of 64 bits [J], which are 8 weights.
_READ_INT8 = 20e-12 / 8
_ADD_INT32, _MULTIPLY_INT8 = 0.1e-12, 0.2e-12

#: Cost models by name: see docs/guide/energy.md for what they cover.
COST_MODELS = {
    model.name: model
    for model in (
        CostModel(
            "brainscales2",
            "J. Göltz, L. Kriener et al., Nature Machine Intelligence 3, 823-835 "
            "(2021): 20,800 images/s at 8.4 µJ, which is 0.175 W; 256-246-10",
            power=8.4e-6 * 20_800,
            min_duration=1 / 20_800,
            tau_syn=6e-6,
        ),
        CostModel(
            "loihi",
            "M. Davies et al., 'Loihi: a neuromorphic manycore processor with on-chip "
            "learning', IEEE Micro 38, 82-99 (2018): of simulations before fabrication",
            kind="published",
            event_energy=23.6e-12,
            update_energy=81e-12,
            steps=_STEPS,
        ),
        CostModel(
            "truenorth",
            "P. A. Merolla et al., 'A million spiking-neuron integrated circuit with a "
            "scalable communication network and interface', Science 345, 668-673 "
            "(2014): the power of the whole chip by its events, at 20 Hz",
            kind="measured",
            event_energy=26e-12,
            **_STEPS_OF_1_MS,
        ),
        CostModel(
            "spinnaker",
            _HOEPPNER,
            kind="measured",
            event_energy=13.3e-9,
            update_energy=26e-9,
            **_STEPS_OF_1_MS,
        ),
        CostModel(
            "spinnaker2",
            f"{_HOEPPNER}: a prototype",
            kind="measured",
            event_energy=450e-12,
            update_energy=2.19e-9,
            **_STEPS_OF_1_MS,
        ),
        CostModel(
            "cmos45-float32",
            f"{_HOROWITZ}; an event is an add",
            event_energy=0.9e-12,
            is_causal=True,
            mac_energy=(0.9 + 3.7) * 1e-12,
        ),
        CostModel(
            "cmos45-int32",
            f"{_HOROWITZ}; an event is an add",
            event_energy=0.1e-12,
            is_causal=True,
            mac_energy=(0.1 + 3.1) * 1e-12,
        ),
        CostModel(
            "cmos45-int8",
            f"{_HOROWITZ}; 8-bit weights in memories of 32 KB, 8 of them in a read; an "
            "event is a read and a 32-bit add, a multiply-accumulate has an 8-bit "
            "product too",
            event_energy=_READ_INT8 + _ADD_INT32,
            stops_early=True,
            is_causal=True,
            mac_energy=_READ_INT8 + _MULTIPLY_INT8 + _ADD_INT32,
        ),
        CostModel(
            "odin",
            "C. Frenkel et al., 'A 0.086-mm2 12.7-pJ/SOP 64k-synapse 256-neuron "
            "online-learning digital spiking neuromorphic processor in 28-nm CMOS', "
            "IEEE Transactions on Biomedical Circuits and Systems 13, 145-158 (2019)",
            kind="measured",
            event_energy=12.7e-12,
        ),
        CostModel(
            "reckon",
            "C. Frenkel, G. Indiveri, 'ReckOn: a 28nm sub-mm2 task-agnostic spiking "
            "recurrent neural network processor enabling on-chip learning over "
            "second-long timescales', ISSCC (2022): at 0.5 V",
            kind="measured",
            event_energy=5.3e-12,
        ),
        CostModel(
            "anp-i",
            "J. Zhang et al., 'ANP-I: a 28-nm 1.5-pJ/SOP asynchronous spiking neural "
            "network processor enabling sub-0.1-µJ/sample on-chip learning for edge-AI "
            "applications', IEEE Journal of Solid-State Circuits 59, 2717-2729 (2024): "
            "at 0.56 V",
            kind="measured",
            event_energy=1.5e-12,
        ),
        CostModel(
            "tianjic",
            "L. Deng et al., 'Tianjic: a unified and scalable chip bridging "
            "spike-based and continuous neural computation', IEEE Journal of "
            "Solid-State Circuits 55, 2228-2246 (2020), as listed by G. Tang et al., "
            "'SENECA: building a fully digital neuromorphic processor', Frontiers in "
            "Neuroscience 17 (2023), table 3",
            kind="published",
            event_energy=1.54e-12,
        ),
    )
}


def check_cost_model(model):
    """A cost model, or None, from one or from its name."""
    if model is None or isinstance(model, CostModel):
        return model
    if not isinstance(model, str):
        raise TypeError(
            "cost_model must be a CostModel, the name of one, or None; got "
            f"{type(model).__name__}"
        )
    if model not in COST_MODELS:
        raise ValueError(
            f"unknown cost_model {model!r}: choose from {', '.join(COST_MODELS)}, or "
            "make a ttfs.energy.CostModel"
        )
    return COST_MODELS[model]
