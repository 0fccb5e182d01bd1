// The module chainrule._engine._core: Python objects in, the engine's plain data out. This folder alone knows nanobind.
#include "model.hpp"

NB_MODULE(_core, m) {
  using namespace chainrule::bindings;
  nb::set_leak_warnings(false);  // objects that a test runner or a notebook still holds at exit are no leak
  define_model(m);
  define_dataset(m);
  define_trainer(m);
  define_functions(m);
}
