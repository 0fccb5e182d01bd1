"""The page as a whole: both languages, both themes, any width, no mouse, no network, small."""

import re
from itertools import pairwise

import pytest

from .parsing import at_every_step

CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.mark.parametrize("name", ["seed", "digits", "batch", "sigmoids", "layers", "columns", "shapes"])
def test_small_and_alone(written, name):
    path = written(name).path
    text = path.read_text(encoding="utf-8")
    assert path.stat().st_size < 1_000_000
    addresses = set(re.findall(r"https?://[^\s\"'`<>\\]+", text))
    assert addresses <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1998/Math/MathML",
    }  # names, not places
    assert "default-src 'none'" in text


@pytest.mark.parametrize("name", ["seed", "digits", "batch", "sigmoids", "layers", "columns", "shapes"])
def test_every_step_in_both_languages(opened, written, name):
    """Nothing is left in the other language, nothing is missing, and nothing complains (see `opened`)."""
    page, derivation = opened(name), written(name).derivation
    if derivation.language == "zh":
        page.click("#language")
    assert page.evaluate("document.documentElement.lang") == "en"
    page.evaluate("document.querySelector('#language').textContent = ''")  # it names the other language
    read = "[document.querySelector('#step h2').innerText, document.querySelector('#walk').innerText]"
    for step, (title, text) in zip(derivation, at_every_step(page, read), strict=True):
        assert title == step.title.en
        assert not CHINESE.search(text), step.key
        assert not re.search(r"\b(undefined|null|NaN)\b", text), step.key
    rest = page.evaluate("document.body.innerText")
    assert not CHINESE.search(rest)
    assert not re.search(r"\b(undefined|null|NaN)\b", rest)
    page.click("#language")
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    for step, (title, text) in zip(derivation, at_every_step(page, read), strict=True):
        assert title == step.title.zh
        assert "undefined" not in text


def test_interface_has_every_text_twice(opened):
    page = opened("seed")
    selector = "[data-say], [data-say-label]"
    read = (
        f"[...document.querySelectorAll('{selector}')].map(e => e.dataset.say ? e.textContent : e.ariaLabel)"
    )
    english = page.evaluate(read)
    page.click("#language")
    chinese = page.evaluate(read)
    assert len(english) > 20
    assert all(CHINESE.search(text) for text in chinese)
    assert not any(CHINESE.search(text) for text in english)


# The whole derivation is laid out only when it is seen, and clips what sticks out of it.
WHOLE_DERIVATION_FITS = """() => {
  const panel = document.querySelector('#derivation');
  panel.style.contentVisibility = 'visible';
  const fits = panel.scrollWidth <= panel.clientWidth;
  panel.style.contentVisibility = '';
  return fits;
}"""


@pytest.mark.parametrize(
    "name", ["seed", "digits", "batch", "sigmoids", "deep", "layers", "columns", "shapes"]
)
@pytest.mark.parametrize("width", [360, 768, 1280])
def test_nothing_sticks_out(opened, written, name, width):
    page = opened(name, viewport={"width": width, "height": 800})
    for _ in range(2):
        widths = at_every_step(page, "document.documentElement.scrollWidth")
        too_wide = [
            step.key for step, found in zip(written(name).derivation, widths, strict=True) if found > width
        ]
        assert too_wide == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(WHOLE_DERIVATION_FITS)
        page.click("#language")


@pytest.mark.parametrize("width", [360, 1280])
def test_twenty_layers_are_still_readable(opened, width):
    page = opened("deep", viewport={"width": width, "height": 800})
    assert page.locator(".top").bounding_box()["height"] < 130
    title, nav = page.locator("#title").bounding_box(), page.locator(".top nav").bounding_box()
    assert title["x"] + title["width"] <= (nav["x"] if width > 1000 else width)
    names = [name.bounding_box() for name in page.locator("#network text.column").all()]
    assert all(one["x"] + one["width"] <= other["x"] + 1 for one, other in pairwise(names))
    assert max(row.bounding_box()["height"] for row in page.locator("table.paths tbody tr").all()) < 320
    assert page.locator("#title").get_attribute("title").count("-") == 21


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_theme_follows_the_system_until_it_is_chosen(opened, scheme):
    page = opened("seed", color_scheme=scheme)

    def lightness():
        color = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(map(int, re.findall(r"\d+", color)[:3])) / 765

    assert (lightness() > 0.5) == (scheme == "light")
    page.click("#theme")
    assert (lightness() > 0.5) == (scheme == "dark")


