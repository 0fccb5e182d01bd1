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


# Without the address and the whole derivation, which have tests of their own and would be nine tenths of the
# time that the walk takes.
EVERY_STEP = """(read) => {
  const next = document.querySelector('[data-go=next]'), derivation = document.querySelector('#derivation');
  const n = Number(document.querySelector('#slider').max) + 1, found = [];
  history.replaceState = () => {};
  derivation.hidden = true;
  document.querySelector('[data-go=first]').click();
  for (;;) {
    found.push(eval(read));
    if (found.length === n) break;
    next.click();
  }
  delete history.replaceState;
  derivation.hidden = false;
  return found;
}"""


def at_every_step(page, read):
    """What a JavaScript expression gives at each step. (eval is of the test, not of the page.)"""
    return page.evaluate(EVERY_STEP, read)
