"""Text, LaTeX, Markdown and HTML: complete, well formed, in both languages; LaTeX compiles."""

import re
import shutil
import subprocess
import unicodedata
from functools import cache
from xml.etree import ElementTree

import numpy as np
import pytest

import chainrule
from chainrule.derive import activations, losses
from chainrule.derive.render.document import HEADINGS, columns
from chainrule.derive.render.mathml import math, mathml
from chainrule.derive.render.text import text
from chainrule.derive.rules import RULES

from .networks import HIDDEN, PAIRS, make, make_seed_network
from .test_inputs import KINDS
from .test_inputs import make as make_tabular
from .test_layers import make_layered

CHINESE = re.compile("[一-鿿]")


@cache
def everything():
    """Derivations in which every formula of the house occurs, made once: tests only read them."""
    found = [chainrule.derive(*make_seed_network())]
    found += [chainrule.derive([3, 2, 2], activation=activation) for activation in HIDDEN]
    found += [chainrule.derive([3, 2], loss=loss, output_activation=output) for loss, output in PAIRS]
    net, x, y, options = make_layered(True, True, True, "prelu", 2)
    found.append(chainrule.derive(net, x, y, masks=options["masks"]))
    return [*found, chainrule.derive(*make_tabular(KINDS["all"], 2, activation="mish", parametric=True))]


def formulas(derivation):
    for step in derivation:
        yield step.lhs
        yield from (form.expression for form in step.forms)


def test_formulas_have_no_words():
    for derivation in everything():
        for formula in formulas(derivation):
            line = text(formula)
            assert "\n" not in line
            assert not CHINESE.search(line)
            assert not re.search(r"\b(if|otherwise|where|else)\b", line)


def test_mathml_is_well_formed_and_marks_its_symbols():
    allowed = "math mrow mi mn mo mfrac msub msup msubsup munder munderover mover msqrt mtable mtr mtd mspace"
    for derivation in everything():
        for formula in formulas(derivation):
            tree = ElementTree.fromstring(math(mathml(formula)))
            tags = {element.tag.partition("}")[2] for element in tree.iter()}
            assert tags <= set(allowed.split())
            marked = {e.get("data-symbol") for e in tree.iter() if e.get("data-symbol")}
            assert {symbol.key for symbol in formula.symbols()} <= marked
    arguments = {"mfrac": 2, "msub": 2, "msup": 2, "msubsup": 3, "munder": 2, "munderover": 3, "mover": 2}
    for derivation in everything():
        for formula in formulas(derivation):
            for element in ElementTree.fromstring(math(mathml(formula))).iter():
                tag = element.tag.partition("}")[2]
                assert len(element) == arguments.get(tag, len(element)), tag


def test_latex_is_balanced_and_ascii():
    for derivation in everything():
        source = derivation.to_latex(document=False)
        for begin, end in (("{", "}"), (r"\left", r"\right"), (r"\begin", r"\end")):
            pattern = re.compile(re.escape(begin) + ("(?![a-z])" if begin == r"\left" else ""))
            closing = re.compile(re.escape(end) + ("(?![a-z])" if end == r"\right" else ""))
            assert len(pattern.findall(source)) == len(closing.findall(source)), begin
        body = source.partition(HEADINGS["corrections"].en)[0]
        assert not sorted({c for c in body if ord(c) > 127}), derivation


@pytest.mark.parametrize("form", ["to_text", "to_latex", "to_markdown"])
def test_every_step_is_there_in_both_languages(form):
    for derivation in everything():
        english, chinese = (getattr(derivation, form)(language=language) for language in ("en", "zh"))
        english_part = english.partition(HEADINGS["corrections"].en)[0]  # the document's slips are in Chinese
        assert not CHINESE.search(english_part.replace(r"\usepackage", ""))
        assert CHINESE.search(chinese)
        for step in derivation:
            if form != "to_latex":
                assert step.title.en in english
                assert step.title.zh in chinese
                assert f"{step.key}" in english


def test_words_are_in_both_languages():
    words = [text for rule in RULES.values() for text in rule]
    words += [entry.note for entries in (activations.ENTRIES, losses.ENTRIES) for entry in entries.values()]
    words += [entry.name for entry in losses.ENTRIES.values()] + list(HEADINGS.values())
    for derivation in everything():
        words += [text for step in derivation for text in (step.title, step.note)]
        words += [correction.why for correction in derivation.corrections]
    for text_en, text_zh in words:
        assert bool(text_en) == bool(text_zh)
        assert not CHINESE.search(text_en)
        assert not text_zh or CHINESE.search(text_zh) or text_zh == "λ = 1.0507…，α = 1.6733…。"


