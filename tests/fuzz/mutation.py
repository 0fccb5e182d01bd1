"""Bytes and JSON, changed as accidents and enemies do."""

import copy
import json

HOSTILE = [
    None, True, False, 0, 1, -1, 2, 3, 7, 0.5, -0.0, 1e300, -1e300, 1e-320, 2**31, 2**32, 2**53 + 1,
    2**63 - 1, 2**63, 2**64, -(2**63), 10**40, "", "a", "0", "-1", "nan", "\x00", "重み", "float32",
    "float64", "int64", "object", "<U3", "<U100000000", "adam", "sgd", "relu", "softmax", "identity",
    "prelu", "log_loss", "quantile", "squared_error", "number", "text", "date", "classification",
    "regression", "multiclass", "binary", "network", "a" * 300, [], [[]], [0], [1, 2], [0.5, 0.5], ["a"],
    [None], {}, {"a": 0}, {"float": "nan"}, {"float": "inf"}, {"float": "x"}, {"float": []},
    {"tuple": []}, {"tuple": 1}, {"tuple": [1, 2]}, {"pairs": [[1, 2]]}, {"pairs": [[[], 1]]},
    {"pairs": 1}, {"object": ["optimizer", "adam", {}]}, {"object": ["schedule", "plateau", {}]},
    {"object": ["loss", "huber", {"delta": -1}]}, {"object": ["loss", "quantile", {"quantiles": [2]}]},
    {"object": ["optimizer", "sgd", {"momentum": "a"}]}, {"object": 1}, {"object": [[], {}, []]},
    {"object": ["x"]},
]  # fmt: skip


def pick(rng, values):
    """Return one of some values, whatever their types."""
    return values[rng.integers(len(values))]


def mutated_bytes(rng, data):
    """Return bytes with a few accidents: flipped bits, lost, doubled, zeroed and foreign pieces."""
    data = bytearray(data)
    for _ in range(int(rng.integers(1, 4))):
        at, length = (int(rng.integers(0, max(len(data), 1))) for _ in range(2))
        length = min(length, int(2 ** rng.integers(0, 8)))
        match rng.integers(7):
            case 0 if data:
                data[at] ^= 1 << int(rng.integers(8))
            case 1 if data:
                data[at] = int(rng.integers(256))
            case 2:
                del data[at : at + length]
            case 3:
                data[at:at] = data[at : at + length]
            case 4:
                data[at : at + length] = bytes(len(data[at : at + length]))
            case 5:
                data[at : at + length] = rng.bytes(length)
            case 6:
                del data[at:]
    return bytes(data)


def places(value):
    """Return (container, key) of every value in a tree of JSON."""
    found, containers = [], [value]
    while containers:
        container = containers.pop()
        for key, part in container.items() if type(container) is dict else enumerate(container):
            found.append((container, key))
            if type(part) in (dict, list):
                containers.append(part)
    return found


def mutated_json(rng, value):
    """Change a tree of JSON, and return it."""
    for _ in range(int(rng.integers(1, 4))):
        found = places(value)
        if not found:
            break
        container, key = pick(rng, found)
        other, its_key = pick(rng, found)
        match rng.integers(8):
            case 0 | 1 | 2:
                container[key] = copy.deepcopy(pick(rng, HOSTILE))
            case 3:
                del container[key]
            case 4:
                container[key] = copy.deepcopy(other[its_key])
            case 5 if isinstance(container, list):
                container.insert(key, copy.deepcopy(container[key]))
            case 5 if isinstance(container, dict):
                container[pick(rng, ["", "a", "kind", "name", f"{key}_", f"{key}__x"])] = container.pop(key)
            case 6 if isinstance(container[key], bool | int | float):
                container[key] = container[key] + pick(rng, [-1, 1, 0.5, 1e6, -(10**12)])
            case 7:
                container[key] = [copy.deepcopy(container[key])]
    return value


def texts(rng, value):
    """Return JSON text of a tree, now and then with a damaged byte or an entry twice."""
    text = json.dumps(value)
    match rng.integers(12):
        case 0:
            return mutated_bytes(rng, text.encode()).decode("utf-8", "replace")
        case 1:
            at = text.find('", "', int(rng.integers(len(text))))
            return text if at < 0 else f'{text[:at]}", "a": 1, "a": 2, "{text[at + 4 :]}'
    return text
