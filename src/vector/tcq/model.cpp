#include "vector/tcq/model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include "base/half.h"
#include "simd/clones.h"

namespace attar::vector::tcq {
namespace {

constexpr double smallest_step = std::numeric_limits<float>::min();
constexpr std::uint64_t header_bytes = 4 + 4 + 2 + 2 + 8;
constexpr std::uint64_t run_bytes = 1 + 1 + 2 + 4 + 4;

// out[j] += value · column[j]; separate products and sums, so every instruction set rounds alike.
ATTAR_VECTOR_CLONES void add_scaled(float* out, const float* column, float value, std::size_t count) noexcept {
  for (std::size_t j = 0; j < count; ++j) out[j] += value * column[j];
}

std::uint64_t entry_bytes(std::uint64_t dims, std::uint8_t bits) {
  return bits == 4 ? (dims + 1) / 2 : dims * bits / 8;
}

}  // namespace

codec::Params Settings::to_params() const {
  return {{{"row_bytes", row_bytes},
           {"head_bytes", head_bytes},
           {"matrix_bits", matrix_bits},
           {"trellis", trellis ? 1 : 0},
           {"scale_bytes", scale_bytes},
           {"power_percent", std::lround(power * 100)},
           {"seed", static_cast<std::int64_t>(seed)}}};
}

Settings Settings::from_params(const codec::Params& params) {
  return {.row_bytes = static_cast<std::uint32_t>(params.get("row_bytes", 0)),
          .head_bytes = static_cast<std::uint32_t>(params.get("head_bytes", 0)),
          .matrix_bits = static_cast<std::uint8_t>(params.get("matrix_bits", 8)),
          .trellis = params.get("trellis", 1) != 0,
          .scale_bytes = static_cast<std::uint8_t>(params.get("scale_bytes", 1)),
          .power = static_cast<double>(params.get("power_percent", 35)) / 100,
          .seed = static_cast<std::uint64_t>(params.get("seed", 0))};
}

std::string Settings::variant() const {
  const std::string transform =
      matrix_bits == 0 ? std::string("Hadamard") : fmt::format("{}-bit PCA, power {:.2f}", matrix_bits, power);
  return fmt::format("{}, {}{}", transform, trellis ? "trellis" : "Lloyd-Max", head_bytes != 0 ? ", two layers" : "");
}

Result<math::Matrix<double>> invert_gram(const math::Matrix<double>& gram) {
  double mean = 0;
  for (std::size_t i = 0; i < gram.rows; ++i) mean += gram(i, i) / static_cast<double>(gram.rows);
  constexpr double least_ridge = 1e-12, most_ridge = 1;
  for (double ridge = least_ridge;; ridge *= 100) {
    math::Matrix<double> raised = gram;
    for (std::size_t i = 0; i < gram.rows; ++i) raised(i, i) += ridge * mean;
    auto inverse = math::invert_definite(raised);
    if (inverse || ridge >= most_ridge) return inverse;
  }
}

std::uint32_t TcqModel::stored_rows() const noexcept { return std::min(shape.components(), dims); }

std::uint64_t TcqModel::saved_bytes(std::uint32_t dims, const Shape& shape, std::uint8_t matrix_bits) {
  const std::uint64_t total = header_bytes + run_bytes * shape.run_count + 4 + 2ull * dims;
  if (matrix_bits == 0) return total;
  const std::uint64_t rows = std::min(shape.components(), dims);
  return total + rows * (4 + entry_bytes(dims, matrix_bits));
}

void TcqModel::set_centre(std::span<const double> values) {
  double largest = 0;
  for (const double value : values) largest = std::max(largest, std::fabs(value));
  // What a float cannot tell from zero with some precision is zero.
  centre_step_ = largest / 32767 > smallest_step ? static_cast<float>(largest / 32767) : 1.0f;
  centre.clear();
  centre_entries_.clear();
  for (const double value : values) {
    const long entry = std::clamp<long>(std::lrint(value / static_cast<double>(centre_step_)), -32767, 32767);
    centre_entries_.push_back(static_cast<std::int16_t>(entry));
    centre.push_back(static_cast<float>(entry) * centre_step_);
  }
}

void TcqModel::set_matrix(const math::Matrix<double>& rows, std::uint8_t bits) {
  matrix_bits_ = bits;
  seed_ = 0;
  const std::size_t count = stored_rows();
  steps_.assign(count, 1.0f);
  entries_.assign(count * dims, 0);
  rows_.assign(count * dims, 0.0f);
  for (std::size_t r = 0; r < count; ++r) {
    double largest = 0;
    for (std::size_t i = 0; i < dims; ++i) largest = std::max(largest, std::fabs(rows(r, i)));
    const int top = (1 << (bits - 1)) - 1;
    const double step = bits == 16 ? largest : largest / top;
    if (step > smallest_step) steps_[r] = static_cast<float>(step);
    for (std::size_t i = 0; i < dims; ++i) {
      const double scaled = rows(r, i) / static_cast<double>(steps_[r]);
      std::int16_t& entry = entries_[r * dims + i];
      if (bits == 16)
        entry = static_cast<std::int16_t>(base::float_to_half(static_cast<float>(scaled)));
      else
        entry = static_cast<std::int16_t>(std::clamp<long>(std::lrint(scaled), -top, top));
      const float value =
          bits == 16 ? base::half_to_float(static_cast<std::uint16_t>(entry)) : static_cast<float>(entry);
      rows_[r * dims + i] = value * steps_[r];
    }
  }
  prepare_columns();
}

void TcqModel::prepare_columns() {
  if (matrix_bits_ <= 8) {
    bytes_ = ByteMatrix(entries_, steps_);
    return;
  }
  const std::size_t count = stored_rows();
  columns_.resize(count * dims);
  for (std::size_t r = 0; r < count; ++r)
    for (std::size_t i = 0; i < dims; ++i) columns_[i * count + r] = rows_[r * dims + i];
}

void TcqModel::set_hadamard(std::uint64_t seed) {
  matrix_bits_ = 0;
  seed_ = seed;
  hadamard.emplace(dims, seed);
}

namespace {

// Queries near the end of a float's range: sums that left it become numbers again, so that scores are.
void keep_in_range(std::span<float> components) noexcept {
  for (float& y : components) y = std::isnan(y) ? 0.0f : std::clamp(y, -0x1p96f, 0x1p96f);
}

}  // namespace

void TcqModel::transform_queries(codec::QueryBatch queries, std::span<float> components) const {
  std::fill(components.begin(), components.end(), 0.0f);
  const std::size_t stride = shape.components(), count = stored_rows();
  if (!hadamard && matrix_bits_ <= 8) {
    bytes_.multiply(queries, stride, components.data());
  } else if (!hadamard) {
    for (std::size_t i = 0; i < dims; ++i)
      for (std::size_t q = 0; q < queries.size(); ++q)
        add_scaled(components.data() + q * stride, columns_.data() + i * count, queries.query(q)[i], count);
  } else {
    std::vector<float> rotated(dims), scratch(dims);
    for (std::size_t q = 0; q < queries.size(); ++q) {
      std::copy_n(queries.query(q).data(), dims, rotated.begin());
      hadamard->apply(rotated, scratch);
      std::copy_n(rotated.begin(), count, components.begin() + static_cast<std::ptrdiff_t>(q * stride));
    }
  }
  keep_in_range(components);
}

void TcqModel::reconstruct(std::span<const float> components, std::span<float> values) const {
  if (!hadamard) {
    std::fill(values.begin(), values.end(), 0.0f);
    for (std::size_t j = 0; j < stored_rows(); ++j)
      add_scaled(values.data(), rows_.data() + j * dims, components[j], dims);
    return;
  }
  std::fill(values.begin(), values.end(), 0.0f);
  std::vector<float> scratch(dims);
  std::copy_n(components.begin(), stored_rows(), values.begin());
  hadamard->apply_inverse(values, scratch);
}

math::Matrix<double> TcqModel::matrix() const {
  if (hadamard) return {};
  math::Matrix<double> out(stored_rows(), dims);
  std::copy(rows_.begin(), rows_.end(), out.values.begin());
  return out;
}

Result<std::shared_ptr<const Analysis>> TcqModel::encoder_side() const {
  if (analysis != nullptr) return analysis;
  auto out = std::make_shared<Analysis>();
  if (hadamard) {
    const double total = hadamard_variance();
    out->energy.assign(dims, 0.0);  // dropped components are not looked at
    if (total > 0) std::fill_n(out->energy.begin(), stored_rows(), 1 / total);
    return out;
  }
  std::vector<double> energy;
  const math::Matrix<double> stored = matrix();
  const math::Matrix<double> gram = math::multiply(stored, math::transpose(stored));
  for (std::size_t i = 0; i < gram.rows; ++i) energy.push_back(gram(i, i));
  ATTAR_ASSIGN(const auto inverse, invert_gram(gram));
  const auto forward = math::multiply(inverse, stored);
  out->matrix = math::Matrix<float>(stored.rows, dims);
  std::transform(forward.values.begin(), forward.values.end(), out->matrix.values.begin(),
                 [](double value) { return static_cast<float>(value); });
  const double total = std::accumulate(energy.begin(), energy.end(), 0.0);
  for (const double value : energy) out->energy.push_back(total > 0 ? value / total : 0.0);
  out->energy.resize(dims);
  return out;
}

double TcqModel::hadamard_variance() const {
  double total = 0;
  std::uint32_t known = 0;
  for (std::size_t r = 0; r < shape.first_layer(); ++r) {
    const Run& run = shape.runs[r];
    const double deviation = deviation_of(run, shape.trellis);
    const std::uint32_t end = std::min(stored_rows(), run.first + run.components());
    total += (end - std::min(known, end)) * deviation * deviation;
    known = end;
  }
  return total;
}

Status TcqModel::save(base::Sink& sink) const {
  base::ByteWriter out;
  out.write(dims);
  out.write<std::uint8_t>(hadamard ? 1 : 0);
  out.write(matrix_bits_);
  out.write<std::uint8_t>(shape.trellis ? 1 : 0);
  out.write(scale_bytes);
  out.write(static_cast<std::uint16_t>(shape.run_count));
  out.write<std::uint16_t>(0);
  out.write(seed_);
  for (std::size_t r = 0; r < shape.run_count; ++r) {
    out.write(shape.runs[r].bits);
    out.write<std::uint8_t>(0);
    out.write(shape.runs[r].units);
    out.write(shape.runs[r].first);
    out.write(shape.runs[r].step);
  }
  out.write(centre_step_);
  out.write_array(std::span<const std::int16_t>(centre_entries_));
  for (std::size_t r = 0; r < steps_.size(); ++r) {
    out.write(steps_[r]);
    const std::int16_t* row = entries_.data() + r * dims;
    for (std::size_t i = 0; i < dims; i += matrix_bits_ == 4 ? 2 : 1) {
      if (matrix_bits_ == 16)
        out.write(row[i]);
      else if (matrix_bits_ == 8)
        out.write(static_cast<std::int8_t>(row[i]));
      else
        out.write(static_cast<std::uint8_t>((row[i] & 15) | (i + 1 < dims ? (row[i + 1] & 15) << 4 : 0)));
    }
  }
  return sink.write(out.bytes());
}

namespace {

Status check_runs(const format::SectionReader& section, const Shape& shape, std::uint32_t dims) {
  std::uint64_t end = 0;  // of the components coded so far: there are no gaps
  for (std::size_t r = 0; r < shape.run_count; ++r) {
    const Run& run = shape.runs[r];
    if (run.bits < 1 || run.bits > max_width || run.units == 0 || run.first % 8 != 0 || run.first > end ||
        !std::isfinite(run.step))
      return section.fail(ErrorCode::corrupt, fmt::format("run {} of the model is not one that this codec writes", r));
    end = std::max(end, std::uint64_t{run.first} + run.components());
  }
  if (end > std::uint64_t{dims} + 63)
    return section.fail(ErrorCode::corrupt, "the model's runs do not fit its dimensions");
  return {};
}

}  // namespace

Result<std::shared_ptr<const TcqModel>> TcqModel::load(const format::SectionReader& section,
                                                       const codec::Schema& schema, const OpenLimits& limits) {
  auto out = std::make_shared<TcqModel>();
  base::ByteReader in(section.bytes());
  ATTAR_ASSIGN(out->dims, in.read<std::uint32_t>());
  ATTAR_ASSIGN(const auto transform, in.read<std::uint8_t>());
  ATTAR_ASSIGN(out->matrix_bits_, in.read<std::uint8_t>());
  ATTAR_ASSIGN(const auto quantizer, in.read<std::uint8_t>());
  ATTAR_ASSIGN(out->scale_bytes, in.read<std::uint8_t>());
  ATTAR_ASSIGN(const auto runs, in.read<std::uint16_t>());
  ATTAR_ASSIGN(const auto reserved, in.read<std::uint16_t>());
  ATTAR_ASSIGN(out->seed_, in.read<std::uint64_t>());
  const std::uint8_t bits = out->matrix_bits_;
  if (out->dims != schema.dims || out->dims == 0 || out->dims > limits.max_dims)
    return section.fail(ErrorCode::corrupt, "the model's dimensions are not the schema's");
  if (transform > 1 || (transform == 1) != (bits == 0) || (bits != 0 && bits != 4 && bits != 8 && bits != 16) ||
      quantizer > 1 || out->scale_bytes < 1 || out->scale_bytes > 2 || runs < 1 || runs > max_runs || reserved != 0 ||
      (transform == 0 && out->seed_ != 0))
    return section.fail(ErrorCode::corrupt, "the model's header holds values that this codec never writes");
  out->shape.trellis = quantizer == 1;
  out->shape.run_count = runs;
  for (std::size_t r = 0; r < runs; ++r) {
    ATTAR_ASSIGN(out->shape.runs[r].bits, in.read<std::uint8_t>());
    ATTAR_ASSIGN(const auto zero, in.read<std::uint8_t>());
    ATTAR_ASSIGN(out->shape.runs[r].units, in.read<std::uint16_t>());
    ATTAR_ASSIGN(out->shape.runs[r].first, in.read<std::uint32_t>());
    ATTAR_ASSIGN(out->shape.runs[r].step, in.read<float>());
    if (zero != 0) return section.fail(ErrorCode::corrupt, "a reserved byte of a run is not zero");
  }
  ATTAR_TRY(check_runs(section, out->shape, out->dims));
  if (section.bytes().size() != saved_bytes(out->dims, out->shape, bits))
    return section.fail(ErrorCode::corrupt, "the model's size is not what its header says");

  ATTAR_ASSIGN(out->centre_step_, in.read<float>());
  ATTAR_ASSIGN(out->centre_entries_, in.read_array<std::int16_t>(out->dims));
  for (const std::int16_t entry : out->centre_entries_)
    out->centre.push_back(static_cast<float>(entry) * out->centre_step_);
  if (transform == 1) out->hadamard.emplace(out->dims, out->seed_);
  const auto finite = [](float value) { return std::isfinite(value); };
  if (!std::all_of(out->centre.begin(), out->centre.end(), finite))
    return section.fail(ErrorCode::corrupt, "the model holds a value that is not finite");
  if (transform == 1) return out;

  const std::size_t rows = out->stored_rows();
  out->rows_.resize(rows * out->dims);
  for (std::size_t r = 0; r < rows; ++r) {
    ATTAR_ASSIGN(const auto step, in.read<float>());
    ATTAR_ASSIGN(const auto raw, in.take(entry_bytes(out->dims, bits)));
    if (!std::isfinite(step)) return section.fail(ErrorCode::corrupt, "a step of the model is not finite");
    out->steps_.push_back(step);
    for (std::size_t i = 0; i < out->dims; ++i) {
      std::int16_t entry = 0;
      float value = 0;
      if (bits == 16) {
        entry = base::load<std::int16_t>(raw.data() + 2 * i);
        value = base::half_to_float(static_cast<std::uint16_t>(entry));
      } else if (bits == 8) {
        entry = static_cast<std::int16_t>(base::load<std::int8_t>(raw.data() + i));
        value = entry;
      } else {
        const int nibble = (std::to_integer<int>(raw[i / 2]) >> (4 * (i % 2))) & 15;
        entry = static_cast<std::int16_t>((nibble ^ 8) - 8);
        value = entry;
      }
      if (!std::isfinite(value)) return section.fail(ErrorCode::corrupt, "an entry of the model is not finite");
      out->entries_.push_back(entry);
      out->rows_[r * out->dims + i] = value * step;
    }
  }
  out->prepare_columns();
  return out;
}

}  // namespace attar::vector::tcq
