"""Numbers as the page writes them, read back."""

import numpy as np


def number(text):
    """A number with the minus sign of typography."""
    return float(text.replace("−", "-"))


def matrix(figure):
    """The full values of a matrix on the page: each cell's title holds one."""
    cells = figure.locator("td[data-i]")
    found = cells.evaluate_all("cells => cells.map(c => [c.dataset.i, c.dataset.j, c.title.split('= ')[1]])")
    rows = sorted({int(i) for i, _, _ in found})
    return np.array([[number(text) for i, _, text in found if int(i) == row] for row in rows])
