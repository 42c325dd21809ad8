// Rows, and tcq codes of them held in memory, for the tests of tcq.
#pragma once

#include <cmath>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "attar/limits.h"
#include "base/random.h"
#include "base/threads.h"
#include "codec/codec.h"
#include "vector/tcq/model.h"

namespace attar::vector {
const codec::Codec& tcq_codec() noexcept;
}

namespace attar::vector::tcq {

enum class Kind { isotropic, correlated, clustered };

inline void normalise(std::span<float> values, std::uint32_t dims) {
  for (std::size_t at = 0; at < values.size(); at += dims) {
    double norm = 0;
    for (std::size_t i = 0; i < dims; ++i)
      norm += static_cast<double>(values[at + i]) * static_cast<double>(values[at + i]);
    if (norm == 0) continue;
    for (std::size_t i = 0; i < dims; ++i)
      values[at + i] = static_cast<float>(static_cast<double>(values[at + i]) / std::sqrt(norm));
  }
}

/// Variances that fall from 1 towards 1 / factor.
inline std::vector<double> falling(std::size_t count, double factor) {
  std::vector<double> out(count);
  for (std::size_t i = 0; i < count; ++i)
    out[i] = std::pow(factor, -static_cast<double>(i) / static_cast<double>(count));
  return out;
}

/// Gaussian rows: of equal deviations; of deviations that fall by a factor of 30 over the dimensions, around a mean
/// that is not zero; or such rows close to one of eight centres, some of them twice. Normalised under cosine.
inline std::vector<float> make_rows(Kind kind, std::uint64_t rows, std::uint32_t dims, Metric metric,
                                    std::uint64_t seed) {
  base::Random random(seed);
  std::vector<float> centres(8 * std::size_t{dims});
  for (float& value : centres) value = static_cast<float>(random.normal());
  std::vector<float> out(rows * dims);
  for (std::uint64_t row = 0; row < rows; ++row) {
    const std::size_t centre = random.below(8);
    for (std::uint32_t i = 0; i < dims; ++i) {
      const double fall = kind == Kind::isotropic ? 1.0 : std::pow(30.0, -static_cast<double>(i) / dims);
      double value = fall * random.normal();
      if (kind == Kind::correlated) value += i % 3 == 0 ? 0.7 : -0.2;
      if (kind == Kind::clustered) value = fall * static_cast<double>(centres[centre * dims + i]) + 0.2 * value;
      out[row * dims + i] = static_cast<float>(value);
    }
    if (kind == Kind::clustered && row >= 40 && row % 5 == 0)
      std::copy_n(out.begin() + static_cast<std::ptrdiff_t>((row - 40) * dims), dims,
                  out.begin() + static_cast<std::ptrdiff_t>(row * dims));
  }
  if (metric == Metric::cosine) normalise(out, dims);
  return out;
}

inline std::unique_ptr<codec::Trained> train(const codec::Schema& schema, std::span<const float> rows,
                                             base::ThreadPool& pool) {
  auto trainer = tcq_codec().trainer(schema, {.pool = &pool, .seed = 11}).value();
  if (!trainer->feed({rows, schema.dims, 0})) return nullptr;
  return trainer->finish().value();
}

/// A codes section, fed in chunks of `chunk_rows`.
inline std::vector<std::byte> encode(std::shared_ptr<const codec::Model> model, const codec::Schema& schema,
                                     std::span<const float> rows, base::ThreadPool& pool,
                                     std::uint64_t chunk_rows = 1000) {
  base::MemorySink sink;
  auto encoder = tcq_codec().encoder(std::move(model), schema, sink, pool).value();
  for (std::uint64_t first = 0; first < schema.rows; first += chunk_rows) {
    const std::uint64_t count = std::min(chunk_rows, schema.rows - first);
    if (!encoder->append({rows.subspan(first * schema.dims, count * schema.dims), schema.dims, first})) return {};
  }
  if (!encoder->finish()) return {};
  return std::move(sink).release();
}

inline std::vector<std::byte> save(const codec::Model& model) {
  base::MemorySink sink;
  return model.save(sink) ? std::move(sink).release() : std::vector<std::byte>{};
}

inline format::SectionReader section(base::ByteView bytes) {
  return format::SectionReader::trusted(bytes, "a section", tcq_codec().info().id, 1);
}

/// Rows and their codes.
struct Coded {
  codec::Schema schema;
  std::vector<float> rows;
  std::shared_ptr<const codec::Model> model;
  std::vector<std::byte> codes;
  std::unique_ptr<codec::View> view;

  [[nodiscard]] const Shape& shape() const { return static_cast<const TcqModel&>(*model).shape; }
  [[nodiscard]] std::vector<float> decoded() const {
    std::vector<float> out(rows.size());
    return view->decode({0, schema.rows}, out) ? out : std::vector<float>{};
  }
  [[nodiscard]] std::unique_ptr<codec::Scorer> prepare(std::span<const float> queries) const {
    return view->scorable()->prepare({queries, schema.dims}).value();
  }
};

inline Coded code(const codec::Trained& trained, const codec::Schema& schema, std::vector<float> rows,
                  const Settings& settings, base::ThreadPool& pool) {
  Coded out{.schema = schema, .rows = std::move(rows), .model = nullptr, .codes = {}, .view = nullptr};
  out.model = trained.build(settings.to_params()).value();
  out.codes = encode(out.model, schema, out.rows, pool);
  out.view = tcq_codec().open(section(out.codes), out.model, schema, OpenLimits{}).value();
  return out;
}

inline Coded code(const codec::Schema& schema, std::vector<float> rows, const Settings& settings,
                  base::ThreadPool& pool) {
  const auto trained = train(schema, rows, pool);
  return code(*trained, schema, std::move(rows), settings, pool);
}

/// Σ ‖x − x̂‖² / Σ ‖x − mean‖².
inline double relative_error(const Coded& coded) {
  const std::vector<float> decoded = coded.decoded();
  const std::size_t dims = coded.schema.dims;
  std::vector<double> mean(dims);
  for (std::size_t i = 0; i < coded.rows.size(); ++i)
    mean[i % dims] += static_cast<double>(coded.rows[i]) / static_cast<double>(coded.schema.rows);
  double miss = 0, spread = 0;
  for (std::size_t i = 0; i < coded.rows.size(); ++i) {
    const double value = static_cast<double>(coded.rows[i]);
    miss += std::pow(value - static_cast<double>(decoded[i]), 2);
    spread += std::pow(value - mean[i % dims], 2);
  }
  return miss / spread;
}

}  // namespace attar::vector::tcq
