"""What people do to a dataset: decide, put aside, audit, seal a test, freeze a version, ask for labels."""
