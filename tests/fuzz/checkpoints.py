"""Checkpoints: a fit goes on from whatever is in them to its end, or says in one error why not."""

import warnings

import numpy as np

import chainrule
from chainrule.files.errors import ModelFileError
from fuzz.model_files import FOLDER, mutated, pick

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(24, 3)), RNG.normal(size=24)
SMALL = {"max_iter": 4, "hidden_layer_sizes": (3,), "batch_size": 8, "random_state": 0}
SMALL["checkpoint"] = str(FOLDER / "run")
FITS = [
    (chainrule.MLPClassifier, {}, Y > 0),
    (chainrule.MLPClassifier, {"early_stopping": True, "layer_norm": True}, np.digitize(Y, [0, 1])),
    (chainrule.MLPRegressor, {"solver": "sgd", "learning_rate": "adaptive"}, Y),
    (chainrule.MLPRegressor, {"scale_targets": True, "schedule": chainrule.PlateauSchedule()}, Y),
    (chainrule.MLPRegressor, {"solver": "rprop", "scoring": ["r2"], "dropout": 0.2}, Y),
]


def halted(record):
    """Stop as if there were more to come."""
    if record.epoch == 3:
        raise KeyboardInterrupt


def files():
    """Return the bytes of a checkpoint of each fit, in the middle."""
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for kind, parameters, y in FITS:
            kind(**SMALL | parameters, callbacks=halted).fit(X, y)
            found.append((FOLDER / "run").read_bytes())
    return found


FILES = files()


def case(rng):
    """Go on from one file."""
    number = int(rng.integers(len(FILES)))
    kind, parameters, y = FITS[number]
    data = FILES[number] if rng.integers(20) else pick(rng, FILES)
    (FOLDER / "run").write_bytes(mutated(rng, data, kept=["parameters"]))
    mlp = kind(**SMALL | parameters)
    try:
        mlp.fit(X, y, resume=True)
    except ModelFileError:
        return
    except ValueError as error:
        if "belongs to a fit" in str(error) or "non-finite" in str(error):
            return
        raise
    mlp.predict(X)
