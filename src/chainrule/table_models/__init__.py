"""Answers out: a question put to a table, fitted, evaluated; `TableModel`, which knows its columns."""
