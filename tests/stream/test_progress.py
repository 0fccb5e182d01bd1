"""What is shown of rows that are streamed: how many there are, how many a second, how long it still takes."""

import io
import itertools
import re

import pytest
import rich.console

from chainrule import MLPClassifier, Network
from chainrule.cli.progress import Bar, Progress, Reading
from chainrule.estimators import ProgressBar
from chainrule.stream import ParquetRows
from chainrule.table_models.training import Epoch
from chainrule.training import pace
from chainrule.training.pace import Pace, RowMeter

from .conftest import FEATURES

pytestmark = pytest.mark.filterwarnings("ignore:.*hasn't converged")
PACE = r"1,600 rows, [\d,]+ rows/s, at most \S+ (s|min) left"


@pytest.fixture
def rows(folder):
    return ParquetRows(folder, "label", FEATURES, window=0.2)


def test_the_time_left_is_that_of_all_epochs_at_the_pace_so_far():
    ticks = itertools.count(0.0, 10.0)
    meter = RowMeter(100, 4, clock=lambda: next(ticks))
    told = []
    meter.told = told.append
    for _ in range(3):
        meter.rows_pass(25)
    assert told == [Pace(25, 100, 2.5, 150.0), Pace(50, 100, 2.5, 140.0), Pace(75, 100, 2.5, 130.0)]
    meter.epochs_end(1)
    assert meter.pace == Pace(100, 100, 2.5, 120.0)
    meter.epochs_end(3)
    assert meter.pace.seconds_left == 0.0


def test_verbose_prints_it_beside_the_loss(rows, capsys):
    MLPClassifier((8,), row_blocks=4, max_iter=3, verbose=True).fit(rows, None)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    for number, line in enumerate(lines, start=1):
        assert re.fullmatch(rf"Iteration {number}, loss = \d\.\d{{8}}, {PACE}", line), line


def test_an_epoch_that_takes_long_has_lines_of_its_own(rows, capsys, monkeypatch):
    monkeypatch.setattr("chainrule.estimators.stopping.BETWEEN_LINES", -1.0)
    monkeypatch.setattr("chainrule.cli.progress.BETWEEN_LINES", -1.0)
    MLPClassifier((8,), row_blocks=4, max_iter=1, verbose=True).fit(rows, None)
    lines = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"Iteration 1: [\d,]+ of 1,600 rows, .* left", lines[0]), lines
    assert len(lines) == 6
    show = Progress("classification", 9)
    show.rows_pass(Pace(500, 1600, 100.0, 30.0))
    show(Epoch(1, 0.5, None, True, 1.0, pace=Pace(1600, 1600, 100.0, 20.0)))
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "epoch    1  500 of 1,600 rows, 100 rows/s, at most 30 s left"
    assert lines[1] == "epoch    1  loss 0.5000 *  1,600 rows, 100 rows/s, at most 20 s left"


def test_a_table_that_takes_long_to_read_has_lines(capsys, monkeypatch):
    show = Reading()
    show(Pace(500, 1600, 100.0, 30.0))
    monkeypatch.setattr("chainrule.cli.progress.BETWEEN_LINES", -1.0)
    show(Pace(700, 1600, 100.0, 25.0))
    assert capsys.readouterr().err == "reading  700 of 1,600 rows, 100 rows/s, at most 25 s left\n"


def test_a_bar_shows_it(rows, monkeypatch):
    console = rich.console.Console(file=io.StringIO(), width=150)
    with ProgressBar(2, console) as bar:
        MLPClassifier((8,), row_blocks=4, max_iter=2, callbacks=bar).fit(rows, None)
    assert re.search(rf"loss \d.*  {PACE}", console.file.getvalue())
    shown = Bar("classification", 9)
    shown.rows_pass(Pace(500, 1600, 100.0, 30.0))
    assert shown.bar.tasks[0].description == "500 of 1,600 rows, 100 rows/s, at most 30 s left"
    shown(Epoch(1, 0.5, None, True, 1.0, pace=Pace(1600, 1600, 100.0, 20.0)))
    shown.rows_pass(Pace(500, 1600, 100.0, 10.0))
    wanted = "loss 0.5000  500 of 1,600 rows, 100 rows/s, at most 10 s left"
    assert shown.bar.tasks[0].description == wanted


class Watching:
    """A callback that is told of windows, too."""

    def __init__(self):
        self.windows, self.epochs = [], []

    def __call__(self, record):
        self.epochs.append(record.pace)

    def rows_pass(self, pace):
        self.windows.append(pace)


@pytest.mark.parametrize("streamed", [True, False])
def test_callbacks_are_given_it(streamed, rows, folder, data):
    watching = Watching()
    x, y = (rows, None) if streamed else (data["x"], data["label"])
    MLPClassifier((8,), row_blocks=4, max_iter=2, callbacks=watching).fit(x, y)
    numbers = ParquetRows(folder, "number", FEATURES, window=0.2)
    x, y = (numbers, None) if streamed else (data["x"], data["number"])
    Network([3, 4, 1], random_state=0).train(x, y, epochs=2, row_blocks=4, callback=watching)
    assert [one.n_rows for one in watching.epochs] == [1600] * 4
    assert all(one.rows_per_second > 0 for one in watching.epochs)
    assert [one.seconds_left == 0 for one in watching.epochs] == [False, True] * 2
    if streamed:
        assert len(watching.windows) == 20
        counts = [one.n_rows for one in watching.windows]
        assert all(a < b for a, b in itertools.pairwise(counts[:5]))
        assert counts[4::5] == [1600] * 4
    else:
        assert not watching.windows
    assert pace.duration(1e9).endswith("h")
