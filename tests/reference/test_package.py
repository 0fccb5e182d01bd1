"""The package itself: its examples, what it imports, and where each equation is."""

import importlib
import subprocess
import sys

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
    }
    for equation, function in functions.items():
        assert function.__doc__.startswith(f"{equation}: ")
    for activation in reference.ACTIVATIONS.values():
        assert "[E7]" in type(activation).__doc__
        assert type(activation).value.__doc__.startswith("E2: ")


def test_reference_imports_nothing_else_of_ours_and_no_scipy():
    code = (
        "import sys, chainrule.reference\n"
        "ours = {m for m in sys.modules if m.startswith('chainrule.') and m.split('.')[1] != 'reference'}\n"
        "others = {m for m in sys.modules if m.split('.')[0] in {'scipy', 'sklearn', 'torch', 'pyarrow'}}\n"
        "print(sorted(ours | others))\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
