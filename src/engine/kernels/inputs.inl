// E11 and E13 to E15: from the columns of the data to x_1 and back, and what is learned on the way. The forward pass writes
// x_1 into the batch matrix that the first product reads. In E13 rows take the lanes, in E14 and E15 the columns of x_1.
//
// A thread learns whole shares (engine.hpp); within one, sums run over the rows in their order, in E13 over as many partial
// sums as 64 bytes hold, whatever the width of a vector.

namespace {

using chainrule::InputKind;
using chainrule::InputPiece;
using chainrule::InputShare;

// Sums of waves taken at a time.
constexpr int64_t kWavesAtOnce = 8;
constexpr double kTurn = 6.283185307179586477;  // 2 pi

// Where unit u of a batch matrix stands, but for the row.
template <class T>
CHAINRULE_INLINE int64_t unit_place(const Step<T>& s, int64_t u) {
  return u / kPanel<T> * s.batch.stride + u % kPanel<T>;
}

// use(offset, place, count) for the runs of neighboring memory that n units from `unit` on have in a batch matrix.
template <class T, class Use>
CHAINRULE_INLINE void each_run(const Step<T>& s, int64_t unit, int64_t n, Use use) {
  for (int64_t u = 0; u < n;) {
    const int64_t count = smaller(n - u, kPanel<T> - (unit + u) % kPanel<T>);
    use(u, unit_place(s, unit + u), count);
    u += count;
  }
}

// The first `left` of a vector's lanes, as the rows from p on, into unit u of a batch matrix.
template <class T>
CHAINRULE_INLINE void store_rows(const Step<T>& s, T* matrix, int64_t u, int64_t p, int64_t left, Vec<T> v) {
  T* to = matrix + unit_place(s, u) + p * kPanel<T>;
  for (int64_t i = 0; i < left; ++i) to[i * kPanel<T>] = v[i];
}

template <class T>
CHAINRULE_INLINE Vec<T> load_rows(const T* p, int64_t left) {
  return left >= Simd<T>::width ? load(p) : load_first(p, left);
}

// --- E13 ----------------------------------------------------------------------------------------------------------

template <class T>
struct Waves {  // a column's parameters
  const T *frequency, *phase, *weight, *bias;
  int64_t n, n_outputs;
  CHAINRULE_INLINE explicit Waves(const InputPiece<T>& piece)
      : frequency(piece.arrays[0]),
        phase(piece.arrays[1]),
        weight(piece.arrays[2]),
        bias(piece.arrays[3]),
        n(piece.n_inner),
        n_outputs(piece.n_units - 1) {}
  // (2 pi w x + b) / 2 pi
  CHAINRULE_INLINE Vec<T> turns(int64_t f, Vec<T> x) const {
    return fma(broadcast(frequency[f]), x, broadcast(phase[f] * T(1 / kTurn)));
  }
};

template <class T>
void periodic_forward(const Step<T>& s, const InputPiece<T>& piece, int64_t p0, int64_t p1) {
  const Waves<T> waves(piece);
  const T* column = s.inputs.columns + piece.slot * s.inputs.column_stride;
  for (int64_t p = p0; p < p1; p += Simd<T>::width) {
    const int64_t left = smaller(Simd<T>::width, p1 - p);
    const Vec<T> x = load_rows(column + p, left);
    store_rows(s, s.inputs.raw, piece.unit, p, left, x);
    for (int64_t o = 0; o < waves.n_outputs; o += kWavesAtOnce) {
      const int64_t n = smaller(kWavesAtOnce, waves.n_outputs - o);
      Vec<T> y[kWavesAtOnce];
      for (int64_t j = 0; j < n; ++j) y[j] = broadcast(waves.bias[o + j]);
      for (int64_t f = 0; f < waves.n; ++f) {
        const Vec<T> wave = cos_2pi<T>(waves.turns(f, x));
        const T* weight = waves.weight + f * waves.n_outputs + o;
        for (int64_t j = 0; j < n; ++j) y[j] = fma(broadcast(weight[j]), wave, y[j]);
      }
      for (int64_t j = 0; j < n; ++j) store_rows(s, s.inputs.raw, piece.unit + 1 + o + j, p, left, y[j]);
    }
  }
}

// The same for one row, contiguous from y on; the same bits.
template <class T>
void periodic_row(const InputPiece<T>& piece, T x, T* y) {
  constexpr int w = Simd<T>::width;
  const Waves<T> waves(piece);
  *y++ = x;
  for (int64_t o = 0; o < waves.n_outputs; o += w) {
    const int64_t n = smaller(w, waves.n_outputs - o);
    Vec<T> sum = load_rows(waves.bias + o, n);
    for (int64_t f0 = 0; f0 < waves.n; f0 += w) {
      const int64_t n_here = smaller(w, waves.n - f0);
      const Vec<T> wave = cos_2pi<T>(fma(load_rows(waves.frequency + f0, n_here), broadcast(x),
                                         load_rows(waves.phase + f0, n_here) * broadcast(T(1 / kTurn))));
      for (int64_t f = 0; f < n_here; ++f)
        sum = fma(load_rows(waves.weight + (f0 + f) * waves.n_outputs + o, n), broadcast(T(wave[f])), sum);
    }
    store_first(y + o, sum, n);
  }
}

// dE/d(frequency, phase, weight, bias) of a column, added to `sums`; delta[o * stride + r]: dE/dy, 0 beyond the rows.
template <class T>
void periodic_sums(const Step<T>& s, const InputPiece<T>& piece, const T* delta, int64_t stride, T* sums) {
  constexpr int w = Simd<T>::width, parts = RowSum<T>::kParts;
  const Waves<T> waves(piece);
  const T* column = s.inputs.columns + piece.slot * s.inputs.column_stride;
  T *of_frequency = sums, *of_phase = sums + waves.n, *of_weight = sums + 2 * waves.n;
  T* of_bias = of_weight + waves.n * waves.n_outputs;
  const int64_t n_rows = s.batch.n_rows;
  for (int64_t f = 0; f < waves.n; ++f) {
    const T* weight = waves.weight + f * waves.n_outputs;
    for (int64_t o = 0; o < waves.n_outputs; o += kWavesAtOnce) {
      const int64_t n = smaller(kWavesAtOnce, waves.n_outputs - o);
      RowSum<T> by_frequency, by_phase, by_weight[kWavesAtOnce];
      for (int64_t r0 = 0; r0 < n_rows; r0 += parts * w)
        for (int part = 0; part < parts; ++part) {
          const int64_t r = r0 + part * w;
          if (r >= n_rows) break;
          const Vec<T> x = load_rows(column + r, n_rows - r);
          const Wave<T> u = wave<T>(waves.turns(f, x));
          for (int64_t j = 0; j < n; ++j)
            by_weight[j].part[part] = fma(u.cos, load(delta + (o + j) * stride + r), by_weight[j].part[part]);
          if (o > 0) continue;
          Vec<T> back = zeros<T>();
          for (int64_t j = 0; j < waves.n_outputs; ++j)
            back = fma(broadcast(weight[j]), load(delta + j * stride + r), back);
          const Vec<T> g = as_delta(s, -u.sin * back);  // dE/du
          by_phase.part[part] = by_phase.part[part] + g;
          by_frequency.part[part] = fma(x, g, by_frequency.part[part]);
        }
      if (o == 0) {
        of_phase[f] += by_phase.total()[0];
        of_frequency[f] += T(kTurn) * by_frequency.total()[0];
      }
      for (int64_t j = 0; j < n; ++j) of_weight[f * waves.n_outputs + o + j] += by_weight[j].total()[0];
    }
  }
  for (int64_t o = 0; o < waves.n_outputs; ++o) {
    RowSum<T> sum;
    for (int64_t r = 0; r < n_rows; r += w) sum.add(r / w, load(delta + o * stride + r));
    of_bias[o] += sum.total()[0];
  }
}

// The same of one row, and what it adds to dE/dx.
template <class T>
void periodic_row_backward(const InputPiece<T>& piece, T x, const T* delta, T* sums, T* by_x) {
  const Waves<T> waves(piece);
  T sum = delta[0];
  ++delta;
  T *of_weight = sums + 2 * waves.n, *of_bias = of_weight + waves.n * waves.n_outputs;
  for (int64_t f = 0; f < waves.n; ++f) {
    const Wave<T> u = wave<T>(waves.turns(f, broadcast(x)));
    T back = 0;
    for (int64_t o = 0; o < waves.n_outputs; ++o) back += waves.weight[f * waves.n_outputs + o] * delta[o];
    const T g = -u.sin[0] * back;
    sum += T(kTurn) * waves.frequency[f] * g;
    sums[f] += T(kTurn) * x * g;
    sums[waves.n + f] += g;
    for (int64_t o = 0; o < waves.n_outputs; ++o) of_weight[f * waves.n_outputs + o] += T(u.cos[0]) * delta[o];
  }
  for (int64_t o = 0; o < waves.n_outputs; ++o) of_bias[o] += delta[o];
  if (by_x) *by_x += sum;
}

// --- E14 ----------------------------------------------------------------------------------------------------------

template <class T>
struct Bin {
  int64_t i;
  T t, width;
};

// Where x lies: in a bin, or beyond the first or the last one. NaN has a NaN for t.
template <class T>
CHAINRULE_INLINE Bin<T> bin_of(const InputPiece<T>& piece, T x) {
  int64_t low = 0, n = piece.n_inner;  // the bin is one of low .. low + n - 1
  while (n > 1) {
    const int64_t half = n / 2;
    const bool above = x >= piece.edges[low + half];
    low = above ? low + half : low;
    n = above ? n - half : half;
  }
  const T width = piece.edges[low + 1] - piece.edges[low];
  return {low, (x - piece.edges[low]) / width, width};
}

// w x + b + (rises below the bin) + t rise: put(u, y, n) takes n columns from u on.
template <class T, class Put>
CHAINRULE_INLINE void piecewise_linear_row(const InputPiece<T>& piece, T x, Put put) {
  constexpr int w = Simd<T>::width;
  const Bin<T> bin = bin_of(piece, x);
  for (int64_t u = 0; u < piece.n_units; u += w) {
    const int64_t n = smaller(w, piece.n_units - u);
    const T* rise = piece.arrays[0] + u;
    Vec<T> below = zeros<T>();
    if (piece.below)
      below = load_rows(piece.below + bin.i * piece.n_units + u, n);
    else
      for (int64_t i = 0; i < bin.i; ++i) below = below + load_rows(rise + i * piece.n_units, n);
    const Vec<T> line = fma(load_rows(piece.arrays[1] + u, n), broadcast(x), load_rows(piece.arrays[2] + u, n)) + below;
    put(u, fma(broadcast(bin.t), load_rows(rise + bin.i * piece.n_units, n), line), n);
  }
}

// The sums of the rises below each bin, after a step.
template <class T>
void sum_rises(const InputPiece<T>& piece) {
  for (int64_t q = 0; q < (piece.n_inner - 1) * piece.n_units; ++q)
    piece.below[q + piece.n_units] = piece.below[q] + piece.arrays[0][q];
}

// What one row adds: G of its bin into the rises, H of its bin into `behind`, and the line's own.
template <class T>
CHAINRULE_INLINE void piecewise_linear_add(const InputPiece<T>& piece, T x, const T* delta, T* sums, T* behind) {
  const Bin<T> bin = bin_of(piece, x);
  const int64_t n = piece.n_units;
  T *rise = sums + bin.i * n, *weight = sums + piece.n_inner * n, *bias = weight + n;
  behind += bin.i * n;
  for (int64_t u = 0; u < n; ++u) {
    rise[u] += bin.t * delta[u];
    behind[u] += delta[u];
    weight[u] += x * delta[u];
    bias[u] += delta[u];
  }
}

// dV_j = G_j + sum over i > j of H_i; H is lost.
template <class T>
CHAINRULE_INLINE void add_behind(const InputPiece<T>& piece, T* sums, T* behind) {
  const int64_t n = piece.n_units;
  for (int64_t q = (piece.n_inner - 1) * n - 1; q >= 0; --q) {
    sums[q] += behind[q + n];
    behind[q] += behind[q + n];
  }
}

// --- E15 ----------------------------------------------------------------------------------------------------------

// The row of the table: the last one for what is no code of a category, NaN included.
template <class T>
CHAINRULE_INLINE int64_t table_row(const InputPiece<T>& piece, T code) {
  const int64_t n = piece.n_inner - 1;
  return code >= T(0) && code < static_cast<T>(n) ? static_cast<int64_t>(code) : n;
}

// --- all of them --------------------------------------------------------------------------------------------------

// Rows of the data, numbers excepted, into columns, and those into x_1.
template <class T>
void inputs_forward(const Step<T>& s, int64_t r0, int64_t r1, int64_t at) {
  const auto& inputs = s.inputs;
  const int64_t n = r1 - r0;
  for (int q = 0; q < inputs.n_pieces; ++q) {
    const InputPiece<T>& piece = inputs.pieces[q];
    if (piece.kind == InputKind::scale) {
      each_run(s, 0, piece.n_units, [&](int64_t u, int64_t place, int64_t count) {
        for (int64_t p = at; p < at + n; ++p)
          for (int64_t j = 0; j < count; j += Simd<T>::width)  // numbers beyond the last are 0
            store(s.batch.input + place + p * kPanel<T> + j,
                  load(inputs.raw + place + p * kPanel<T> + j) * load(piece.arrays[0] + u + j));
      });
      continue;
    }
    if (piece.kind == InputKind::numbers) {
      each_run(s, piece.unit, piece.n_units, [&](int64_t u, int64_t place, int64_t count) {
        for (int64_t r = 0; r < n; ++r)
          __builtin_memcpy(inputs.raw + place + (at + r) * kPanel<T>,
                           s.data.x + s.batch.order[r0 + r] * s.data.n_features + piece.column + u,
                           static_cast<std::size_t>(count) * sizeof(T));
      });
      continue;
    }
    T* column = inputs.columns + piece.slot * inputs.column_stride + at;
    for (int64_t r = 0; r < n; ++r) column[r] = s.data.x[s.batch.order[r0 + r] * s.data.n_features + piece.column];
    if (piece.kind == InputKind::periodic) {
      periodic_forward(s, piece, at, at + n);
      continue;
    }
    for (int64_t p = at; p < at + n; ++p) {
      if (piece.kind == InputKind::categories) {
        const T* y = piece.arrays[0] + table_row(piece, column[p - at]) * piece.n_units;
        each_run(s, piece.unit, piece.n_units, [&](int64_t u, int64_t place, int64_t count) {
          for (int64_t j = 0; j < count; ++j) inputs.raw[place + p * kPanel<T> + j] = y[u + j];
        });
      } else {
        piecewise_linear_row(piece, column[p - at], [&](int64_t u, Vec<T> y, int64_t count) {
          for (int64_t j = 0; j < count; ++j) inputs.raw[unit_place(s, piece.unit + u + j) + p * kPanel<T>] = y[j];
        });
      }
    }
  }
}

// The same for one row outside of a batch: x_1 contiguous.
template <class T>
void input_row(const InputPiece<T>* pieces, int n_pieces, const T* x, T* x_1) {
  for (int q = 0; q < n_pieces; ++q) {
    const InputPiece<T>& piece = pieces[q];
    T* y = x_1 + piece.unit;
    switch (piece.kind) {
      case InputKind::numbers:
        __builtin_memcpy(y, x + piece.column, static_cast<std::size_t>(piece.n_units) * sizeof(T));
        break;
      case InputKind::scale:
        for (int64_t u = 0; u < piece.n_units; ++u) y[u] *= piece.arrays[0][u];
        break;
      case InputKind::periodic: periodic_row(piece, x[piece.column], y); break;
      case InputKind::piecewise_linear:
        piecewise_linear_row(piece, x[piece.column],
                             [y](int64_t u, Vec<T> v, int64_t count) { store_first(y + u, v, count); });
        break;
      case InputKind::categories:
        __builtin_memcpy(y, piece.arrays[0] + table_row(piece, x[piece.column]) * piece.n_units,
                         static_cast<std::size_t>(piece.n_units) * sizeof(T));
        break;
    }
  }
}

// dE/d(what a piece gives) of row p, contiguous.
template <class T>
CHAINRULE_INLINE void delta_row(const Step<T>& s, const InputPiece<T>& piece, int64_t p, T* delta) {
  each_run(s, piece.unit, piece.n_units, [&](int64_t u, int64_t place, int64_t count) {
    for (int64_t j = 0; j < count; ++j) delta[u + j] = s.inputs.delta[place + p * kPanel<T> + j];
  });
}

// The gradient of a share, added to `sums`; `room` to work in.
template <class T>
void sum_share(const Step<T>& s, const InputPiece<T>& piece, const InputShare& share, T* sums, T* room) {
  const int64_t n_rows = s.batch.n_rows, n = piece.n_units;
  const T* column = s.inputs.columns + piece.slot * s.inputs.column_stride;
  switch (piece.kind) {
    case InputKind::numbers: break;
    case InputKind::scale:
      for (int64_t u = share.first; u < share.last; u += Simd<T>::width) {
        Vec<T> sum = load(sums + u - share.first);
        const T* of_row = s.inputs.raw + unit_place(s, u);
        for (int64_t r = 0; r < n_rows; ++r) sum = sum + load(of_row + r * kPanel<T>);
        store(sums + u - share.first, sum);
      }
      break;
    case InputKind::periodic: {
      const int64_t stride = (n_rows + 63) / 64 * 64;
      for (int64_t o = 0; o < n - 1; ++o) {
        const T* from = s.inputs.delta + unit_place(s, piece.unit + 1 + o);
        T* to = room + o * stride;
        for (int64_t r = 0; r < n_rows; ++r) to[r] = from[r * kPanel<T>];
        for (int64_t r = n_rows; r < stride; ++r) to[r] = T(0);
      }
      periodic_sums(s, piece, room, stride, sums);
      break;
    }
    case InputKind::piecewise_linear: {
      T *behind = room, *delta = room + piece.n_inner * n;
      for (int64_t q = 0; q < piece.n_inner * n; ++q) behind[q] = T(0);
      for (int64_t r = 0; r < n_rows; ++r) {
        delta_row(s, piece, r, delta);
        piecewise_linear_add(piece, column[r], delta, sums, behind);
      }
      add_behind(piece, sums, behind);
      break;
    }
    case InputKind::categories:
      for (int64_t r = 0; r < n_rows; ++r) {
        const int64_t at = table_row(piece, column[r]) * n;
        if (at < share.first || at >= share.last) continue;
        T* sum = sums + at - share.first;
        delta_row(s, piece, r, room);
        for (int64_t u = 0; u < n; ++u) sum[u] += room[u];
      }
      break;
  }
}

// --- derivatives of one row -----------------------------------------------------------------------------------------

// use(piece, from, gradient, count) for what each piece learns, of the row at position p: numbers from .. from + count of
// its arrays behind each other; the others are 0. by_column, where it is not null, gets what the row adds to dE/d(data).
template <class T, class Use>
CHAINRULE_INLINE void each_input_gradient(const Step<T>& s, int64_t p, T* by_column, Use use) {
  for (int q = 0; q < s.inputs.n_pieces; ++q) {
    const InputPiece<T>& piece = s.inputs.pieces[q];
    const int64_t n = piece.n_units, size = piece.learned.size;
    T* delta = s.inputs.scratch;
    if (piece.kind == InputKind::scale) {
      each_run(s, 0, n, [&](int64_t u, int64_t place, int64_t count) {
        use(piece, u, s.inputs.raw + place + p * kPanel<T>, count);
      });
      continue;
    }
    if (piece.kind == InputKind::numbers) {
      if (by_column)
        each_run(s, piece.unit, n, [&](int64_t u, int64_t place, int64_t count) {
          for (int64_t j = 0; j < count; ++j)
            by_column[piece.column + u + j] += s.inputs.delta[place + p * kPanel<T> + j];
        });
      continue;
    }
    const T x = s.inputs.columns[piece.slot * s.inputs.column_stride + p];
    delta_row(s, piece, p, delta);
    T* sums = delta + (n + 63) / 64 * 64;
    if (piece.kind == InputKind::categories) {
      use(piece, table_row(piece, x) * n, delta, n);
      continue;
    }
    for (int64_t i = 0; i < size; ++i) sums[i] = T(0);
    if (piece.kind == InputKind::periodic) {
      periodic_row_backward(piece, x, delta, sums, by_column ? by_column + piece.column : nullptr);
    } else {
      T* behind = sums + (size + 63) / 64 * 64;
      for (int64_t i = 0; i < piece.n_inner * n; ++i) behind[i] = T(0);
      piecewise_linear_add(piece, x, delta, sums, behind);
      add_behind(piece, sums, behind);
      if (by_column) {
        const Bin<T> bin = bin_of(piece, x);
        const T *rise = piece.arrays[0] + bin.i * n, *weight = piece.arrays[1];
        T sum = 0;
        for (int64_t u = 0; u < n; ++u) sum += delta[u] * (weight[u] + rise[u] / bin.width);
        by_column[piece.column] += sum;
      }
    }
    use(piece, int64_t{0}, sums, size);
  }
}

}  // namespace
