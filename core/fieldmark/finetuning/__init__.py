"""Training a whole network: architectures, schedule, loop, checkpoints, and the way to a graph."""
