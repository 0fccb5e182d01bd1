"""A member: a finished network, how it was made, and its part in the model."""

from dataclasses import dataclass

from chainrule.network import Network
from chainrule.tabular.recipes import Recipe


@dataclass(frozen=True, eq=False)
class Member:
    """A network of the model.

    Attributes
    ----------
    network : Network
        It takes the rows that the model's `member_inputs` gives.
    recipe : Recipe
        How it was made.
    epoch : int
        After which it was finished.
    fold : int
        Which part of the rows it did not see; 0 where there are no folds.
    score : float
        Of it alone on those rows, by the model's `scoring`.
    weight : float
        Its part in the average; all parts sum to 1.
    """

    network: Network
    recipe: Recipe
    epoch: int
    fold: int
    score: float
    weight: float

    def __repr__(self) -> str:
        hidden = "-".join(map(str, self.recipe.hidden))
        return (
            f"Member({hidden} {self.recipe.activation}, epoch {self.epoch}, score {self.score:.4g},"
            f" weight {self.weight:.3g})"
        )
