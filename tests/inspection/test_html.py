"""The network drawn: complete, well-formed, without scripts and colors of its own for text."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
import sklearn
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_iris
from sklearn.ensemble import VotingClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from chainrule import SGD, CosineSchedule, MLPClassifier, Network
from chainrule.description import Description, Layer, describe
from chainrule.inspection.drawing import draw

X, y = load_iris(return_X_y=True)
SVG = "{http://www.w3.org/2000/svg}"


def drawn(network):
    root = ET.fromstring(draw(network))
    return root, [text.text for text in root.iter(f"{SVG}text")]


def test_columns_widths_activations_and_parameters():
    root, texts = drawn(describe(Network([3, 5, 4, 3], activation=["sigmoid", "tanh"], random_state=0)))
    assert len(list(root.iter(f"{SVG}circle"))) == 15
    for expected in ("3", "5", "4", "inputs", "sigmoid", "tanh", "identity", "20", "24", "15"):
        assert expected in texts
    lines = "".join(path.get("d") for path in root.iter(f"{SVG}path"))
    assert lines.count("M") == 3 * 5 + 5 * 4 + 4 * 3


def test_wide_and_deep_networks_stay_small():
    svg = draw(describe(Network([784, *[512] * 40, 10], dtype="float32", random_state=0)))
    assert len(svg) < 150_000
    assert "· · ·" in svg
    assert "⋮" in svg
    assert "402 k" in svg
    assert "40 layers" not in svg


def test_marks_of_layers():
    parts = [
        Layer(np.ones((3, 4)), np.zeros(4), "relu", gain=np.ones(4), shift=np.zeros(4), dropout=0.2),
        Layer(np.ones((4, 4)), np.zeros(4), "relu", residual=True),
        Layer(np.ones((4, 1)), np.zeros(1), "identity"),
    ]
    root, texts = drawn(Description(parts))
    assert "norm · dropout 0.2" in texts
    assert texts.count("+") == 1
    assert sum(path.get("stroke-dasharray") is not None for path in root.iter(f"{SVG}path")) == 1
    assert "24" in texts  # 3 x 4 weights, 4 biases, 8 of the normalization
    plain = drawn(Description([Layer(part.weights, part.biases, part.activation) for part in parts]))[1]
    assert "+" not in plain
    assert not [text for text in plain if "norm" in text]


def test_weights_that_are_not_finite_can_be_drawn():
    net = Network([2, 2], random_state=0)
    net.weights[0][:] = [[np.nan, 1], [np.inf, 0]]
    assert "nan" not in draw(describe(net)).lower()


def test_network_card():
    html = Network([3, 5, 2], loss="cross_entropy", random_state=0)._repr_html_()
    assert "32 parameters" in html
    assert "loss cross_entropy" in html
    assert "<script" not in html
    assert "http" not in html.replace("http://www.w3.org/2000/svg", "")
    # Text takes the page's color, which is what makes it readable on dark pages.
    assert set(re.findall(r'fill="([^"]*)"', html)) == {"currentColor", "none", "#8a94a6"}
    assert html.count("<div") == html.count("</div>")


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_estimators_diagram_has_the_network_once_fitted():
    clf = MLPClassifier((6,), max_iter=4, random_state=0)
    assert "<title>Network" not in clf._repr_html_()
    assert "MLPClassifier" in clf._repr_html_()
    clf.fit(X, y)
    html = clf._repr_html_()
    assert "<title>Network 4 – 6 – 3</title>" in html
    assert "51 parameters · 4 epochs · loss" in html
    assert clf._repr_mimebundle_()["text/html"].endswith(html[html.rindex("<svg") :])
    with sklearn.config_context(display="text"):
        assert not hasattr(clf, "_repr_html_")


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("fitted", [False, True])
def test_estimators_inside_others_are_drawn(fitted):
    """Pipelines, searches, column transformers and ensembles show ours as a part; tags are balanced."""
    clf = MLPClassifier(
        (6, 6), ["prelu", "gelu"], layer_norm=True, dropout=[0.1, 0], schedule=CosineSchedule(warmup=0.1),
        solver=SGD(0.1), callbacks=lambda record: record.loss < 0, max_iter=3, random_state=0,
    )  # fmt: skip
    models = [
        make_pipeline(StandardScaler(), clf),
        GridSearchCV(make_pipeline(StandardScaler(), clf), {"mlpclassifier__dropout": [0, 0.1]}, cv=2),
        VotingClassifier([("a", clf), ("b", make_pipeline(StandardScaler(), clf))]),
        make_pipeline(ColumnTransformer([("all", StandardScaler(), [0, 1, 2, 3])]), clf),
    ]
    for model in models:
        html = (model.fit(X, y) if fitted else model)._repr_html_()
        assert "MLPClassifier" in html
        assert "<details>" in html
        for tag in ("div", "svg", "details", "table"):
            assert html.count(f"<{tag}") == html.count(f"</{tag}>")
