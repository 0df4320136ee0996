/* S4NN: first spikes in stepped time. */
#include "ttfs_baselines.h"