CONTRAST = """() => {
  const READ = {willReadFrequently: true};
  const pixel = Object.assign(document.createElement('canvas'), {width: 1, height: 1}).getContext('2d', READ);
  const channel = (c) => (c <= 10 ? c / 3294 : ((c / 255 + 0.055) / 1.055) ** 2.4);
  const light = (color) => {
    pixel.fillStyle = color;
    pixel.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...pixel.getImageData(0, 0, 1, 1).data].map(channel);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (a, b) => {
    const [lighter, darker] = [light(a), light(b)].sort((p, q) => q - p);
    return (lighter + 0.05) / (darker + 0.05);
  };
  const paper = getComputedStyle(document.body).backgroundColor;
  const texts = '.matrix td[data-i], .lead, .rule summary, .keys, .shape, .verdict';
  return [...document.querySelectorAll(texts)].map((element) => {
    const {color, backgroundColor} = getComputedStyle(element);
    return ratio(color, backgroundColor === 'rgba(0, 0, 0, 0)' ? paper : backgroundColor);
  });
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read(opened, scheme):
    """Contrast of at least 4.5 : 1 (WCAG 2, level AA), on colored cells too."""
    page = opened("seed", "#net.2", color_scheme=scheme)
    ratios = page.evaluate(CONTRAST)
    assert len(ratios) > 20
    assert min(ratios) >= 4.5


def test_tab_reaches_everything_in_order(opened):
    page = opened("seed", "#net.2")
    names = []
    for _ in range(80):
        page.keyboard.press("Tab")
        names.append(
            page.evaluate("(({id, dataset, tagName}) => id || dataset.go || tagName)(document.activeElement)")
        )
    expected = ["A", "language", "theme", "first", "back", "play", "next", "last", "slider", "jump"]
    places = [names.index(name) for name in expected]
    assert places == sorted(places)
    assert "TD" in names
    assert "SELECT" in names


def test_everything_has_a_name(opened):
    page = opened("seed")
    nameless = page.evaluate(
        "[...document.querySelectorAll('button, select, input, svg[role], section, nav')]"
        ".filter(e => !(e.ariaLabel || e.textContent.trim() || e.getAttribute('aria-labelledby')))"
        ".filter(e => !e.labels?.length)"
        ".map(e => e.outerHTML)"
    )
    assert nameless == []


def test_motion_only_where_it_is_welcome(opened):
    running = (
        "() => { document.querySelector('[data-go=next]').click();"
        " return document.getAnimations().filter(a => a.animationName === 'flow').length; }"
    )
    assert opened("seed", "#network").evaluate(running) == 0
    assert opened("seed", "#network", reduced_motion="no-preference").evaluate(running) > 0


@pytest.mark.parametrize("width", [360, 1280])
def test_the_sign_stays_with_what_it_gives(opened, width):
    page = opened("seed", "#delta.2", viewport={"width": width, "height": 800})
    sign, result = (page.locator(f"#step .outcome {kind}").bounding_box() for kind in (".gives", ".matrix"))
    assert result["y"] <= sign["y"] < result["y"] + result["height"]
    assert sign["x"] + sign["width"] <= result["x"]


def test_the_table_of_checks_fits_a_phone(opened):
    page = opened("seed", viewport={"width": 360, "height": 740})
    assert page.evaluate("(e => e.scrollWidth <= e.clientWidth)(document.querySelector('#check .scroll'))")


@pytest.mark.parametrize("width", [360, 390])
def test_the_whole_menu_is_on_a_phone(opened, width):
    page = opened("seed", viewport={"width": width, "height": 740})
    for _ in range(2):
        links = [link.bounding_box() for link in page.locator(".top nav a").all()]
        assert len(links) == 5
        assert all(link["x"] >= 0 and link["x"] + link["width"] <= width for link in links)
        page.click("#language")


@pytest.mark.parametrize("key", ["W.3", "delta.2", "E"])
def test_numbers_stand_between_brackets(opened, key):
    """Not between bars, which are a determinant; a single number has none."""
    page = opened("seed", "#loss" if key == "E" else "#delta.2")
    figure = page.locator(f'#step .matrix[data-symbol="{key}"] .scroll')
    border, corners = figure.evaluate(
        "e => (s => [s.borderLeftWidth, s.backgroundImage])(getComputedStyle(e))"
    )
    assert (border == "0px", corners == "none") == (key == "E", key == "E")


def test_the_seeds_letters_are_in_every_panel(opened):
    page = opened("seed")
    assert page.locator("#paths-body p.formula math").text_content().count("A") == 1
    assert "W" not in page.locator("#paths-body p.formula math").text_content()
    assert page.locator("#check-body tbody tr").last.locator("math").text_content() == "a←"


def test_the_loss_is_named_in_the_pages_language(opened):
    page = opened("seed")
    assert page.locator("#subtitle").inner_text() == "sigmoid · squared error"
    page.click("#language")
    assert page.locator("#subtitle").inner_text() == "sigmoid · 平方误差"


def test_paper_holds_the_whole_derivation(opened, written):
    page = opened("seed")
    page.emulate_media(media="print")
    assert not page.locator(".controls").is_visible()
    assert page.locator("#derivation-body .statement").count() == len(written("seed").derivation)
    assert page.locator("#derivation-body .statement").last.is_visible()


def test_without_numbers(opened):
    page = opened("shapes")
    for panel in ("paths", "norms"):
        assert page.locator(f"#{panel} .note").count() == 1
    assert "drawn at random" in page.inner_text("#check .verdict")
    assert page.locator("#step .matrix").count() == 0
    assert page.locator("#step .shapes li").count() > 0
