"""The page's file: one, whole, self-contained, numbers packed exactly. tests/derive/browser opens it."""

import base64
import json
import re
import zlib

import numpy as np
import pytest

import chainrule
from chainrule.derive import derive
from chainrule.derive.page import build, packing
from chainrule.derive.page.data import page_data


def unpack(packed):
    data = np.frombuffer(base64.b64decode(packed["data"]), dtype="<f8")
    rows, columns = (
        packed.get("rows", range(packed["shape"][0])),
        packed.get("columns", range(packed["shape"][1])),
    )
    return data.reshape(len(rows), len(columns))


def embedded(path):
    text = path.read_text(encoding="utf-8")
    packed = re.search(r'<script type="text/plain" id="data">([A-Za-z0-9+/=]*)</script>', text)[1]
    return json.loads(zlib.decompress(base64.b64decode(packed), wbits=-15))


@pytest.fixture(scope="module")
def derivation():
    rng = np.random.default_rng(0)
    network = chainrule.Network(
        [3, 5, 4, 3], activation="sigmoid", output_activation="sigmoid", random_state=0
    )
    return derive(network, rng.normal(size=3), rng.random(3))


def test_numbers_survive_to_the_last_bit(derivation, tmp_path):
    data = embedded(derivation.to_html(tmp_path / "page.html"))
    symbols = {symbol["key"]: symbol for symbol in data["symbols"]}
    for key in ("W.1", "b.2", "x.3", "delta.1"):
        assert np.array_equal(unpack(symbols[key]["value"]), derivation.value(key))
    assert np.array_equal(unpack(symbols["dW.2"]["samples"][0]), derivation.value("dW.2"))


def test_every_piece_is_in_its_place(derivation, tmp_path):
    text = derivation.to_html(tmp_path / "page.html").read_text(encoding="utf-8")
    assert "/*{" not in text
    assert text.count("<script") == 2
    assert not re.search(r'(?:src|href)="(?!#)', text)
    for name in build.SCRIPTS:
        assert build._read(name) in text


def test_every_script_is_listed():
    from importlib import resources

    found = {f.name for f in resources.files(build.__package__).iterdir() if f.name.endswith(".js")}
    assert found == set(build.SCRIPTS)


def test_both_languages_have_the_same_words():
    english, chinese = re.split(r"^  zh: \{$", build._read("words.js"), flags=re.MULTILINE)
    keys = [re.findall(r"^    (\w+):", part, flags=re.MULTILINE) for part in (english, chinese)]
    assert len(keys[0]) > 40
    assert keys[0] == keys[1]
    used = {key for name in build.SCRIPTS for key in re.findall(r'say\("(\w+)"', build._read(name))}
    used |= set(re.findall(r'data-say(?:-label)?="(\w+)"', build._read("page.html")))
    assert used <= set(keys[0])


def test_the_file_that_was_there_stays_if_writing_fails(derivation, tmp_path, monkeypatch):
    path = tmp_path / "page.html"
    path.write_text("before")
    monkeypatch.setattr(build, "page", lambda data: (_ for _ in ()).throw(RuntimeError("stop")))
    with pytest.raises(RuntimeError, match="stop"):
        derivation.to_html(path)
    assert path.read_text() == "before"
    assert [p.name for p in tmp_path.iterdir()] == ["page.html"]


def test_missing_folder(derivation, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no/page\.html"):
        derivation.to_html(tmp_path / "no" / "page.html")


def test_large_arrays_go_in_part():
    array = np.arange(20_000.0).reshape(200, 100)
    packed = packing.pack(array, [0, 199], [0, 5, 99])
    assert np.array_equal(unpack(packed), array[np.ix_([0, 199], [0, 5, 99])])
    assert packed["scale"] == 19_999


def test_a_large_network_stays_small(tmp_path):
    network = chainrule.Network([784, 512, 10], loss="cross_entropy", random_state=0)
    path = derive(network, np.random.default_rng(0).random(784), 3).to_html(tmp_path / "page.html")
    assert path.stat().st_size < 1_000_000


def test_the_table_is_that_of_verify(derivation):
    check, report = page_data(derivation)["check"], derivation.verify()
    assert [row["step"] for row in check["rows"]] == [step.key for step in report.steps]
    for row, step in zip(check["rows"], report.steps, strict=True):
        assert row["differences"] == [step.as_written, step.reference, step.engine, step.complex_step]
        assert row["passed"]


def test_a_wrong_step_is_shown_as_wrong():
    rng = np.random.default_rng(1)
    network = chainrule.Network([3, 4, 2], random_state=0)
    planted = derive(network, rng.normal(size=3), rng.normal(size=2))
    planted.numbers.arrays["dW.1"] = -planted.numbers.arrays["dW.1"]
    failed = [row["step"] for row in page_data(planted)["check"]["rows"] if not row["passed"]]
    assert "dW.1" in failed
    assert "dW.2" not in failed


def test_large_networks_are_not_verified_in_passing():
    assert page_data(derive([100, 101, 2]))["check"] is None


@pytest.mark.parametrize("sign", ["-", "+"])
def test_batch_checks_and_paths(sign):
    rng = np.random.default_rng(2)
    network = chainrule.Network([3, 4, 2], activation="gelu", random_state=0)
    derivation = derive(network, rng.normal(size=(4, 3)), rng.normal(size=(4, 2)), bias_sign=sign)
    data = page_data(derivation)
    assert all(row["passed"] for row in data["check"]["rows"])
    for k, layer in enumerate(data["paths"]["layers"], start=1):
        for unit in layer["units"]:
            for i, sample in enumerate(unit["samples"]):
                total = sum(path["product"] for path in sample["top"])
                assert total == pytest.approx(derivation.value(f"delta.{k}")[i, unit["unit"]], rel=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sizes", "n_rows"), [([64] * 21 + [10], 6), ([8] + [16] * 60 + [3], 4), ([784, 512, 512, 10], 1)]
)
def test_large_networks_have_small_pages(sizes, n_rows, tmp_path):
    """Less of them goes in: fewer paths, fewer matrices whole, fewer rows that walk."""
    rng = np.random.default_rng(0)
    network = chainrule.Network(sizes, activation="tanh", random_state=0)
    derivation = derive(network, rng.normal(size=(n_rows, sizes[0])), rng.normal(size=(n_rows, sizes[-1])))
    path = build.write(derivation, tmp_path / "large.html")
    assert 100_000 < path.stat().st_size < 1_000_000
