"""Fitting a head on frozen features: the objective, its solver, cross-validation, temperature."""
