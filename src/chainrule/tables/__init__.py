"""Tables in: files and frames read, columns and targets understood, turned into numbers and back."""

import importlib
import sys
from types import ModuleType
from typing import Any

#: Modules that stood here before, whose classes older pickles look for here: found where they are now.
MOVED = ("evaluation", "table_model", "training")


class _Moved(ModuleType):
    def __getattr__(self, name: str) -> Any:
        home = self.__name__.replace("chainrule.tables", "chainrule.table_models")
        return getattr(importlib.import_module(home), name)


for _name in MOVED:
    sys.modules[f"{__name__}.{_name}"] = _Moved(f"{__name__}.{_name}")
