# Rate code: the bindings of src/baselines/rate.c.
