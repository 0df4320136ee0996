# S4NN: the bindings of src/baselines/s4nn.c.
