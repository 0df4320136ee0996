"""Networks whose neurons fire several times, or whose outputs do not fire."""
