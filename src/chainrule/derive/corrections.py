"""Slips of the seed document, mended in what is written here, each with its reason."""

from __future__ import annotations

from typing import NamedTuple

from chainrule.derive.words import Words


class Correction(NamedTuple):
    """What the seed says, what is written here, and why."""

    seed: str
    ours: str
    why: Words


CORRECTIONS: tuple[Correction, ...] = (
    Correction(
        "显然都是列向量",
        "hidden₁: 1 × 5, hidden₂: 1 × 4",
        Words(
            "With a row x, f(xA − a) is a row: the hidden outputs are row vectors, not column vectors.",
            "x 是行向量，f(xA − a) 也是行向量：隐藏层输出是行向量，不是列向量。",
        ),
    ),
    Correction(
        "B·hidden₁",
        "hidden₁ B",
        Words(
            "hidden₁ is 1 × 5 and B is 5 × 4, so the product is hidden₁ B, as the document writes before.",
            "hidden₁ 是 1 × 5，B 是 5 × 4，所以乘积是 hidden₁ B，原文前面也是这样写的。",
        ),
    ),
    Correction(
        "f(Wᵢxᵢ − bᵢ)",
        "f(xᵢWᵢ − bᵢ)",
        Words(
            "In the summary the order of the product is reversed; rows multiply from the left.",
            "总结中乘积的次序写反了；行向量应从左边相乘。",
        ),
    ),
    Correction(
        "四层神经网络 / l = 3",
        "l = 3",
        Words(
            "“Four layers” counts layers of neurons, the l = 3 of the summary counts weight matrices.",
            "“四层”数的是神经元的层，总结中的 l = 3 数的是权重矩阵。",
        ),
    ),
    Correction(
        "hidden₂ᵀ·(ŷ − y)∘ŷ∘(1 − ŷ)",
        "hidden₂ᵀ ((ŷ − y) ∘ ŷ ∘ (1 − ŷ))",
        Words(
            "The Hadamard products come first: hidden₂ᵀ (ŷ − y) is 4 × 3, which does not go with ŷ, 1 × 3.",
            "应先做哈达玛积：hidden₂ᵀ (ŷ − y) 是 4 × 3，不能与 1 × 3 的 ŷ 做哈达玛积。",
        ),
    ),
    Correction(
        "和前面的矩阵乘起来，转置，再与(ŷ − y)相乘",
        "(ŷ − y) · diag(ŷ ∘ (1 − ŷ)) · (−I₃)",
        Words(
            "Nothing is transposed: a row times the Jacobian matrices, from left to right, is a row.",
            "不需要转置：行向量从左到右乘各雅可比矩阵，就得到行向量形式的梯度。",
        ),
    ),
    Correction(
        "从而计算出E对B的梯度",
        "∂E/∂b",
        Words(
            "What is derived there is the gradient by b; the gradient by B follows in the next line.",
            "那里得到的是对 b 的梯度；对 B 的梯度在下一行。",
        ),
    ),
    Correction(
        "转置项中是四个矩阵乘积",
        "(ŷ − y) · J₃ · Cᵀ · J₂ · (−I₄)",
        Words(
            "There is no transposed bracket in the formula; the four matrices are J₃, Cᵀ, J₂ and −I₄.",
            "式中并没有“转置项”；四个矩阵是 J₃、Cᵀ、J₂ 和 −I₄。",
        ),
    ),
    Correction(
        "(∂(hidden₂C − c)/∂C)ᵀ = hidden₂ᵀ",
        "∂E/∂Cᵢⱼ = (hidden₂)ᵢ ∂E/∂netⱼ",
        Words(
            "The derivative of a row by a matrix has three indices; element by element it is this product.",
            "行向量对矩阵的导数有三个下标；逐元素写出，结果就是 hidden₂ᵀ ∂E/∂net。",
        ),
    ),
)
