// Dataset: rows, targets and weights as Python gives them, checked and borrowed.
#include <nanobind/stl/string.h>

#include <algorithm>

#include "../names.hpp"
#include "model.hpp"

namespace chainrule::bindings {

using namespace nb::literals;

template <class T>
const Data<T>& Dataset::of(const Network<T>& network, bool labeled) const {
  const auto* h = std::get_if<HeldData<T>>(&held);
  const Shape& made_for = nb::cast<Model&>(model).shape();
  if (!h || made_for.sizes != network.shape->sizes || made_for.loss != network.shape->loss ||
      made_for.n_targets() != network.shape->n_targets())
    throw std::invalid_argument("the data were made for a model of other sizes, dtype or loss");
  if (labeled && !h->data.labeled()) throw std::invalid_argument("the data have no targets y");
  if (labeled && h->data.n_samples == 0) throw std::invalid_argument("the data have no rows");
  return h->data;
}
template const Data<float>& Dataset::of(const Network<float>&, bool) const;
template const Data<double>& Dataset::of(const Network<double>&, bool) const;

namespace {

// The longest row's number of entries.
template <class Index>
std::int64_t check_csr(const Index* indptr, const Index* indices, std::int64_t n_rows, std::int64_t n_entries,
                       std::int64_t n_features) {
  std::int64_t longest = 0;
  if (indptr[0] != 0) throw std::invalid_argument("indptr must begin with 0");
  for (std::int64_t r = 0; r < n_rows; ++r) {
    if (indptr[r + 1] < indptr[r]) throw std::invalid_argument("indptr must not decrease");
    longest = std::max<std::int64_t>(longest, indptr[r + 1] - indptr[r]);
  }
  if (indptr[n_rows] > n_entries) throw std::invalid_argument("indptr points beyond the stored values");
  for (std::int64_t e = 0; e < static_cast<std::int64_t>(indptr[n_rows]); ++e)
    if (indices[e] < 0 || indices[e] >= n_features)
      throw std::invalid_argument("column index " + std::to_string(indices[e]) + " is out of range for " +
                                  std::to_string(n_features) + " features");
  return longest;
}

// Takes the arrays that one Dataset is made of, one after the other.
template <class T>
class Holder {
 public:
  explicit Holder(const Shape& shape) : shape_(shape) {
    held_.views.reserve(6);
    rows().n_features = shape.n_features();
  }

  void take_rows(nb::handle x) {
    const View& view = keep(floats<T>(x, "x"));
    check_shape("x", view, {kSamples, shape_.n_features()});
    held_.data.n_samples = view.dim(0);
    rows().x = view.data<T>();
  }

  void take_sparse_rows(const nb::tuple& parts) {
    if (shape_.n_inputs() > 0) throw std::invalid_argument("input layers take dense rows, not sparse ones");
    if (parts.size() != 3) throw std::invalid_argument("sparse x must be (data, indices, indptr)");
    const View& values = keep(floats<T>(parts[0], "data"));
    const View& indices = keep(View(parts[1], false));
    const View& indptr = keep(View(parts[2], false));
    const bool narrow = indices.has('i', 4) && indptr.has('i', 4), wide = indices.has('i', 8) && indptr.has('i', 8);
    if (!narrow && !wide) throw nb::type_error("indices and indptr must both be int32 or both int64");
    if (values.ndim() != 1 || indices.ndim() != 1 || indptr.ndim() != 1 || indptr.dim(0) < 1 ||
        indices.dim(0) != values.dim(0))
      throw std::invalid_argument(
          "data and indices must be 1-D and of one length, and indptr have a value per row and one more");
    held_.data.n_samples = indptr.dim(0) - 1;
    const auto check = [&]<class Index>(Index) {
      held_.data.longest_row = check_csr(indptr.data<Index>(), indices.data<Index>(), held_.data.n_samples,
                                         values.dim(0), shape_.n_features());
    };
    if (narrow)
      check(std::int32_t{});
    else
      check(std::int64_t{});
    static const T none{};
    rows().values = values.dim(0) > 0 ? values.data<T>() : &none;
    rows().indices = indices.data<void>();
    rows().indptr = indptr.data<void>();
    rows().wide_indices = wide;
  }

