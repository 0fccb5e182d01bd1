"""The symbols of a network: the seed's letters for its own network, x W b net for all others."""

from __future__ import annotations

from chainrule.derive.expression import Glyph, Gradient, Size, Symbol
from chainrule.derive.words import Words

#: What each role is, for legends.
ROLES: dict[str, Words] = {
    "input": Words("input", "输入"),
    "hidden": Words("output of a hidden layer", "隐藏层输出"),
    "output": Words("output of the network", "网络输出"),
    "target": Words("target", "目标"),
    "weight": Words("weights", "权重"),
    "bias": Words("biases", "偏置"),
    "net": Words("net input", "净输入"),
    "loss": Words("error", "误差"),
    "delta": Words("delta, ∂E/∂net", "δ，即 ∂E/∂net"),
    "gradient": Words("gradient", "梯度"),
    "jacobian": Words("Jacobian matrix", "雅可比矩阵"),
    "derivative": Words("f′(net)", "f′(net)"),
    "normalized": Words("normalized net", "归一化后的 net"),
    "deviation": Words("standard deviation of the row", "该行的标准差"),
    "gain": Words("gain of the normalization", "归一化的增益"),
    "shift": Words("shift of the normalization", "归一化的平移"),
    "scaled": Words("net after normalization", "归一化层的输出"),
    "activated": Words("f(net), before dropout and skip", "f(net)，在 dropout 和跳跃连接之前"),
    "dropped": Words("after dropout", "dropout 之后"),
    "mask": Words("mask of dropout", "dropout 掩码"),
    "slope": Words("learned slopes", "可学习的斜率"),
    "alpha": Words("learned strengths of the function", "可学习的函数强度"),
    "data": Words("the row as the data have it", "数据中的一行"),
    "column": Words("one column of the row", "该行的一列"),
    "joined": Words("what the input layers give, side by side", "各输入层的结果并排"),
    "embedded": Words("input of the first layer, from the input layers", "由输入层给出的第一层输入"),
    "factor": Words("learned factors of the columns", "各列的可学习系数"),
    "frequency": Words("learned frequencies", "可学习的频率"),
    "phase": Words("learned phases", "可学习的相位"),
    "angle": Words("angles of the waves", "各波的角度"),
    "mixing": Words("learned weights of an input layer", "输入层的可学习权重"),
    "offset": Words("learned offsets of an input layer", "输入层的可学习偏移"),
    "edge": Words("where each bin begins", "每个区间的左端"),
    "width": Words("how wide each bin is", "每个区间的宽度"),
    "part": Words("how far into each bin the value is", "该值在各区间中走了多远"),
    "position": Words("what of each bin is below the value", "各区间低于该值的部分"),
    "table": Words("learned row for each category", "每个类别的可学习行"),
    "embedding": Words("what an input layer gives", "一个输入层的结果"),
    "setting": Words("setting of the optimizer", "优化器的设定"),
    "moment": Words("memory of the optimizer", "优化器的记忆量"),
    "updated": Words("parameter after the update", "更新后的参数"),
    "size": Words("number of rows", "行数"),
}

SEED_WEIGHTS, SEED_BIASES = "ABC", "abc"


