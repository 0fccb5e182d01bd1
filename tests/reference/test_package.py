"""The package itself: its examples, what it imports, and where each equation is."""

import doctest
import importlib
import subprocess
import sys
from pathlib import Path

from chainrule import reference


def test_public_functions_have_examples():
    for name in ("forward", "backward", "gradients", "predict", "batch_loss", "gradcheck", "complex_step"):
        assert ">>>" in getattr(reference, name).__doc__


def test_every_equation_has_its_function():
    equations = importlib.import_module("chainrule.reference.equations")
    functions = {
        "E1": equations.net_input,
        "E2": equations.layer_output,
        "E3": equations.row_errors,
        "E4": equations.output_bias_gradient,
        "E5": equations.hidden_bias_gradient,
        "E6": equations.weight_gradient,
        "E8": equations.layer_norm,
        "E9": equations.residual,
        "E10": equations.dropout,
        "E11": reference.inputs.Scale.forward,
        "E13": reference.inputs.Periodic.forward,
        "E14": reference.inputs.PiecewiseLinear.forward,
        "E15": reference.inputs.Categories.forward,
        "E16": importlib.import_module("chainrule.reference.members").member_net_input,
    }
    for equation, function in functions.items():
        assert function.__doc__.startswith(f"{equation}: ")
    for activation in reference.ACTIVATIONS.values():
        assert "[E7]" in type(activation).__doc__
        assert type(activation).value.__doc__.startswith("E2: ")


def test_input_layers_name_their_equation_and_their_source():
    for layer in reference.inputs.INPUT_LAYERS.values():
        assert ">>>" in layer.__doc__
        if layer.equation:
            assert f"[{layer.equation}]" in layer.__doc__
            assert "Source: " in layer.__doc__
            assert layer.backward.__doc__.startswith(f"{layer.equation} backward")


def test_the_example_in_the_documentation_runs():
    page = Path(__file__).parents[2] / "docs" / "layers.md"
    found = doctest.testfile(str(page), module_relative=False, encoding="utf-8")
    assert found.attempted >= 5
    assert found.failed == 0


def test_reference_imports_nothing_else_of_ours_and_no_scipy():
    code = (
        "import sys, chainrule.reference\n"
        "ours = {m for m in sys.modules if m.startswith('chainrule.') and m.split('.')[1] != 'reference'}\n"
        "others = {m for m in sys.modules if m.split('.')[0] in {'scipy', 'sklearn', 'torch', 'pyarrow'}}\n"
        "print(sorted(ours | others))\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
