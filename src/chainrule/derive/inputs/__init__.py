"""Steps of the input layers, E11 and E13-E15: one file for each kind, and the order of them all."""
