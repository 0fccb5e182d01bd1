"""A sitting as tables, as a JSON record and as a picture."""
