"""The functions of an exported model, as C.

Names begin with "PREFIX_", and macros with "NAME_"; WEIGHT is the type of weights,
FEATURE that of raw features.
"""

import re
from dataclasses import dataclass
from textwrap import indent


@dataclass(frozen=True)
class Functions:
    """Functions of a model that belong together."""

    declarations: str  # prototypes, with comments for users
    bodies: dict[str, str]  # their statements by name, without "PREFIX_"
    before: str = ""  # what they need besides

    @property
    def definitions(self):
        """What the functions do."""
        parts = [self.before] if self.before else []
        for name, body in self.bodies.items():
            prototype = rf"^\w.*PREFIX_{name}\(.*\)(?=;$)"
            head = re.search(prototype, self.declarations, re.MULTILINE)[0]
            parts.append(f"{head}\n{{\n{indent(body.rstrip(), '    ')}\n}}\n")
        return "\n".join(parts)


INFERENCE = Functions(
    """\
/* The number of the class that a sample is of, see CLASSES. It ends with the decision.
 * ticks      of each channel, see INPUT; the number of ticks or more: no spike. */
int PREFIX_infer(const uint16_t ticks[NAME_N_CHANNELS]);

/* The same, and how clear it is: by how many ticks the output neuron that is next to
 * decide comes later than the one that does. Silent ones come after the end, by what
 * the peak of their membrane missed, as in learning. */
int PREFIX_margin(const uint16_t ticks[NAME_N_CHANNELS], uint32_t *margin);

/* What the output neuron of each class did in the last call: the tick of its spike, or
 * the number of ticks if it was silent; its membrane at the spike, or the greatest if
 * it was silent. The earliest spike decides, among equal ticks the higher membrane.
 * After PREFIX_infer() and a sample spike by spike only what the decision needed is
 * known: that of the neuron that decides, or of all if all are silent. */
const uint16_t *PREFIX_output_ticks(void);
const int16_t *PREFIX_output_u(void);
""",
    {
        "infer": "return (int)ENGINE_class(&PREFIX_work, ticks);",
        "margin": ("return (int)ENGINE_class_and_margin(&PREFIX_work, ticks, margin);"),
        "output_ticks": "return PREFIX_states[NAME_N_LAYERS - 1].ticks;",
        "output_u": "return PREFIX_states[NAME_N_LAYERS - 1].u;",
    },
)

EVENTS = Functions(
    """\
/* A sample spike by spike: PREFIX_begin(), then each spike when it comes, in the
 * order of ticks, those of one tick in any order; and PREFIX_advance(tick) when all
 * spikes before a tick have come, which PREFIX_spike() also says. Both return the
 * class as soon as an output neuron has fired up to this tick, else -1; at the number
 * of ticks there is always one. The classes are those of PREFIX_infer().
 * Only the first spike of a channel counts; others, and those of channels that are not
 * there, change nothing. A spike that comes late, before a tick that the functions
 * have been told of, acts at that tick. What takes a whole sample ends one that has
 * begun, as PREFIX_infer() does: spikes change nothing until PREFIX_begin(). */
void PREFIX_begin(void);
int PREFIX_spike(uint16_t channel, uint16_t tick);
int PREFIX_advance(uint16_t tick);
""",
    {
        "begin": "ENGINE_open(&PREFIX_work);",
        "spike": """\
const int decision = PREFIX_advance(tick);
if (decision < 0 && channel < NAME_N_CHANNELS) {
    ENGINE_add_spike(&PREFIX_work, channel, tick);
}
return decision;
""",
        "advance": "return (int)ENGINE_advance_to(&PREFIX_work, tick);",
    },
)

LEARNING = Functions(
    """\
/* Learn that a sample is of class `label`. Returns the number of the class that it was
 * taken for before; -1, having done nothing, if there is no class `label`.
 * ticks      as above; spikes that were deleted (input dropout) are gone afterwards. */
int PREFIX_learn(uint16_t ticks[NAME_N_CHANNELS], int label);

/* The stored weights of a layer, from 0: one row for each input, biases last, and one
 * column for each neuron. */
WEIGHT *PREFIX_weights(int layer);

/* All that learning changes: weights, random registers, and how silent neurons have
 * been, to be kept over a loss of power. It ends with a checksum. PREFIX_restore()
 * returns 0; or -1, having done nothing, if that is no state of this model. */
void PREFIX_save(uint8_t state[NAME_STATE_SIZE]);
int PREFIX_restore(const uint8_t state[NAME_STATE_SIZE]);
""",
    {
        "learn": """\
if (label < 0 || label >= NAME_N_CLASSES) return -1;
return (int)ENGINE_learn_sample(&PREFIX_work, ticks, (uint16_t)label);
""",
        "weights": "return PREFIX_layers[layer].weights;",
        "save": """\
ttfs_device_save_parts(PREFIX_parts, N_PARTS, UINT32_C(MODEL_NUMBER), state);
""",
        "restore": """\
return ttfs_device_restore_parts(PREFIX_parts, N_PARTS, UINT32_C(MODEL_NUMBER),
                                 state);
""",
    },
)

