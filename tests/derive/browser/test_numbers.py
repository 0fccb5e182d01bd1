"""What the page shows are the library's numbers, all of them and exactly."""

import numpy as np
import pytest

from chainrule.derive.render.text import text

from .parsing import at_every_step, matrix, number


def current_key(page):
    return page.evaluate("decodeURIComponent(location.hash.slice(1))")


def results(page):
    """The matrix that the current step gives, None where it shows none."""
    figure = page.locator("#step .matrix.result")
    return matrix(figure) if figure.count() else None


@pytest.mark.parametrize("name", ["seed", "batch", "layers", "columns"])
def test_every_step_shows_the_librarys_numbers(opened, written, name):
    page, derivation = opened(name), written(name).derivation
    page.keyboard.press("Home")
    seen = []
    for step in derivation:
        seen.append(current_key(page))
        shown = results(page)
        assert (shown is None) == step.symbolic, step.key
        if shown is not None:
            value = derivation.value(step.key)
            value = value[0] if value.ndim == 3 else value
            assert np.array_equal(shown, value), step.key
        page.keyboard.press("ArrowRight")
    assert seen == [step.key for step in derivation]


def test_another_row_of_a_batch(opened, written):
    page, derivation = opened("batch", "#dW.1"), written("batch").derivation
    page.select_option("#sample", "2")
    assert np.array_equal(results(page), derivation.value("dW.1")[2])


def test_operands_are_shown_too(opened, written):
    page, derivation = opened("seed", "#net.2"), written("seed").derivation
    for key in ("x.2", "W.2", "b.2"):
        assert np.array_equal(
            matrix(page.locator(f'#step .matrix[data-symbol="{key}"]')), derivation.value(key)
        )


def test_drawing_shows_what_was_computed_last(opened, written):
    page, derivation = opened("seed", "#delta.2"), written("seed").derivation
    texts = page.locator("#network .unit .value").all_text_contents()
    columns = np.split(np.array([number(text) for text in texts]), np.cumsum([3, 5, 4]))
    for shown, key in zip(columns, ["x.1", "x.2", "delta.2", "delta.3"], strict=True):
        np.testing.assert_allclose(shown, derivation.value(key)[0], rtol=0.09)
    assert page.locator("#network line.lit").count() == 4 * 3  # C leads back to layer 2
    assert page.locator("#network .unit.result").count() == 4


@pytest.mark.parametrize("name", ["seed", "layers"])
def test_columns_name_what_the_circles_show(opened, written, name):
    """Below a column's own name, whenever the numbers in its circles are those of something else."""
    page, derivation = opened(name), written(name).derivation
    sizes, keys = derivation.model.sizes, derivation.context.notation.symbols
    by_name = {text(symbol): key for key, symbol in keys.items()}
    texts_of = "selector => [...document.querySelectorAll(`#network ${selector}`)].map(e => e.textContent)"
    read = f"['.shown', '.unit .value'].map({texts_of})"
    seen = set()
    for names, texts in at_every_step(page, read):
        assert len(names) == len(sizes)
        for c, shown in enumerate(np.split(np.array(texts), np.cumsum(sizes)[:-1])):
            if all(shown):
                value = derivation.value(by_name[names[c]] if names[c] else f"x.{c + 1}")
                numbers = [number(cell) for cell in shown]  # of which small ones have one digit
                np.testing.assert_allclose(numbers, value[0], rtol=0.34)
                seen.add(names[c])
    assert {"", "net₂", "δ₂", "δ₁"} <= seen


def test_targets_have_their_numbers(opened, written):
    page, derivation = opened("seed", "#loss"), written("seed").derivation
    shown = [number(text) for text in page.locator("#network .target .value").all_text_contents()]
    np.testing.assert_allclose(shown, derivation.value("y")[0], rtol=0.09)


def test_every_column_of_the_layers_table_has_a_heading(opened):
    page = opened("sigmoids")
    assert page.locator("#norms thead th").all_inner_texts() == ["Layer", "Length", "Factor ‖δₖ‖ / ‖δₖ₊₁‖"]
    assert page.locator("#norms td.factor").first.inner_text().startswith("×")


