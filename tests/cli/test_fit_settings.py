"""`chainrule fit --set NAME=VALUE`, `--checkpoint` and `--resume`."""

import signal

import pytest

import chainrule

QUICK = ["--hidden", "8,8", "--epochs", "3"]
DEAR = ["houses.csv", "--target", "dear", "--ignore", "price"]
PRICE = ["houses.csv", "--target", "price"]


def settings(*texts):
    return [part for text in texts for part in ("--set", text)]


def test_parameters_reach_the_network(in_process, table, tmp_path):
    done = in_process(
        "fit", *DEAR, *QUICK, "--activation", "gelu,prelu", "--out", "m",
        *settings("solver=adamw", "dropout=[0.1, 0]", "layer_norm=true", "schedule=Cosine(warmup=0.2)",
                  "clip-norm=1", "class_weight={'true': 2, 'false': 1}", "scoring=neg_log_loss",
                  "label_smoothing=1e-2", "max_time=60", "initializer=he_normal"),
    ).succeeds()  # fmt: skip
    assert "gelu-prelu, sigmoid output" in done.out
    assert "adamw, learning rate 0.001, " in done.out
    assert "dropout=[0.1, 0]" in done.out
    assert "class_weight={True: 2, False: 1}" in done.out
    assert "schedule=CosineSchedule(warmup=0.2" in done.out
    assert "label_smoothing=0.01" in in_process("info", "m").succeeds().out
    estimator = chainrule.load(tmp_path / "m").estimator
    assert estimator.schedule == chainrule.CosineSchedule(warmup=0.2)
    assert estimator.class_weight == {0: 1, 1: 2}
    assert estimator.norm_gains_[0].shape == (8,)
    assert (estimator.clip_norm, estimator.label_smoothing, estimator.scoring) == (1, 0.01, "neg_log_loss")


@pytest.mark.parametrize(
    "texts",
    [
        ["solver=lbfgs"],
        ["solver=rprop"],
        ["solver=SGD(0.05, momentum=0.5, nesterov=True)"],
        ["loss=Huber(delta=0.5)", "learning_rate_factors=[1, 0.5, 0.1]"],
        ["loss=poisson"],
        ["loss=quantile", "quantiles=0.9"],
    ],
)
def test_solvers_and_losses(in_process, table, texts):
    done = in_process("fit", *PRICE, *QUICK, *settings(*texts)).succeeds()
    assert "R²" in done.out


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("drop=0.1", ["there is no parameter 'drop'", "did you mean 'dropout'?", "label_smoothing"]),
        ("dropout", ["got 'dropout', expected NAME=VALUE such as dropout=0.1"]),
        ("dropout=", ["expected NAME=VALUE"]),
        ("alpha=1", ["'alpha' has an option of its own, --l2"]),
        ("patience=1", ["--patience"]),
        ("learning_rate=adaptive", ["'learning_rate' has an option of its own, --learning-rate"]),
        ("callbacks=print", ["'callbacks' cannot be set: it has a callback of its own"]),
        ("dropout=1.5", ["'dropout' parameter of MLPRegressor", "range [0.0, 1.0)", "Got 1.5"]),
        ("solver=adm", ["Got 'adm'", "Did you mean 'adam'?"]),
        ("loss=huberr", ["Did you mean 'huber'?"]),
        ("loss=Hubr(delta=1)", ["loss is 'Hubr(delta=1)'", "or one of", "Huber"]),
        ("loss=Huber(delta=-1)", ["loss=Huber(delta=-1): ", "delta"]),
        ("loss=Huber(dleta=1)", ["loss=Huber(dleta=1): ", "dleta"]),
        ("solver=SGD(open('x'))", ["solver is \"SGD(open('x'))\""]),
        ("label_smoothing=0.1", ["'label_smoothing' is no parameter for regression"]),
        ("class_weight=balanced", ["'class_weight' is no parameter for regression"]),
        ("scoring=r3", ["scoring has 'r3'"]),
    ],
)
def test_what_cannot_be_set(in_process, table, text, words):
    in_process("fit", *PRICE, *QUICK, "--set", text).fails(2, *words)


def test_a_setting_twice(in_process, table):
    in_process("fit", *PRICE, *settings("dropout=0.1", "dropout=0.2")).fails(2, "got 'dropout' twice")


def test_activations_one_for_each_layer(in_process, table):
    in_process("fit", *PRICE, *QUICK, "--activation", "relu,tanh,relu").fails(
        2, "got 3 names, expected one for all or one for each of 2 hidden layers"
    )
    in_process("fit", *PRICE, *QUICK, "--activation", "relu,tahn").fails(2, "did you mean 'tanh'?")


def test_a_checkpoint_replaces_no_other_file(in_process, table, tmp_path):
    before = table.read_bytes()
    in_process("fit", *PRICE, *QUICK, "-q", "--checkpoint", "houses.csv").fails(
        1, "houses.csv exists and is no model file, so no checkpoint replaces it", after="Task "
    )
    assert table.read_bytes() == before


def test_resume_needs_a_checkpoint(in_process, table):
    in_process("fit", *PRICE, "--resume").fails(2, "needs --checkpoint FILE")


@pytest.mark.slow
def test_a_killed_fit_goes_on_to_the_same_model(run, start, table, tmp_path):
    options = [*PRICE, "--hidden", "8", "--epochs", "400", "--patience", "400",
               *settings("dropout=0.2", "solver=adamw", "schedule=cosine")]  # fmt: skip
    run("fit", *options, "--out", "whole").succeeds()
    process = start("fit", *options, "--checkpoint", "c", "--resume", "--out", "again", directory=tmp_path)
    for line in process.stderr:
        if line.startswith("epoch   20"):
            break
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert not (tmp_path / "again").exists()
    done = run("fit", *options, "--checkpoint", "c", "--resume", "--out", "again").succeeds()
    assert not done.err.startswith("epoch    1")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "whole").read_bytes()
