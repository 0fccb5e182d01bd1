// A network as Python holds it, and the rows to use it on.
#pragma once

#include <nanobind/nanobind.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "../network.hpp"
#include "../row_shares.hpp"
#include "../trainer.hpp"
#include "arrays.hpp"

namespace chainrule::bindings {

template <class T>
struct Network {
  std::shared_ptr<const Shape> shape;
  const Kernels<T>* kernels;
  nb::object parameters;  // (n_parameters,), a view of memory that is readable 64 bytes further
  T* data;
  struct Kept {  // from call to call, by the thread that has `busy`
    std::mutex busy;
    Differentiator<T> differentiator;
    KeptRows<T> rows;
  };
  std::unique_ptr<Kept> kept = std::make_unique<Kept>();

  Network(std::shared_ptr<const Shape> shape, const std::string& isa);
  std::int64_t n_in() const { return shape->n_features(); }
  std::int64_t n_out() const { return shape->sizes.back(); }
};

struct Model {
  std::variant<Network<float>, Network<double>> network;

  template <class F>
  auto visit(F f) {
    return std::visit(f, network);
  }
  const Shape& shape() const {
    return std::visit([](const auto& n) -> const Shape& { return *n.shape; }, network);
  }
};

template <class T>
struct HeldData {
  Data<T> data;
  std::vector<View> views;
  HeldData() = default;
  HeldData(HeldData&&) = default;
};

struct Dataset {
  std::variant<HeldData<float>, HeldData<double>> held;
  std::vector<nb::object> kept;
  nb::object model;

  std::int64_t n_samples() const {
    return std::visit([](const auto& h) { return h.data.n_samples; }, held);
  }
  // The rows; ValueError where they were made for another network, or lack targets or rows that are needed.
  template <class T>
  const Data<T>& of(const Network<T>& network, bool labeled) const;
};

void define_model(nb::module_& m);
void define_derivatives(nb::class_<Model>& model);
void define_dataset(nb::module_& m);
void define_trainer(nb::module_& m);
void define_functions(nb::module_& m);

}  // namespace chainrule::bindings