def test_text_is_aligned_and_fits():
    printed = chainrule.derive(*make_seed_network()).to_text(width=110)
    lines = printed.splitlines()
    (start,) = [i for i, line in enumerate(lines) if line.endswith("(delta.2)")]
    signs = [re.search(" = ", line).start() for line in lines[start + 1 : start + 6]]
    assert (
        len({columns(line[:at]) for line, at in zip(lines[start + 1 : start + 6], signs, strict=True)}) == 1
    )
    assert lines[start + 5].strip().startswith("= (δ₃ Cᵀ) ∘ hidden₂ ∘ (1 − hidden₂)")
    assert unicodedata.is_normalized("NFC", printed)


def test_markdown_is_what_github_renders():
    """In fences, since between dollars it takes backslashes away; for others between dollars."""
    derivation = chainrule.derive(*make_seed_network())
    fenced, dollars = derivation.to_markdown(), derivation.to_markdown(math="dollars")
    assert "$" not in fenced
    opening = [line for line in fenced.splitlines() if line.startswith("```")]
    assert opening[::2] == ["```math"] * (len(opening) // 2)
    assert opening[1::2] == ["```"] * (len(opening) // 2)
    assert {line for line in dollars.splitlines() if "$" in line} == {"$$"}
    assert dollars.replace("$$", "") == fenced.replace("```math", "").replace("```", "")
    with pytest.raises(ValueError, match="math is 'tex'; expected 'fenced' or 'dollars'"):
        derivation.to_markdown(math="tex")


@pytest.mark.parametrize("form", ["to_text", "to_latex", "to_markdown", "_repr_html_"])
def test_the_numbers_that_are_given_are_there(form):
    net, x, y, options = make_layered(True, False, True, "prelu", 1)
    derivation = chainrule.derive(net, x, y, masks=options["masks"])
    written = getattr(derivation, form)()
    for key in ("x.1", "W.1", "b.3", "gain.1", "shift.1", "slope.2", "mask.1", "y"):
        for value in derivation.value(key).ravel():
            digits = f"{abs(value):.6g}" if form == "to_text" else f"{abs(value):.5g}"
            assert digits in written, key
    assert "Given: the sample and the parameters" in written
    assert "Given" not in getattr(chainrule.derive([3, 2]), form)()


@pytest.mark.parametrize("form", ["to_text", "to_latex", "to_markdown", "_repr_html_"])
def test_an_update_says_what_its_settings_are(form):
    derivation = chainrule.derive(*make([2, 2]), optimizer=chainrule.Adam(0.03, beta_1=0.8))
    written = getattr(derivation, form)()
    if form == "to_latex":
        assert r"$\eta$ = 0.03, $\beta_{2}$ = 0.999, t = 1, $\beta_{1}$ = 0.8" in written
    else:
        assert "η = 0.03, β₂ = 0.999, t = 1, β₁ = 0.8" in written


def test_cases_exclude_each_other():
    loss = chainrule.losses.Quantile(0.9)
    derivation = chainrule.derive([3, 2], loss=loss)
    assert text(derivation.step("dyhat").forms[0].expression) == (
        "{ 1 − 0.9 (ŷ − y > 0); −0.9 (ŷ − y < 0); 0 (ŷ − y = 0) }"
    )
    clipped = chainrule.derive([3, 2], optimizer=chainrule.SGD(0.1, clip_value=2.0)).step(
        "update.clipped.W.1"
    )
    assert text(clipped.forms[0].expression) == (
        "{ −c (∂Ē/∂W₁ < −c); c (∂Ē/∂W₁ > c); ∂Ē/∂W₁ (|∂Ē/∂W₁| ≤ c) }"
    )


@pytest.mark.parametrize("language", ["en", "zh"])
def test_shapes_are_wrapped_and_nothing_is_minus_zero(language):
    net, x, y = make_seed_network()
    printed = chainrule.derive(net, x, net(x)).to_text(language=language, width=90)
    shapes = "shapes: " if language == "en" else "形状: "
    assert all(columns(line) <= 90 for line in printed.splitlines() if ": 1×" in line)
    first = next(line for line in printed.splitlines() if line.strip().startswith(f"{shapes}∂E/∂a"))
    following = printed.splitlines()[printed.splitlines().index(first) + 1]
    indent = columns(first[: first.index("∂")])
    assert following.startswith(" " * indent)
    assert following[indent] != " "
    net, x, y = make([3, 4, 2], 1, activation="relu")
    derivation = chainrule.derive(net, x, y)
    assert np.signbit(derivation.value("dW.1")[derivation.value("dW.1") == 0]).any()
    for form in (derivation.to_text(), derivation.to_latex(), derivation._repr_html_()):
        assert not re.search(r"[ >{&]-0[ <\\\n]", form)


def test_the_identity_leaves_no_factor():
    derivation = chainrule.derive(*make([3, 4, 2], 1, activation="identity"))
    assert [text(form.expression) for form in derivation.step("prime.1").forms] == ["1"]
    assert text(derivation.step("jacobian.1").forms[-1].expression) == "I₄"
    assert text(derivation.step("delta.2").forms[-1].expression) == "ŷ − y"
    assert text(derivation.step("delta.1").forms[-1].expression) == "δ₂ W₂ᵀ"


def test_brackets_grow_only_around_what_is_tall():
    derivation = chainrule.derive(*make([3, 4, 2], 1, activation="sigmoid"))
    last, first = (mathml(derivation.step("delta.1").forms[i].expression) for i in (-1, 2))
    assert last.count('stretchy="false">(') == 2
    assert '<mo fence="true" form="prefix">(</mo>' in mathml(derivation.step("prime.1").forms[1].expression)
    assert 'stretchy="false">(' in first


def test_numbers_can_be_left_out():
    derivation = chainrule.derive(*make_seed_network())
    assert len(derivation.to_text(numbers=False)) < len(derivation.to_text())
    assert "bmatrix}0" in derivation.to_latex()
    assert "bmatrix}0" not in derivation.to_latex(numbers=False)
    assert "bmatrix}0" not in derivation.to_markdown(numbers=False)


def test_numbers_in_a_notebook_stand_between_brackets():
    derivation = chainrule.derive(*make([3, 2], 1))
    html = ElementTree.fromstring(derivation._repr_html_())
    name = "{http://www.w3.org/1998/Math/MathML}"
    matrices = [row for row in html.iter(f"{name}mrow") if row.find(f"{name}mtable") is not None]
    assert {row[0].text for row in matrices} <= {"[", "{"}  # { before the cases of a formula
    weights = next(row for row in matrices if len(row.findall(f"{name}mtable/{name}mtr")) == 3)
    cells = [cell.text for cell in weights.iter(f"{name}mn")]
    assert cells == [f"{value:.5g}" for value in derivation.value("W.1").ravel()]
    assert f"<mn>{derivation.value('E').item():.5g}</mn>" in derivation._repr_html_().partition("E3")[2]


def test_large_matrices_are_folded():
    derivation = chainrule.derive(*make([40, 30, 2], 12, activation="tanh"))
    assert len(derivation.to_text()) < 30_000
    assert len(derivation.to_latex()) < 60_000
    assert r"\vdots" in derivation.to_latex()
    assert len(derivation._repr_html_()) < 300_000


def test_notebook_form_is_well_formed_and_fetches_nothing():
    derivation = chainrule.derive(*make_seed_network(), language="zh")
    html = derivation._repr_html_()
    tree = ElementTree.fromstring(html)
    assert tree.get("lang") == "zh"
    assert html.count("<math") > 50
    assert "src=" not in html
    assert "<script" not in html
    assert set(re.findall(r"https?://[^\"]*", html)) == {"http://www.w3.org/1998/Math/MathML"}


def test_repr_and_str():
    derivation = chainrule.derive(*make([3, 2], 4))
    assert repr(derivation) == f"<Derivation of 3-2, {len(derivation)} steps, 4 rows>"
    assert str(derivation) == derivation.to_text()


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "zh"])
def test_latex_compiles(language, tmp_path):
    xelatex = shutil.which("xelatex")
    if xelatex is None:
        pytest.skip("xelatex is not installed (Debian: texlive-xetex, texlive-lang-chinese)")
    rng = np.random.default_rng(0)
    seed = make_seed_network()
    layered, x, y, options = make_layered(True, True, True, "prelu", 2)
    softmax = chainrule.Network([30, 20, 12], loss="cross_entropy", random_state=0)
    derivations = {
        "seed": chainrule.derive(*seed, language=language),
        "layered": chainrule.derive(layered, x, y, masks=options["masks"], language=language),
        "wide": chainrule.derive(softmax, rng.normal(size=(4, 30)), [0, 3, 5, 11], language=language),
        "fragments": None,
    }
    fragments = [chainrule.derive([3, 2, 2], activation=a, language=language) for a in HIDDEN]
    fragments += [
        chainrule.derive([3, 2], loss=e, output_activation=o, language=language) for e, o in PAIRS[-6:]
    ]
    for name, derivation in derivations.items():
        if derivation is None:
            first, *rest = derivations["seed"].to_latex(language=language).partition(r"\maketitle")
            body = "".join(one.to_latex(document=False) for one in fragments)
            source = f"{first}{rest[0]}\n{body}\\end{{document}}\n"
        else:
            source = derivation.to_latex()
        (tmp_path / f"{name}.tex").write_text(source, encoding="utf-8")
        command = [xelatex, "-interaction=nonstopmode", "-halt-on-error", f"{name}.tex"]
        done = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, check=False, errors="replace"
        )
        log = (tmp_path / f"{name}.log").read_text(encoding="utf-8", errors="replace")
        assert done.returncode == 0, log[-3000:]
        assert "Missing character" not in log, re.findall("Missing character.*", log)[:5]
        assert (tmp_path / f"{name}.pdf").stat().st_size > 10_000
        wide = [float(points) for points in re.findall(r"Overfull \\hbox \((\d+\.\d+)pt", log)]
        assert max(wide, default=0.0) < 40, (name, sorted(wide)[-5:])