  void take_targets(nb::handle y) {
    const View& view = keep(View(y, false));
    if (view.has('i', 4) || view.has('i', 8)) return take_classes(view);
    if (!view.has('f', sizeof(T)))
      throw nb::type_error(
          (std::string("y must be a ") + kDtypeName<T> + " array, or class indices (int32, int64)").c_str());
    check_shape("y", view, {held_.data.n_samples, shape_.n_targets()});
    rows().targets = view.data<T>();
  }

  void take_weights(nb::handle sample_weight) {
    const View& view = keep(floats<T>(sample_weight, "sample_weight"));
    check_shape("sample_weight", view, {held_.data.n_samples});
    rows().sample_weight = view.data<T>();
  }

  // A Python function of (predictions, rows) -> (value, gradient), which the Dataset keeps alive.
  void take_function(nb::handle function) {
    const std::int64_t n_out = shape_.n_targets();
    held_.data.batch_loss = [function, n_out](const std::int64_t* rows, std::int64_t n, const T* predictions,
                                              T* output_gradient) {
      const nb::gil_scoped_acquire locked;
      const NewArray<T> given({n, n_out});
      const NewArray<std::int64_t> which({n});
      std::copy_n(predictions, n * n_out, given.data);
      std::copy_n(rows, n, which.data);
      const nb::tuple returned = nb::cast<nb::tuple>(function(given.array, which.array));
      const View gradient = floats<T>(returned[1], "gradient");
      check_shape("gradient", gradient, {n, n_out});
      std::copy_n(gradient.data<T>(), n * n_out, output_gradient);
      return nb::cast<double>(returned[0]);
    };
  }

  HeldData<T> take() { return std::move(held_); }

 private:
  Rows<T>& rows() { return held_.data.rows; }
  const View& keep(View view) { return held_.views.emplace_back(std::move(view)); }

  void take_classes(const View& view) {
    if (!entry_of(shape_.loss).takes_classes)
      throw nb::type_error("class indices are targets for cross_entropy and focal only");
    check_shape("y", view, {held_.data.n_samples});
    rows().classes = view.data<void>();
    rows().wide_classes = view.has('i', 8);
    for (std::int64_t i = 0; i < held_.data.n_samples; ++i) {
      const std::int64_t c = rows().wide_classes ? view.data<std::int64_t>()[i] : view.data<std::int32_t>()[i];
      if (c < 0 || c >= shape_.n_targets())
        throw std::invalid_argument("class index " + std::to_string(c) + " is out of range for " +
                                    std::to_string(shape_.n_targets()) + " outputs");
    }
  }

  const Shape& shape_;
  HeldData<T> held_;
};

template <class T>
HeldData<T> hold(const Shape& shape, nb::handle x, nb::handle y, nb::handle sample_weight, nb::handle batch_loss) {
  Holder<T> holder(shape);
  if (nb::isinstance<nb::tuple>(x))
    holder.take_sparse_rows(nb::borrow<nb::tuple>(x));
  else
    holder.take_rows(x);
  if (!batch_loss.is_none()) {
    if (shape.loss != Loss::custom || !y.is_none())
      throw std::invalid_argument("batch_loss is for the loss 'custom', and keeps the targets itself");
    holder.take_function(batch_loss);
  } else if (shape.loss == Loss::custom && !y.is_none()) {
    throw std::invalid_argument("the loss 'custom' takes a batch_loss instead of y");
  }
  if (!y.is_none()) holder.take_targets(y);
  if (!sample_weight.is_none()) holder.take_weights(sample_weight);
  return holder.take();
}

}  // namespace

void define_dataset(nb::module_& m) {
  nb::class_<Dataset>(m, "Dataset")
      .def(
          "__init__",
          [](Dataset* self, nb::object model, nb::object x, nb::object y, nb::object sample_weight,
             nb::object batch_loss) {
            nb::cast<Model&>(model).visit([&]<class T>(Network<T>& network) {
              auto held = hold<T>(*network.shape, x, y, sample_weight, batch_loss);
              new (self) Dataset{std::move(held), {x, y, sample_weight, batch_loss}, model};
            });
          },
          "model"_a, nb::arg("x").none(), "y"_a = nb::none(), "sample_weight"_a = nb::none(),
          "batch_loss"_a = nb::none())
      .def_prop_ro("n_samples", &Dataset::n_samples);
}

}  // namespace chainrule::bindings
