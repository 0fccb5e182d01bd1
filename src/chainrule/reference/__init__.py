"""THE EQUATIONS E1-E16 as code: forward, backward and their complex-step check, on any array-API namespace.

Rows are samples; layer k = 1..l has weights W_k (n_k x n_{k+1}) and biases b_k (n_{k+1},), and the bias is
subtracted: net_k = x_k W_k - b_k. Written to be read beside the equations, not to be fast.

| id | equation | where |
|----|----------|-------|
| E1 | net_k = x_k W_k - b_k | `equations.net_input` |
| E2 | x_{k+1} = f_k(net_k) | `equations.layer_output`, `activations` |
| E3 | E = 1/2 ||yhat - y||^2 and the other losses | `equations.row_errors`, `losses` |
| E4 | dE/db_l = -(yhat - y) o f'(net_l) | `equations.output_bias_gradient` |
| E5 | dE/db_k = (dE/db_{k+1}) W_{k+1}^T o f'(net_k) | `equations.hidden_bias_gradient` |
| E6 | dE/dW_k = -x_k^T (dE/db_k) | `equations.weight_gradient` |
| E7 | f' from what the forward pass stored | `activations` |
| E8 | z = gain o (net - mean) / sqrt(variance + 1e-5) + shift | `equations.layer_norm...` |
| E9 | x_{k+1} = y + x_k | `equations.residual...` |
| E10 | y o m, m in {0, 1/(1-p)} | `equations.dropout...` |
| E11 | s o x | `inputs.Scale` |
| E12 | x + alpha (sigma(x) - x) | `activations.Parametric` |
| E13 | [x, W_2^T cos(2 pi w_1 x + b_1) + b_2] | `inputs.Periodic` |
| E14 | w_0 x + b_0 + sum_{j<i} V_j + t V_i | `inputs.PiecewiseLinear` |
| E15 | E[c] | `inputs.Categories` |
| E16 | net = ((x o r) W) o s - b, for each member | `members.member_net_input` |

Beside the equations: `first_values` (from data), `rates` (NTP and decay as factors), `schedules` and
`preparation` (robust scale, smooth clip), as RealMLP has them.

E11 and E13-E15 stand between the data and x_1 (`inputs`). The engine has E1-E10; E11-E16 are here alone so
far.

Arrays may come from NumPy or any other array-API library and have any floating dtype; with complex arrays the
same code gives the complex step.
"""

from chainrule.reference.activations import ACTIVATIONS, Activation, get_activation
from chainrule.reference.complex_step import complex_step
from chainrule.reference.gradcheck import GradcheckReport, ParameterCheck, gradcheck
from chainrule.reference.inputs import Block
from chainrule.reference.layers import Norm
from chainrule.reference.losses import LOSSES, Loss, get_loss
from chainrule.reference.members import Members
from chainrule.reference.recursion import Gradients, Stored, backward, batch_loss, forward, gradients, predict

__all__ = [
    "ACTIVATIONS",
    "LOSSES",
    "Activation",
    "Block",
    "GradcheckReport",
    "Gradients",
    "Loss",
    "Members",
    "Norm",
    "ParameterCheck",
    "Stored",
    "backward",
    "batch_loss",
    "complex_step",
    "forward",
    "get_activation",
    "get_loss",
    "gradcheck",
    "gradients",
    "predict",
]
