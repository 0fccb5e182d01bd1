// What input layers learn (E11, E13-E15), packed for the kernels with its moments.
#pragma once

#include <cstdint>
#include <vector>

#include "buffer.hpp"
#include "engine.hpp"
#include "shape.hpp"

namespace chainrule {

// The pieces of a network's input layers, without memory of their own: what they learn is read from the flat parameters.
// `edges` gets the edges of all bins.
template <class T>
std::vector<InputPiece<T>> input_pieces(const Shape& shape, const T* parameters, std::vector<T>& edges);

template <class T>
class PackedInputs {
 public:
  PackedInputs() = default;
  // n_squares counts the parts of a sum over all squares of the gradient, here too.
  PackedInputs(const Shape& shape, int width, int n_moments, std::int64_t& n_squares);

  void pack(const T* parameters) const;
  void unpack(T* parameters) const;
  void pack_moment(int which, const T* flat) const;
  void unpack_moment(int which, T* flat) const;
  void fill_moment(int which, T value) const;
  void set_factors(int layer, const Factors<T>& factors);

  // Of a step: all but the memory of its batch.
  StepInputs<T> describe() const;
  std::int64_t n_shares() const { return static_cast<std::int64_t>(shares_.size()); }
  // Numbers that a thread works with, beside `rows` rows of what any piece gives.
  std::int64_t scratch(std::int64_t rows) const;

 private:
  template <class Use>
  void each_array(Use use) const;

  std::int64_t width_ = 0;
  std::vector<T> edges_;
  std::vector<InputPiece<T>> pieces_;
  std::vector<InputShare> shares_;
  std::vector<Buffer<T>> buffers_;
};

}  // namespace chainrule
