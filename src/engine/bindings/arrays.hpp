// NumPy arrays in and out: contiguous buffers of checked types and shapes.
#pragma once

#include <nanobind/nanobind.h>

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <vector>

namespace chainrule::bindings {

namespace nb = nanobind;

template <class T>
constexpr const char* kDtypeName = "int64";
template <>
inline constexpr const char* kDtypeName<float> = "float32";
template <>
inline constexpr const char* kDtypeName<double> = "float64";

// A C-contiguous array's buffer, held for as long as this object lives.
class View {
 public:
  View(nb::handle array, bool writable) {
    const int flags = PyBUF_FORMAT | PyBUF_C_CONTIGUOUS | (writable ? PyBUF_WRITABLE : 0);
    if (PyObject_GetBuffer(array.ptr(), &buffer_, flags) != 0) {
      PyErr_Clear();
      throw nb::type_error(writable ? "expected a writable C-contiguous array" : "expected a C-contiguous array");
    }
    held_ = true;
  }
  View(View&& other) noexcept : buffer_(other.buffer_), held_(other.held_) { other.held_ = false; }
  View& operator=(View&&) = delete;
  ~View() {
    if (held_) PyBuffer_Release(&buffer_);
  }

  int ndim() const { return buffer_.ndim; }
  std::int64_t dim(int i) const { return buffer_.shape[i]; }
  template <class T>
  T* data() const {
    return static_cast<T*>(buffer_.buf);
  }
  bool has(char kind, std::size_t size) const {  // kind: 'f' or 'i'
    const char* f = buffer_.format;
    const bool floating = *f == 'f' || *f == 'd', integer = std::strchr("ilq", *f) != nullptr && *f;
    return f[1] == 0 && (kind == 'f' ? floating : integer) && buffer_.itemsize == static_cast<Py_ssize_t>(size);
  }

 private:
  Py_buffer buffer_{};
  bool held_ = false;
};

// Raises TypeError for another element type than T.
template <class T>
View view_of(nb::handle array, const char* what, const char* reason, bool writable = false) {
  View view(array, writable);
  if (!view.has(std::is_floating_point_v<T> ? 'f' : 'i', sizeof(T)))
    throw nb::type_error((std::string(what) + " must be " + (std::is_floating_point_v<T> ? "a " : "an ") +
                          kDtypeName<T> + " array" + reason)
                             .c_str());
  return view;
}
template <class T>
View floats(nb::handle array, const char* what, bool writable = false) {
  return view_of<T>(array, what, ", as the model is", writable);
}

using Dims = std::initializer_list<std::int64_t>;
constexpr std::int64_t kSamples = -1;  // any number of them

inline bool has_shape(const View& view, Dims dims) {
  if (view.ndim() != static_cast<int>(dims.size())) return false;
  int i = 0;
  for (const auto n : dims)
    if (const auto given = view.dim(i++); n != kSamples && given != n) return false;
  return true;
}

inline std::string shape_text(const std::int64_t* dims, std::size_t n) {
  std::string text = "(";
  for (std::size_t i = 0; i < n; ++i)
    text += (i ? ", " : "") + (dims[i] == kSamples ? "n_samples" : std::to_string(dims[i]));
  return text + (n == 1 ? ",)" : ")");
}
inline std::string shape_text(Dims dims) { return shape_text(dims.begin(), dims.size()); }

[[noreturn]] inline void wrong_shape(const char* what, const View& view, const std::string& expected) {
  std::vector<std::int64_t> given;
  for (int i = 0; i < view.ndim(); ++i) given.push_back(view.dim(i));
  throw std::invalid_argument(std::string(what) + " has shape " + shape_text(given.data(), given.size()) +
                              ", expected " + expected);
}

// Raises ValueError for another shape; `note` follows the expected one.
inline void check_shape(const char* what, const View& view, Dims expected, const char* note = "") {
  if (!has_shape(view, expected)) wrong_shape(what, view, shape_text(expected) + note);
}

// A new NumPy array, which owns the memory.
template <class T>
struct NewArray {
  nb::object array;
  T* data;

  explicit NewArray(Dims dims) : NewArray(dims.begin(), dims.size()) {}
  NewArray(const std::int64_t* dims, std::size_t n) {
    static nb::object empty = nb::module_::import_("numpy").attr("empty");
    nb::tuple shape = nb::steal<nb::tuple>(PyTuple_New(static_cast<Py_ssize_t>(n)));
    for (std::size_t i = 0; i < n; ++i)
      PyTuple_SET_ITEM(shape.ptr(), static_cast<Py_ssize_t>(i), nb::int_(dims[i]).release().ptr());
    array = empty(shape, kDtypeName<T>);
    data = View(array, true).template data<T>();
  }
};

}  // namespace chainrule::bindings
