#include "vector/common/basis.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "simd/clones.h"
#include "simd/inner_products.h"
#include "simd/int16_products.h"

namespace attar::vector {
namespace {

constexpr std::uint64_t header_bytes = 4 + 4 + 1 + 1 + 2 + 4 + 8;
constexpr int max_exponent = 200;
constexpr double largest_float = std::numeric_limits<float>::max();
// A row this far outside the sample's magnitude is cut off before it is rotated, so that no sum overflows.
constexpr double largest_component = 0x1.0p40;

// A query's largest number after rounding: Σ |entry|·|number| fits 32 bits.
std::int32_t rounded_range(std::uint32_t dims) noexcept {
  constexpr std::int64_t most = std::numeric_limits<std::int16_t>::max(), largest_entry = 128;
  return static_cast<std::int32_t>(std::min(most, std::numeric_limits<std::int32_t>::max() / (largest_entry * dims)));
}

// Ties to even: what 1.5 · 2^52 is added to loses its fraction.
ATTAR_VECTOR_CLONES void round_to_int16(const float* values, double factor, std::size_t count,
                                        std::int16_t* out) noexcept {
  constexpr double no_fraction = 0x1.8p52;
  for (std::size_t i = 0; i < count; ++i)
    out[i] = static_cast<std::int16_t>(
        static_cast<std::int32_t>(static_cast<double>(values[i]) * factor + no_fraction - no_fraction));
}

ATTAR_VECTOR_CLONES void scale_sums(const std::int32_t* sums, const float* steps, std::size_t count,
                                    float* out) noexcept {
  for (std::size_t j = 0; j < count; ++j) out[j] = static_cast<float>(sums[j]) * steps[j];
}

// out[j] += value · column[j].
ATTAR_VECTOR_CLONES void add_scaled(float* out, const float* column, float value, std::size_t count) noexcept {
  for (std::size_t j = 0; j < count; ++j) out[j] += value * column[j];
}

}  // namespace

float to_finite_float(double value) noexcept {
  return static_cast<float>(std::clamp(value, -largest_float, largest_float));
}

std::vector<float> Basis::Analysis::apply(std::span<const float> rows, std::size_t count) const {
  const std::size_t dims = basis_.dims_;
  const double scale = std::ldexp(1.0, -basis_.exponent_);
  const double limit = basis_.kind_ == Kind::identity ? largest_float : largest_component;
  std::vector<float> scaled(count * dims);
  for (std::size_t row = 0; row < count; ++row)
    for (std::size_t i = 0; i < dims; ++i) {
      const double centre = basis_.centre_.empty() ? 0.0 : static_cast<double>(basis_.centre_[i]);
      const double value = (static_cast<double>(rows[row * dims + i]) - centre) * scale;
      scaled[row * dims + i] = static_cast<float>(std::clamp(value, -limit, limit));
    }
  if (basis_.kind_ == Kind::dense) {
    std::vector<float> out(count * basis_.components_);
    simd::inner_products({.a = scaled.data(),
                          .n = count,
                          .b = forward_.values.data(),
                          .m = basis_.components_,
                          .dims = dims,
                          .out = out.data(),
                          .stride = basis_.components_});
    return out;
  }
  if (basis_.kind_ == Kind::hadamard) {
    std::vector<float> scratch(dims);
    for (std::size_t row = 0; row < count; ++row)
      basis_.rotation_->apply(std::span(scaled).subspan(row * dims, dims), scratch);
  }
  return scaled;
}

Basis Basis::identity(std::uint32_t dims, int exponent) {
  Basis out;
  out.dims_ = out.components_ = dims;
  out.set_exponent(exponent);
  return out;
}

Basis Basis::hadamard(std::uint32_t dims, int exponent, std::uint64_t seed) {
  Basis out = identity(dims, exponent);
  out.kind_ = Kind::hadamard;
  out.seed_ = seed;
  out.rotation_.emplace(dims, seed);
  return out;
}

Basis Basis::dense(const math::Matrix<double>& matrix, int exponent) {
  Basis out = identity(static_cast<std::uint32_t>(matrix.cols), exponent);
  out.kind_ = Kind::dense;
  out.components_ = static_cast<std::uint32_t>(matrix.rows);
  out.entries_.resize(matrix.values.size());
  for (std::size_t r = 0; r < matrix.rows; ++r) {
    double largest = 0;
    for (std::size_t i = 0; i < matrix.cols; ++i) largest = std::max(largest, std::fabs(matrix(r, i)));
    const float step = largest > 0 ? static_cast<float>(largest / 127) : 1.0f;
    out.steps_.push_back(step);
    for (std::size_t i = 0; i < matrix.cols; ++i) {
      const long entry = std::clamp(std::lrint(matrix(r, i) / static_cast<double>(step)), -127L, 127L);
      out.entries_[r * matrix.cols + i] = static_cast<std::int8_t>(entry);
    }
  }
  out.expand_matrix();
  return out;
}

void Basis::expand_matrix() {
  rows_.resize(entries_.size());
  columns_.resize(entries_.size());
  for (std::size_t r = 0; r < components_; ++r)
    for (std::size_t i = 0; i < dims_; ++i) {
      const float value = static_cast<float>(entries_[r * dims_ + i]) * steps_[r];
      rows_[r * dims_ + i] = value;
      columns_[i * components_ + r] = value;
    }
}

void Basis::set_centre(std::span<const double> values) {
  double largest = 0;
  for (const double value : values) largest = std::max(largest, std::fabs(value));
  centre_step_ = largest > 0 ? static_cast<float>(largest / 32767) : 1.0f;
  // A centre so small that its step is no normal number is no centre.
  if (centre_step_ < std::numeric_limits<float>::min()) centre_step_ = 1.0f;
  centre_.clear();
  centre_entries_.clear();
  for (const double value : values) {
    const long entry = std::clamp(std::lrint(value / static_cast<double>(centre_step_)), -32767L, 32767L);
    centre_entries_.push_back(static_cast<std::int16_t>(entry));
    centre_.push_back(to_finite_float(static_cast<double>(entry) * static_cast<double>(centre_step_)));
  }
}

Basis Basis::first(std::uint32_t components) const {
  Basis out = *this;
  const std::size_t values = std::size_t{components} * dims_;
  out.components_ = components;
  out.steps_.resize(components);
  out.entries_.resize(values);
  out.rows_.resize(values);
  out.columns_.resize(values);
  out.expand_matrix();
  return out;
}

void Basis::scale_rows(std::span<const float> factors) {
  for (std::size_t r = 0; r < components_; ++r) steps_[r] *= factors[r];
  expand_matrix();
}

void Basis::set_exponent(int exponent) { exponent_ = std::clamp(exponent, -max_exponent, max_exponent); }

std::uint64_t Basis::saved_bytes(Kind kind, std::uint32_t dims, std::uint32_t components, bool centred) noexcept {
  return header_bytes + (centred ? 4 + 2ull * dims : 0) +
         (kind == Kind::dense ? components * (4 + std::uint64_t{dims}) : 0);
}

void Basis::save(base::ByteWriter& out) const {
  out.write(dims_);
  out.write(components_);
  out.write(static_cast<std::uint8_t>(kind_));
  out.write<std::uint8_t>(centre_entries_.empty() ? 0 : 1);
  out.write<std::uint16_t>(0);
  out.write(exponent_);
  out.write(seed_);
  if (!centre_entries_.empty()) {
    out.write(centre_step_);
    out.write_array(std::span<const std::int16_t>(centre_entries_));
  }
  for (std::size_t r = 0; r < steps_.size(); ++r) {
    out.write(steps_[r]);
    out.write_array(std::span<const std::int8_t>(entries_).subspan(r * dims_, dims_));
  }
}

Result<Basis> Basis::load(base::ByteReader& in, const format::SectionReader& section, const codec::Schema& schema,
                          const OpenLimits& limits) {
  Basis out;
  ATTAR_ASSIGN(out.dims_, in.read<std::uint32_t>());
  ATTAR_ASSIGN(out.components_, in.read<std::uint32_t>());
  ATTAR_ASSIGN(const auto kind, in.read<std::uint8_t>());
  ATTAR_ASSIGN(const auto centred, in.read<std::uint8_t>());
  ATTAR_ASSIGN(const auto reserved, in.read<std::uint16_t>());
  ATTAR_ASSIGN(out.exponent_, in.read<std::int32_t>());
  ATTAR_ASSIGN(out.seed_, in.read<std::uint64_t>());
  if (out.dims_ != schema.dims || out.dims_ == 0 || out.dims_ > limits.max_dims)
    return section.fail(ErrorCode::corrupt, "the model's dimensions are not the schema's");
  out.kind_ = static_cast<Kind>(kind);
  if (kind > 2 || centred > 1 || reserved != 0 || out.exponent_ < -max_exponent || out.exponent_ > max_exponent ||
      (out.kind_ != Kind::hadamard && out.seed_ != 0) || out.components_ == 0 || out.components_ > out.dims_ ||
      (out.kind_ != Kind::dense && out.components_ != out.dims_))
    return section.fail(ErrorCode::corrupt, "the model's basis holds values that this codec never writes");
  const auto finite = [](float value) { return std::isfinite(value); };
  if (centred == 1) {
    ATTAR_ASSIGN(out.centre_step_, in.read<float>());
    ATTAR_ASSIGN(out.centre_entries_, in.read_array<std::int16_t>(out.dims_));
    for (const std::int16_t entry : out.centre_entries_)
      out.centre_.push_back(to_finite_float(static_cast<double>(entry) * static_cast<double>(out.centre_step_)));
    if (!finite(out.centre_step_))
      return section.fail(ErrorCode::corrupt, "the step of the model's centre is not finite");
  }
  if (out.kind_ == Kind::hadamard) out.rotation_.emplace(out.dims_, out.seed_);
  if (out.kind_ != Kind::dense) return out;
  if (in.remaining() / (4 + std::uint64_t{out.dims_}) < out.components_)
    return section.fail(ErrorCode::corrupt, "the model is shorter than its matrix");
  for (std::size_t r = 0; r < out.components_; ++r) {
    ATTAR_ASSIGN(const auto step, in.read<float>());
    ATTAR_ASSIGN(const auto row, in.read_array<std::int8_t>(out.dims_));
    if (!finite(step * 128)) return section.fail(ErrorCode::corrupt, "a step of the model's matrix is out of range");
    out.steps_.push_back(step);
    out.entries_.insert(out.entries_.end(), row.begin(), row.end());
  }
  out.expand_matrix();
  return out;
}

double Basis::base_of(std::span<const float> query) const noexcept {
  double out = 0;
  for (std::size_t i = 0; i < centre_.size(); ++i)
    out += static_cast<double>(query[i]) * static_cast<double>(centre_[i]);
  return out;
}

PreparedQuery Basis::prepare(std::span<const float> query) const {
  PreparedQuery out;
  float largest = 0;
  for (const float value : query) largest = std::max(largest, std::fabs(value));
  const int magnitude = largest > 0 ? std::ilogb(largest) : 0;
  std::vector<float> scaled(query.size());
  for (std::size_t i = 0; i < query.size(); ++i)
    scaled[i] = static_cast<float>(std::ldexp(static_cast<double>(query[i]), -magnitude));
  out.base = base_of(query);
  if (kind_ == Kind::dense) {
    out.components.assign(components_, 0.0f);
    for (std::size_t i = 0; i < dims_; ++i)
      add_scaled(out.components.data(), columns_.data() + i * components_, scaled[i], components_);
  } else {
    out.components = std::move(scaled);
    if (kind_ == Kind::hadamard) {
      std::vector<float> scratch(dims_);
      rotation_->apply(out.components, scratch);
    }
  }
  for (const float value : out.components) out.sum += static_cast<double>(value);
  out.scale = std::ldexp(1.0, magnitude + exponent_);
  return out;
}

PreparedQuery Basis::prepare_rounded(std::span<const float> query) const {
  if (kind_ != Kind::dense) return prepare(query);
  PreparedQuery out;
  out.base = base_of(query);
  float largest = 0;
  for (const float value : query) largest = std::max(largest, std::fabs(value));
  const double range = rounded_range(dims_), size = static_cast<double>(largest);
  std::vector<std::int16_t> rounded(dims_);
  round_to_int16(query.data(), largest > 0 ? range / size : 0, dims_, rounded.data());
  std::vector<std::int32_t> sums(components_);
  simd::int16_products(
      {.rows = entries_.data(), .count = components_, .vector = rounded.data(), .dims = dims_, .out = sums.data()});
  out.components.resize(components_);
  scale_sums(sums.data(), steps_.data(), components_, out.components.data());
  out.scale = std::ldexp(size / range, exponent_);
  return out;
}

void Basis::reconstruct(std::span<float> components, std::span<float> out) const {
  if (kind_ == Kind::dense) {
    std::fill(out.begin(), out.end(), 0.0f);
    for (std::size_t j = 0; j < components_; ++j)
      add_scaled(out.data(), rows_.data() + j * dims_, components[j], dims_);
  } else {
    if (kind_ == Kind::hadamard) {
      std::vector<float> scratch(dims_);
      rotation_->apply_inverse(components, scratch);
    }
    std::copy(components.begin(), components.end(), out.begin());
  }
  const double scale = std::ldexp(1.0, exponent_);
  for (std::size_t i = 0; i < dims_; ++i) {
    const double centre = centre_.empty() ? 0.0 : static_cast<double>(centre_[i]);
    out[i] = to_finite_float(centre + scale * static_cast<double>(out[i]));
  }
}

Result<Basis::Analysis> Basis::analysis() const {
  Analysis out(*this);
  if (kind_ != Kind::dense) return out;
  math::Matrix<double> stored(components_, dims_);
  std::copy(rows_.begin(), rows_.end(), stored.values.begin());
  math::Matrix<double> gram = math::multiply(stored, math::transpose(stored));
  double trace = 0;
  for (std::size_t i = 0; i < components_; ++i) trace += gram(i, i);
  for (std::size_t i = 0; i < components_; ++i) gram(i, i) += 1e-12 * trace;
  ATTAR_ASSIGN(const auto inverse, math::invert_definite(gram));
  const auto forward = math::multiply(inverse, stored);
  out.forward_ = math::Matrix<float>(components_, dims_);
  std::transform(forward.values.begin(), forward.values.end(), out.forward_.values.begin(),
                 [](double value) { return static_cast<float>(value); });
  return out;
}

}  // namespace attar::vector
