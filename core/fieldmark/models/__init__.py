"""What a model file is made of and runs on: graphs, engine, card, familiarity, the tries before it counts."""
