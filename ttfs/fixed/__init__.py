"""The model in integers: what it consists of, and how it is made from real numbers.

The specification is docs/spec/fixed_point.md, whose sections are cited here by
number. Its arithmetic is the C core `ttfs._fixed`.

- :mod:`ttfs.fixed.network` - the integers of a layer and of a network, and their limits
- :mod:`ttfs.fixed.decimals` - numbers with the same digits on every platform
- :mod:`ttfs.fixed.shifts` - decays by shifts, and the time constants that they realise
- :mod:`ttfs.fixed.tables` - tables and numbers that follow from real parameters
- :mod:`ttfs.fixed.build` - a network in integers like one of real numbers
"""