def test_wide_matrices_are_folded_and_unfold(opened, written):
    page, derivation = opened("digits", "#net.1"), written("digits").derivation
    weights, inputs = (page.locator(f'#step .matrix[data-symbol="{key}"]') for key in ("W.1", "x.1"))
    assert weights.locator("td[data-i]").count() == 9 * 9
    corner = np.ix_([*range(8), 63], [*range(8), 99])
    assert np.array_equal(matrix(weights).reshape(9, 9), derivation.value("W.1")[corner])
    inputs.locator("button").click()
    assert inputs.locator("button").get_attribute("aria-expanded") == "true"
    assert np.array_equal(matrix(inputs), derivation.value("x.1"))


def values(page, selector):
    return [
        float(page.locator(selector).nth(i).get_attribute("data-value"))
        for i in range(page.locator(selector).count())
    ]


@pytest.mark.parametrize("name", ["seed", "digits", "batch", "sigmoids", "layers", "columns"])
def test_paths_add_up_to_the_gradient(opened, written, name):
    page, derivation = opened(name), written(name).derivation
    model = derivation.model
    rng = np.random.default_rng(0)
    for k, layer in enumerate(model.layers):
        i, j = (int(rng.integers(min(n, 8))) for n in (layer.n_in, layer.n_out))
        selects = page.locator("#paths .chooser select")
        for place, chosen in enumerate((k, i, j)):
            selects.nth(place).select_option(index=chosen)
        gradient = derivation.value(f"dW.{k + 1}")
        gradient = (gradient[0] if gradient.ndim == 3 else gradient)[i, j]
        rows = values(page, "#paths tbody tr:not(.sum, .library) .bar")
        (total,), (library,) = (values(page, f"#paths .{row} .bar") for row in ("sum", "library"))
        scale = max(map(abs, rows))
        assert sum(rows) == pytest.approx(total, abs=1e-12 * scale)
        assert total == pytest.approx(gradient, abs=1e-12 * scale)
        assert library == pytest.approx(gradient, rel=1e-12)


def test_a_few_paths_are_written_in_full(opened, written):
    """Each row of the table is the product of the factors beside it."""
    page = opened("seed")
    page.locator("#paths .chooser select").first.select_option(index=1)  # 3 paths
    rows = page.locator("#paths tbody tr:not(.sum, .library)")
    assert rows.count() == 3
    for i in range(3):
        titles = [factor.get_attribute("title") for factor in rows.nth(i).locator(".factor").all()]
        product = np.prod([number(title.rpartition("= ")[2]) for title in titles])
        assert float(rows.nth(i).locator(".bar").get_attribute("data-value")) == pytest.approx(
            product, rel=1e-14
        )


def test_norms_of_every_layer(opened, written):
    page, derivation = opened("sigmoids"), written("sigmoids").derivation
    expected = [
        [np.linalg.norm(derivation.value(f"{kind}.{k}")) for k in range(1, 12)] for kind in ("delta", "dW")
    ]
    np.testing.assert_allclose(values(page, "#norms .length.delta"), expected[0], rtol=1e-14)
    np.testing.assert_allclose(values(page, "#norms .length.weight"), expected[1], rtol=1e-14)
    assert "vanishes" in page.locator("#norms .verdict").inner_text()


def test_table_of_checks(opened, written):
    page, report = opened("seed"), written("seed").derivation.verify()
    rows = page.locator("#check tbody tr")
    assert rows.count() == len(report.steps)
    read = (
        "rows => rows.map(row => [...row.querySelectorAll('td[data-value]')].map(cell => cell.dataset.value))"
    )
    shown = [[float(text) for text in row] for row in rows.evaluate_all(read)]
    ways = ("as_written", "reference", "engine", "complex_step")
    assert shown == [[d for way in ways if (d := getattr(step, way)) is not None] for step in report.steps]
    assert f"All {len(report.steps)} agree" in page.inner_text("#check .verdict")