FEATURES = Functions(
    """\
/* Ticks of raw features, for the functions above; what the method encode() of
 * export.integer_encoder() gives. */
void PREFIX_encode(const FEATURE x[NAME_N_FEATURES], uint16_t ticks[NAME_N_CHANNELS]);

/* PREFIX_infer() of raw features. */
int PREFIX_classify(const FEATURE x[NAME_N_FEATURES]);
""",
    {
        "encode": "ENCODE(&PREFIX_encoding, x, ticks);",
        "classify": """\
static uint16_t ticks[NAME_N_CHANNELS];

PREFIX_encode(x, ticks);
return PREFIX_infer(ticks);
""",
    },
)

# How a self-test finds the ticks of a sample: among its data, or by its features.
_TICKS = """\
static uint16_t PREFIX_test_sample[NAME_N_CHANNELS];

static void PREFIX_take_sample(uint32_t n)
{
    /* volatile: a loop that only copies may become a call of memcpy. */
    volatile uint16_t *ticks = PREFIX_test_sample;
    for (uint16_t c = 0; c < NAME_N_CHANNELS; ++c) {
        ticks[c] = PREFIX_test_ticks[n * NAME_N_CHANNELS + c];
    }
}
"""
_TICKS_OF_FEATURES = """\
static uint16_t PREFIX_test_sample[NAME_N_CHANNELS];
static FEATURE PREFIX_test_x[NAME_N_FEATURES];

static void PREFIX_take_sample(uint32_t n)
{
    /* volatile: a loop that only copies may become a call of memcpy. */
    volatile FEATURE *x = PREFIX_test_x;
    for (uint16_t i = 0; i < NAME_N_FEATURES; ++i) {
        x[i] = PREFIX_test_features[n * NAME_N_FEATURES + i];
    }
    PREFIX_encode(PREFIX_test_x, PREFIX_test_sample);
}
"""

_SELF_TEST = """\
uint32_t margin;

for (int n = 0; n < N_SAMPLES; ++n) {
    const uint32_t first = (uint32_t)n * NAME_N_CLASSES;
    const int label = (int)PREFIX_test_labels[n];
    PREFIX_take_sample((uint32_t)n);
    if (PREFIX_test_spikes() != label) return n + 1;
    if (PREFIX_infer(PREFIX_test_sample) != label) return n + 1;
    if (PREFIX_margin(PREFIX_test_sample, &margin) != label) return n + 1;
    for (uint16_t k = 0; k < NAME_N_CLASSES; ++k) {
        const uint16_t tick = PREFIX_test_output_ticks[first + k];
        const int16_t u = PREFIX_test_output_u[first + k];
        if (PREFIX_output_ticks()[k] != tick) return n + 1;
        if (PREFIX_output_u()[k] != u) return n + 1;
    }
}
return 0;
"""
_SPIKES = """\
/* The class of the sample, spike by spike. */
static int PREFIX_test_spikes(void)
{
    PREFIX_begin();
    for (uint16_t t = 0; t < NAME_N_TICKS; ++t) {
        for (uint16_t c = 0; c < NAME_N_CHANNELS; ++c) {
            if (PREFIX_test_sample[c] != t) continue;
            const int decision = PREFIX_spike(c, t);
            if (decision >= 0) return decision;
        }
    }
    return PREFIX_advance(NAME_N_TICKS);
}
"""


def self_test_functions(*, of_features):
    """The self-test of a model, whose samples are raw features or ticks."""
    return Functions(
        """\
/* Infer samples whose results are known, in each way. Returns 0; or the number, from 1,
 * of the first one whose class, spikes or membranes differ. The results are those of
 * the model as it was exported: before it learns, and before a state is restored. */
int PREFIX_self_test(void);
""",
        {"self_test": _SELF_TEST},
        before=f"{_TICKS_OF_FEATURES if of_features else _TICKS}\n{_SPIKES}",
    )
