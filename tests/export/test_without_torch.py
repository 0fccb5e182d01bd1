"""Without PyTorch the package works, and says what is missing only where it is needed."""

import builtins
from typing import Any

import pytest

import chainrule
from chainrule import Network


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **options: Any) -> Any:
        if name.partition(".")[0] == "torch":
            raise ImportError(name)
        return real(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    net = Network([2, 1])
    for call in (net.to_torch, lambda: chainrule.from_torch(net)):
        with pytest.raises(ImportError, match="needs PyTorch, which is not installed: see https://pytorch"):
            call()
