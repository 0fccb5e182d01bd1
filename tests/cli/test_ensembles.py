"""`chainrule fit` without a word of a network, and what the other commands make of its model."""

import pytest

DEAR = ["houses.csv", "--target", "dear", "--ignore", "price"]


@pytest.fixture
def ensemble(in_process, table):
    return in_process("fit", *DEAR, "--time-budget", "0.5", "--out", "m").succeeds()


def test_the_report_says_what_was_fitted(ensemble):
    assert "done, at most" in ensemble.err
    assert "96 to train and choose, 24 to test" in ensemble.out
    assert "Preset" not in ensemble.out
    assert "preset default" in ensemble.out
    assert "weight " in ensemble.out
    head = next(line for line in ensemble.out.splitlines() if line.startswith("Test rows (24)"))
    assert [name for name in ("ensemble", "best network alone", "most frequent class") if name in head][2:]


def test_all_commands_take_the_model(ensemble, in_process, tmp_path):
    assert "Ensemble" in in_process("info", "m").succeeds().out
    assert "best network alone" in in_process("evaluate", "m", "houses.csv").succeeds().out
    asked = ["predict", "m", "houses.csv", "--proba", "--keep", "rooms"]
    assert len(in_process(*asked).succeeds().out.splitlines()) == 121
    explained = in_process("explain", "m", "houses.csv", "--repeats", "1").succeeds().out
    assert "accuracy lost" in explained
    assert "m.c: " in in_process("export", "m", "--to", "m.c").succeeds().out
    derived = in_process("derive", "m", "--table", "houses.csv", "--row", "3").succeeds().out
    assert "network" in derived.splitlines()[3]
    assert "Member(" in derived.splitlines()[3]
    assert "2π ξ₁ ω₁ + θ₁" in derived
    done = in_process("derive", "m", "--lang", "zh", "--python", "m.py").succeeds().out.splitlines()
    assert "该模型" in done[0]
    assert done[1] == "wrote m.py"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--epochs", "2"], "--epochs"),
        (["--hidden", "4", "--epochs", "2"], "--hidden"),
        (["--set", "max_iter_=2"], None),
        (["--set", "dropout=0.1", "--set", "max_time=0.1"], "--set dropout"),
        (["--checkpoint", "c"], "--checkpoint"),
    ],
)
def test_what_describes_one_network_is_said(in_process, table, options, said):
    done = in_process("fit", *DEAR, "-q", *options)
    if said is None:
        done.fails(2, "max_iter_")
    else:
        assert f"plain: {said} asks for one network" in done.succeeds().out
        assert "Network" in done.out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--preset", "quick"], ["'--preset'", "expected one of fast"]),
        (["--preset", "fast", "--epochs", "3"], ["'--preset'", "epochs"]),
        (["--time-budget", "0"], ["'--time-budget'", "positive"]),
        (["--folds", "1"], ["'--folds'", "at least 2"]),
        (["--preset", "plain", "--folds", "3"], ["'--folds'", "not for plain"]),
    ],
)
def test_careless_presets(in_process, table, options, words):
    in_process("fit", *DEAR, *options).fails(2, *words)


def test_a_picture_of_what_columns_are_worth(in_process, price_model, table, tmp_path):
    pytest.importorskip("matplotlib")
    in_process("explain", price_model, "houses.csv", "--out", "p.svg", "--repeats", "1").succeeds()
    assert (tmp_path / "p.svg").read_text().startswith("<?xml")
    in_process("explain", price_model, "houses.csv", "--out", "p.gif").fails(2, "'--out'", ".svg")
    in_process("explain", price_model, "houses.csv", "--out", "houses.csv").fails(2, "'--out'")
    in_process("explain", price_model, "houses.csv", "--target", "prise").fails(2, "did you mean 'price'?")
    in_process("explain", price_model, "houses.csv", "--metric", "accuracy").fails(2, "'--metric'", "rmse")


def test_what_an_interrupted_fit_keeps(in_process, table, tmp_path, monkeypatch):
    from chainrule.tabular.training import Training

    usual = Training.train

    def train(self, candidates, until):
        usual(self, candidates[:1], until)
        raise KeyboardInterrupt

    options = [*DEAR, "-q", "--preset", "fast", "--folds", "2", "--out", "m"]
    with monkeypatch.context() as patch:
        patch.setattr(Training, "train", train)
        done = in_process("fit", *options, "--checkpoint", "c")
        assert done.code == 130
        assert done.err == (
            "interrupted; c has what was finished; --checkpoint c --resume goes on from there\n"
        )
        assert in_process("fit", *options).err == "interrupted; nothing was written\n"
    assert not (tmp_path / "m").exists()
    in_process("fit", *options, "--checkpoint", "c", "--resume").succeeds()
    whole = (tmp_path / "m").read_bytes()
    in_process("fit", *options, "--force").succeeds()
    predict = ["predict", "m", "houses.csv", "--proba"]
    fresh = in_process(*predict).succeeds().out
    (tmp_path / "m").write_bytes(whole)
    assert in_process(*predict).succeeds().out == fresh
