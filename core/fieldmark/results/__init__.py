"""How good a model is, and where: slices, reliability, poorer photos, two trainings compared, one photo looked into."""
