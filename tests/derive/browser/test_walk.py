"""Going through the steps by keyboard, buttons, slider, menu, equation and address."""

import pytest


def position(page):
    return page.locator("#position").inner_text()


def key(page):
    return page.evaluate("decodeURIComponent(location.hash.slice(1))")


def test_keys(opened, written):
    page, steps = opened("seed"), written("seed").derivation.steps
    n = len(steps)
    assert position(page) == f"1 / {n}"
    for pressed, place in [
        ("ArrowRight", 2),
        ("ArrowRight", 3),
        ("ArrowLeft", 2),
        ("End", n),
        ("ArrowRight", n),
        ("Home", 1),
    ]:
        page.keyboard.press(pressed)
        assert position(page) == f"{place} / {n}"
        assert key(page) == steps[place - 1].key
    page.keyboard.press("ArrowLeft")
    assert position(page) == f"1 / {n}"


def test_space_plays_and_pauses(opened):
    page = opened("seed")
    page.clock.install()  # so that nobody has to wait
    page.keyboard.press("Space")
    assert page.locator("[data-go=play]").get_attribute("aria-pressed") == "true"
    page.clock.run_for(2_000)
    assert position(page).startswith("2 /")
    page.keyboard.press("Space")
    assert page.locator("[data-go=play]").get_attribute("aria-pressed") == "false"
    page.clock.run_for(10_000)
    assert position(page).startswith("2 /")


def test_playing_stops_at_the_end(opened, written):
    page = opened("seed", "#" + written("seed").derivation.steps[-2].key)
    page.clock.install()
    page.click("[data-go=play]")
    page.clock.run_for(10_000)
    assert page.locator("[data-go=play]").get_attribute("aria-pressed") == "false"
    n = len(written("seed").derivation)
    assert position(page) == f"{n} / {n}"


def test_buttons(opened, written):
    page, n = opened("seed"), len(written("seed").derivation)
    for button, place in [("next", 2), ("last", n), ("back", n - 1), ("first", 1)]:
        page.click(f"[data-go={button}]")
        assert position(page) == f"{place} / {n}"


def test_slider(opened, written):
    page, derivation = opened("seed"), written("seed").derivation
    page.fill("#slider", "6")
    assert key(page) == derivation.steps[6].key
    page.focus("#slider")
    page.keyboard.press("ArrowRight")
    assert key(page) == derivation.steps[7].key
    assert derivation.steps[7].title.en in page.get_attribute("#slider", "aria-valuetext")


def test_equations(opened, written):
    """Choosing an equation again goes to its next step, and after the last one to the first."""
    page, derivation = opened("seed"), written("seed").derivation
    names = page.locator("#equations button").all_inner_texts()
    assert names == [f"E{i}" for i in range(1, 8)]
    expected = [step.key for step in derivation if step.equation == "E5"]
    for wanted in [*expected, expected[0]]:
        page.click("#equations button:text-is('E5')")
        assert key(page) == wanted
        assert page.get_attribute("#equations [aria-current]", "aria-current") == "step"
        assert page.inner_text("#equations [aria-current]") == "E5"


def test_menu_and_parts(opened, written):
    page, derivation = opened("seed"), written("seed").derivation
    page.select_option("#jump", "delta.1")
    assert key(page) == "delta.1"
    assert page.inner_text("#step h2") == derivation.step("delta.1").title.en
    assert page.inner_text("#parts [aria-current]") == "Back 1"
    page.click("#parts button:has-text('Back 3')")
    assert derivation.step(key(page)).layer == 3


@pytest.mark.parametrize(
    ("address", "expected"), [("#delta.2", "delta.2"), ("#E5", "E5"), ("#nonsense", None)]
)
def test_address(opened, written, address, expected):
    page, derivation = opened("seed", address), written("seed").derivation
    title = page.inner_text("#step h2")
    wanted = next((s for s in derivation if expected in (s.key, s.equation)), derivation.steps[0])
    assert title == wanted.title.en


def test_address_that_changes(opened, written):
    page, derivation = opened("seed"), written("seed").derivation
    page.evaluate("location.hash = '#dW.1'")
    page.locator("#step h2", has_text=derivation.step("dW.1").title.en).wait_for()


def test_arrows_in_a_matrix_move_among_its_cells(opened):
    page = opened("seed", "#net.2")
    matrix = page.locator('#step .matrix[data-symbol="W.2"]')
    matrix.locator("td[data-i]").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    focused = page.evaluate("[document.activeElement.dataset.i, document.activeElement.dataset.j]")
    assert focused == ["1", "1"]
    assert key(page) == "net.2"
    assert matrix.locator(".exact").inner_text() == matrix.locator(
        'td[data-i="1"][data-j="1"]'
    ).get_attribute("title")
    assert page.locator("#network line.point").count() == 1
    page.keyboard.press("Enter")  # follows this weight
    chosen = [select.input_value() for select in page.locator("#paths .chooser select").all()]
    assert chosen == ["1", "1", "1"]


def test_a_line_of_the_drawing_chooses_its_weight(opened):
    page = opened("seed")
    ends = (
        page.locator("#network line")
        .nth(7)
        .evaluate("l => [l.x1, l.y1, l.x2, l.y2].map((v) => v.baseVal.value)")
    )
    at = {"x": ends[0] + 0.2 * (ends[2] - ends[0]), "y": ends[1] + 0.2 * (ends[3] - ends[1])}
    page.locator("#network svg").click(position=at)
    chosen = [select.input_value() for select in page.locator("#paths .chooser select").all()]
    assert chosen == ["0", "1", "2"]  # of 3 x 5 lines


def test_pointing_at_a_symbol_lights_it_up(opened):
    page = opened("seed", "#net.1")
    page.hover('#step .formula [data-symbol="W.1"]')
    assert page.locator("#network line.point").count() == 15
    assert page.locator("#step .matrix.point").get_attribute("data-symbol") == "W.1"


def test_columns_of_the_data_and_what_becomes_of_them(opened, written):
    page, derivation = opened("columns", "#angle.2"), written("columns").derivation
    assert page.inner_text("#title") == "5 → 10-4-2"
    assert page.locator("#network line.link").count() == 10
    assert page.locator("#network line.link.lit").count() == 3  # the value, and two sums of its waves
    names = page.locator("#equations button").all_inner_texts()
    assert names == [f"E{i}" for i in (*range(1, 8), *range(11, 16))]
    parts = page.locator("#parts button").evaluate_all("found => found.map((one) => one.title)")
    assert parts[:2] == ["Columns", "Forward"]
    assert "Back to columns" in parts
    page.select_option("#jump", "dx.0")
    assert page.locator("#network .unit.result").count() == 5
    shown = page.locator("#network .unit.result text").all_text_contents()
    assert shown[4] == "0"  # a code
    assert derivation.value("dx.0")[0, 4] == 0
