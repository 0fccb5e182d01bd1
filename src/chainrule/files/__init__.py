"""The envelope of model files and files that appear whole or not at all. Knows models by name only."""
