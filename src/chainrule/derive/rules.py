"""Why one side of an "=" equals the other: each rule's name and its text."""

from __future__ import annotations

from typing import NamedTuple

from chainrule.derive.words import Words


class Rule(NamedTuple):
    """A rule that justifies a step."""

    name: Words
    text: Words


RULES: dict[str, Rule] = {
    "definition": Rule(
        Words("definition", "定义"),
        Words("This is what the symbol stands for.", "这就是该符号的含义。"),
    ),
    "substitution": Rule(
        Words("substitution", "代入"),
        Words("Insert what is already known.", "代入已经求出的结果。"),
    ),
    "algebra": Rule(
        Words("algebra", "代数变形"),
        Words("The same expression, rearranged.", "同一式子的等价变形。"),
    ),
    "function": Rule(
        Words("the function, written out", "写出函数"),
        Words("f is replaced by its formula, element by element.", "将 f 逐元素换成它的表达式。"),
    ),
    "derivative": Rule(
        Words("derivative of the function", "对函数求导"),
        Words("Differentiate the formula of f.", "对 f 的表达式求导。"),
    ),
    "chain_rule": Rule(
        Words("chain rule", "链式法则"),
        Words(
            "The derivative of a composition is the product of the derivatives of its parts, here of Jacobian"
            " matrices J with Jᵢⱼ = ∂(i-th result)/∂(j-th argument), outermost first.",
            "复合函数的导数等于各部分导数之积；"
            "这里是雅可比矩阵之积，Jᵢⱼ = ∂(第 i 个结果)/∂(第 j 个自变量)，由外到内。",
        ),
    ),
    "jacobians": Rule(
        Words("insert Wᵀ and the diagonal Jacobians", "代入 Wᵀ 与对角雅可比矩阵"),
        Words(
            "Each factor is known. The derivative of the i-th element of x W − b by the j-th element of x is"
            " Wⱼᵢ, so the Jacobian is Wᵀ. The i-th element of f(net) depends only on the i-th of net, so the"
            " Jacobian is diagonal.",
            "每个因子都已知：x W − b 的第 i 个元素对 x 的第 j 个元素的导数是 Wⱼᵢ，所以雅可比矩阵是 Wᵀ；"
            "f(net) 的第 i 个元素只依赖 net 的第 i 个元素，所以雅可比矩阵是对角阵。",
        ),
    ),
    "matrix_vector": Rule(
        Words("derivative of a product of row vector and matrix", "行向量与矩阵之积的导数"),
        Words(
            "The derivative of the i-th element of x W − b by the j-th element of x is Wⱼᵢ, so"
            " ∂(xW − b)/∂x = Wᵀ.",
            "x W − b 的第 i 个元素对 x 的第 j 个元素的导数是 Wⱼᵢ，所以 ∂(xW − b)/∂x = Wᵀ。",
        ),
    ),
    "bias": Rule(
        Words("derivative by the bias", "对偏置求导"),
        Words(
            "Each element of b enters only one element of net. The Jacobian is −I if b is subtracted, I if b"
            " is added.",
            "b 的每个元素只进入 net 的一个元素：偏置被减去时雅可比矩阵是 −I，被加上时是 I。",
        ),
    ),
    "weight": Rule(
        Words("derivative by the matrix", "对权重矩阵求导"),
        Words(
            "Wᵢⱼ enters only the j-th element of net, with the factor xᵢ, so ∂E/∂Wᵢⱼ = xᵢ ∂E/∂netⱼ: the"
            " product of the column xᵀ and the row ∂E/∂net.",
            "Wᵢⱼ 只进入 net 的第 j 个元素，系数是 xᵢ，所以 ∂E/∂Wᵢⱼ = xᵢ ∂E/∂netⱼ，"
            "即列向量 xᵀ 与行向量 ∂E/∂net 之积。",
        ),
    ),
    "elementwise": Rule(
        Words("an element-wise function has a diagonal Jacobian", "逐元素函数的雅可比矩阵是对角阵"),
        Words(
            "The i-th element of f(net) depends only on the i-th of net, so all elements off the diagonal"
            " are 0.",
            "f(net) 的第 i 个元素只依赖 net 的第 i 个元素，所以非对角元都是 0。",
        ),
    ),
    "hadamard": Rule(
        Words("a row times a diagonal matrix is a Hadamard product", "行向量乘对角阵等于哈达玛积"),
        Words(
            "A row times diag(d) multiplies its i-th element by dᵢ. Read ∘ element by element; the matrix"
            " product binds tighter.",
            "行向量乘 diag(d) 就是把第 i 个元素乘以 dᵢ。∘ 表示逐元素相乘；矩阵乘法优先于 ∘。",
        ),
    ),
    "stored_output": Rule(
        Words("f′ from the stored output (E7)", "由已存的输出求 f′（E7）"),
        Words(
            "The forward pass has stored the output y = f(net), and f′ is a function of y, so net need not"
            " be kept.",
            "前向传播已经存下输出 y = f(net)，而 f′ 是 y 的函数，所以不必保留 net。",
        ),
    ),
    "stored_net": Rule(
        Words("f′ from the stored net (E7)", "由已存的 net 求 f′（E7）"),
        Words(
            "f′ cannot be computed from the output, so the forward pass stores net for this layer.",
            "这里的 f′ 不是输出的函数，所以前向传播为该层存下 net。",
        ),
    ),
    "identity": Rule(
        Words("the identity has f′ = 1", "恒等函数的 f′ = 1"),
        Words(
            "The derivative of the identity is 1 everywhere, so its Jacobian is the identity matrix and the"
            " factor can be left out.",
            "恒等函数的导数处处为 1，所以雅可比矩阵是单位阵，这个因子可以省去。",
        ),
    ),
    "full_jacobian": Rule(
        Words("a function of the whole row has a full Jacobian", "整行的函数，其雅可比矩阵是满阵"),
        Words(
            "Every element of the result depends on every element of the argument, so the Jacobian is not"
            " diagonal.",
            "结果的每个元素都依赖自变量的每个元素，所以雅可比矩阵不是对角阵。",
        ),
    ),
    "collapse": Rule(
        Words("loss and output function cancel", "损失与输出函数相消"),
        Words(
            "The denominators of ∂E/∂ŷ are factors of the output function's derivative and cancel.",
            "∂E/∂ŷ 的分母正是输出函数导数的因子，二者相消。",
        ),
    ),
    "softmax_collapse": Rule(
        Words("softmax with cross-entropy collapses to ŷ − y", "softmax 与交叉熵合并为 ŷ − y"),
        Words(
            "(−y/ŷ)(diag(ŷ) − ŷᵀŷ) = −y + (Σ y) ŷ, and the targets of a row sum to 1.",
            "(−y/ŷ)(diag(ŷ) − ŷᵀŷ) = −y + (Σ y) ŷ，而一行的目标之和为 1。",
        ),
    ),
    "sum_of_paths": Rule(
        Words("two paths, two terms", "两条路径，两项相加"),
        Words(
            "A value that affects the error along two paths has the sum of both derivatives.",
            "一个量经两条路径影响误差时，导数是两项之和。",
        ),
    ),
    "residual": Rule(
        Words("the skip has the identity as its Jacobian (E9)", "跳跃连接的雅可比矩阵是单位阵（E9）"),
        Words(
            "The input is added as it is, so the gradient passes unchanged beside the layer's own term.",
            "输入被原样相加，所以梯度除了经过该层的一项外，还原样通过。",
        ),
    ),
    "dropout": Rule(
        Words("a fixed mask has a diagonal Jacobian (E10)", "固定的掩码，其雅可比矩阵是对角阵（E10）"),
        Words(
            "During the step the mask is a constant, 0 or 1/(1 − p): a dropped unit gets no gradient.",
            "在这一步中掩码是常数 0 或 1/(1 − p)：被丢弃的单元没有梯度。",
        ),
    ),
    "normalization": Rule(
        Words("mean and deviation depend on every unit (E8)", "均值和标准差依赖每个单元（E8）"),
        Words(
            "Changing one net input also changes the mean and the deviation of the row, so the Jacobian is a"
            " diagonal matrix minus two matrices of rank one.",
            "改变一个 net 也会改变整行的均值和标准差，所以雅可比矩阵是对角阵减去两个秩一矩阵。",
        ),
    ),
    "gain": Rule(
        Words("derivative by a factor", "对系数求导"),
        Words(
            "A unit's factor affects only that unit's value; the derivative is what the factor multiplies.",
            "一个单元的系数只进入该单元的值，导数是它所乘的量。",
        ),
    ),
    "part_of_row": Rule(
        Words("its part of the row", "取行中属于它的一段"),
        Words(
            "It stands in the row beside others, unchanged, so the Jacobian picks its columns.",
            "它原样排在这一行中，所以雅可比矩阵只是取出属于它的几列。",
        ),
    ),
    "cosine": Rule(
        Words("the derivative of the cosine is minus the sine", "余弦的导数是负的正弦"),
        Words(
            "Each wave depends on its own angle alone, so the Jacobian of cos is diagonal: diag(−sin).",
            "每个波只依赖自己的角度，所以 cos 的雅可比矩阵是对角阵 diag(−sin)。",
        ),
    ),
    "bins": Rule(
        Words("only the bin of the value moves", "只有该值所在的区间会变"),
        Words(
            "Where the value is moved, its part of its own bin changes by 1/h; the bins below stay 1, those"
            " above 0.",
            "值变动时，只有它所在区间的比例以 1/h 变化；其下的区间保持 1，其上的保持 0。",
        ),
    ),
    "columns": Rule(
        Words("each column has the sum of its paths", "每一列是其各条路径之和"),
        Words(
            "A column that several input layers take affects the error along each of them; a column that"
            " enters as it is has its part of the gradient by the row.",
            "被多个输入层使用的列沿每条路径影响误差；原样进入的列取行梯度中属于它的一段。",
        ),
    ),
    "sum_over_rows": Rule(
        Words("the parameters are shared: sum over the rows", "参数为各行共用：对行求和"),
        Words(
            "Every row of the batch uses the same parameters, and the loss is the mean over the rows, so the"
            " gradients of the rows are summed and divided by their number.",
            "批中每一行都使用同样的参数，损失是各行的平均，所以各行的梯度相加再除以行数。",
        ),
    ),
    "stacked_rows": Rule(
        Words("a product of matrices sums over the rows", "矩阵乘法就是对行求和"),
        Words(
            "With the rows stacked as matrices X and Δ, XᵀΔ = Σᵢ x⁽ⁱ⁾ᵀ δ⁽ⁱ⁾: the sum is in the product.",
            "把各行叠成矩阵 X 和 Δ，则 XᵀΔ = Σᵢ x⁽ⁱ⁾ᵀ δ⁽ⁱ⁾：求和就在矩阵乘法之中。",
        ),
    ),
    "optimizer": Rule(
        Words("the optimizer's formula", "优化器的公式"),
        Words("One step against the gradient.", "沿负梯度方向走一步。"),
    ),
}
