/* Rate code: integrate-and-fire neurons that stand for a ReLU network. */
#include "ttfs_baselines.h"