class Notation:
    """Symbols by what they are; each is made once.

    Parameters
    ----------
    sizes : list of int
        Widths of the layers of neurons.
    seed : bool
        Whether to write A, B, C, a, b, c and hidden_1, hidden_2.
    n_columns : int
        Columns of the data, where input layers make x_1 of them; 0 where x_1 is the data.
    """

    def __init__(self, sizes: list[int], seed: bool, n_columns: int = 0) -> None:
        self.sizes = sizes
        self.seed = seed
        self.n_columns = n_columns
        self.n_layers = len(sizes) - 1
        self.symbols: dict[str, Symbol] = {}

    def _make(
        self, key: str, glyph: Glyph, size: tuple[Size, Size], role: str, layer: int | None, **more: bool
    ) -> Symbol:
        return self.symbols.setdefault(key, Symbol(key, glyph, size, role, layer, **more))

    def named(
        self,
        key: str,
        base: str,
        index: int,
        size: tuple[Size, Size],
        role: str,
        *,
        per_row: bool = True,
        is_scalar: bool = False,
    ) -> Symbol:
        """Return a symbol of the input layers, which belongs to no layer k."""
        glyph = Glyph(base, str(index))
        return self._make(key, glyph, size, role, None, per_row=per_row, is_scalar=is_scalar)

    def n(self, k: int) -> int:
        """n_k, the width of the k-th layer of neurons."""
        return self.sizes[k - 1]

    def row(self, kind: str, base: str, k: int, role: str, accent: str = "") -> Symbol:
        """Return a row of layer k's units."""
        return self._make(f"{kind}.{k}", Glyph(base, str(k), accent), (1, self.n(k + 1)), role, k)

    def vector(self, kind: str, base: str, k: int, role: str) -> Symbol:
        """Return a learned vector of layer k, shared by the rows."""
        return self._make(f"{kind}.{k}", Glyph(base, str(k)), (1, self.n(k + 1)), role, k, per_row=False)

    def x(self, k: int) -> Symbol:
        """x_k, the input of layer k; x_{l+1} is the output yhat, x_0 the data that input layers take."""
        if k == 0:
            return self.named("x.0", "x", 0, (1, self.n_columns), "data")
        last = self.n_layers + 1
        if k == last:
            glyph, role = Glyph("y", "", "hat"), "output"
        elif self.seed:
            glyph = Glyph("x") if k == 1 else Glyph("hidden", str(k - 1))
            role = "input" if k == 1 else "hidden"
        else:
            first = "embedded" if self.n_columns else "input"
            glyph, role = Glyph("x", str(k)), first if k == 1 else "hidden"
        return self._make(f"x.{k}", glyph, (1, self.n(k)), role, k - 1 or None)

    @property
    def yhat(self) -> Symbol:
        """The output."""
        return self.x(self.n_layers + 1)

    @property
    def y(self) -> Symbol:
        """The target."""
        return self._make("y", Glyph("y"), (1, self.sizes[-1]), "target", None)

    @property
    def E(self) -> Symbol:
        """The error of one row."""
        return self._make("E", Glyph("E"), (1, 1), "loss", None, is_scalar=True)

    def W(self, k: int) -> Symbol:
        """W_k."""
        glyph = Glyph(SEED_WEIGHTS[k - 1]) if self.seed else Glyph("W", str(k))
        return self._make(f"W.{k}", glyph, (self.n(k), self.n(k + 1)), "weight", k, per_row=False)

    def b(self, k: int) -> Symbol:
        """b_k."""
        glyph = Glyph(SEED_BIASES[k - 1]) if self.seed else Glyph("b", str(k))
        return self._make(f"b.{k}", glyph, (1, self.n(k + 1)), "bias", k, per_row=False)

    def net(self, k: int) -> Symbol:
        """net_k."""
        return self.row("net", "net", k, "net")

    def delta(self, k: int) -> Symbol:
        """delta_k."""
        return self.row("delta", "δ", k, "delta")

    def gradient(self, key: str, of: Symbol, wrt: Symbol, *, per_row: bool = True) -> Gradient:
        """Return the derivative of a scalar by a symbol, in the symbol's shape."""
        found = self.symbols.get(key)
        if isinstance(found, Gradient):
            return found
        made = Gradient(key, Glyph("∂"), wrt.size, "gradient", wrt.layer, per_row, of=of, wrt=wrt)
        self.symbols[key] = made
        return made

    def dW(self, k: int) -> Gradient:
        """dE/dW_k of one row."""
        return self.gradient(f"dW.{k}", self.E, self.W(k))

    def db(self, k: int) -> Gradient:
        """dE/db_k of one row."""
        return self.gradient(f"db.{k}", self.E, self.b(k))

    def dx(self, k: int) -> Gradient:
        """dE/dx_k of one row."""
        return self.gradient(f"dx.{k}", self.E, self.x(k))

    def jacobian(self, of: Symbol, wrt: Symbol) -> Gradient:
        """Return the Jacobian of one row by another as a symbol with a value of its own."""
        key = f"jacobian.{of.key}/{wrt.key}"
        size = (of.shape[1], wrt.shape[1])
        made = Gradient(key, Glyph("∂"), size, "jacobian", wrt.layer, of=of, wrt=wrt)
        found = self.symbols.setdefault(key, made)
        assert isinstance(found, Gradient)
        return found
