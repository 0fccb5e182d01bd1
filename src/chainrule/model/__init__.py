"""What `Network` and the estimators share: shape, parameters, first values, rows, losses of one's own."""
