"""What other libraries call otherwise: said where users type it."""

import inspect
from typing import Any, NoReturn, Self

from chainrule._words import did_you_mean, hinted_by

WATCHED = "fit(X, y, X_val=..., y_val=...) has rows to watch"

#: Keywords of constructors and of `fit`, and what there is here.
KEYWORDS = {
    "eval_set": WATCHED,
    "validation_data": WATCHED,
    "early_stopping_rounds": "early_stopping=True stops a fit, patience is how many epochs may pass before",
    "validation_split": "set early_stopping=True; validation_fraction is the share of the rows to watch",
    "eval_metric": "scoring names what is measured",
    "metrics": "scoring names what is measured",
    "n_estimators": "max_iter is how many epochs a network is trained, hidden_layer_sizes how large it is",
    "max_depth": "hidden_layer_sizes has a width for each layer",
    "epochs": "max_iter is the number of epochs",
    "optimizer": "it is called solver here",
    "lr": "it is called learning_rate_init here",
    "eta": "it is called learning_rate_init here",
    "weight_decay": "it is called alpha here",
    "reg_lambda": "it is called alpha here",
    "seed": "it is called random_state here",
    "n_jobs": "it is called n_threads here",
}

IMPORTANCES = (
    "a network has none of its own; sklearn.inspection.permutation_importance(model, X, y) measures them, "
    "and input_gradients(X) has the derivative by each feature, row by row"
)
ATTRIBUTES = {
    "feature_importances_": IMPORTANCES,
    "feature_importance": IMPORTANCES,
    "coef_": "a network has one matrix for each layer: coefs_",
    "intercept_": "a network has one vector for each layer: intercepts_",
    "evals_result": "it is called evals_result_ here",
    "best_iteration": "it is called best_iteration_ here",
    "history": "loss_curve_ has the losses, evals_result_ what scoring measured",
}


def refuse(owner: type, method: str, name: str, known: list[str]) -> NoReturn:
    """Raise TypeError for a keyword that there is not, with what there is."""
    constructor = inspect.signature(owner.__init__).parameters  # type: ignore[misc]
    if method == "fit" and name in constructor:
        hint = f"it is set before: {owner.__name__}({name}=...)"
    else:
        hint = KEYWORDS.get(name) or did_you_mean(name, [*known, *constructor])
    where = owner.__name__ if method == "__init__" else f"{owner.__name__}.{method}"
    raise TypeError(f"{where}() got an unexpected keyword argument {name!r}" + (f"; {hint}" if hint else ""))


#: Lets a constructor or `fit` say what is meant where a keyword has another name here.
hinted = hinted_by(refuse)


class OtherNames:
    """Says of attributes and parameters that other libraries have what there is here."""

    def set_params(self, **params: Any) -> Self:
        """Set parameters of this estimator.

        Parameters
        ----------
        **params : dict
            Parameters by their names.

        Returns
        -------
        self : object
            The estimator.

        Raises
        ------
        ValueError
            For a parameter that there is not.
        """
        try:
            super().set_params(**params)  # type: ignore[misc]
        except ValueError as error:
            hints = [KEYWORDS[name] for name in params if name in KEYWORDS]
            if not hints or not str(error).startswith("Invalid parameter"):
                raise
            raise ValueError(f"{str(error).rstrip('.')}; {hints[0]}") from None
        return self

    def __getattr__(self, name: str) -> Any:
        """Raise the usual AttributeError, or one that says more."""
        if name in ATTRIBUTES:
            message = f"{type(self).__name__!r} object has no attribute {name!r}: {ATTRIBUTES[name]}"
            raise AttributeError(message, name=name, obj=self)
        return object.__getattribute__(self, name)  # raises again, in the words of whoever raised first
