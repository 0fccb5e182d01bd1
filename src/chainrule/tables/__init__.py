"""Tables in: columns, targets, preprocessing, and `TableModel`, a model with its table's columns."""
