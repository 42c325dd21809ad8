#include "engine/export_coding.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/checked.h"
#include "math/vector_ops.h"
#include "tensor/ggml/rows.h"

namespace attar::engine {

namespace ggml = tensor::ggml;

namespace {

std::uint64_t bytes_in(const ggml::BlockType& type, std::uint64_t values) noexcept {
  return values / type.size.values * type.size.bytes;
}

}  // namespace

SlabCoder::SlabCoder(base::ThreadPool& pool) : pool_(pool), scratch_(pool.size()) { values_.reserve(slab_values); }

void SlabCoder::load(const ValueKind& kind, base::ByteView slab) {
  values_.resize(slab.size() / kind.bytes * kind.values);
  decode_slab(kind, slab, values_, pool_);
}

std::uint64_t SlabCoder::pieces() const noexcept { return base::ceil_div(values_.size(), piece_values); }

std::span<const float> SlabCoder::piece(std::size_t number) const noexcept {
  const std::uint64_t first = number * piece_values;
  return std::span(values_).subspan(first, std::min(piece_values, values_.size() - first));
}

double SlabCoder::squared_norm() {
  sums_.assign(pieces(), 0);
  pool_.run(pieces(), [&](std::size_t p, unsigned) { sums_[p] = math::squared_norm(piece(p)); });
  return std::accumulate(sums_.begin(), sums_.end(), 0.0);
}

double SlabCoder::code_piece(const ggml::BlockType& type, std::span<const float> values, std::span<std::byte> blocks,
                             std::vector<float>& back) {
  back.resize(values.size());
  // Rows are whole blocks, so that a piece is as good as a row.
  if (!ggml::quantize(type, values, values.size(), {}, blocks) || !ggml::dequantize(type, blocks, back))
    return std::numeric_limits<double>::quiet_NaN();
  return math::squared_distance(values, back);
}

void SlabCoder::add_errors(std::span<const ggml::BlockType* const> types, std::span<double> sums) {
  sums_.assign(pieces() * types.size(), 0);
  pool_.run(sums_.size(), [&](std::size_t task, unsigned worker) {
    const ggml::BlockType& type = *types[task % types.size()];
    const auto values = piece(task / types.size());
    Scratch& own = scratch_[worker];
    own.blocks.resize(bytes_in(type, values.size()));
    sums_[task] = code_piece(type, values, own.blocks, own.back);
  });
  for (std::size_t task = 0; task < sums_.size(); ++task) sums[task % types.size()] += sums_[task];
}

Result<base::ByteView> SlabCoder::code(const ggml::BlockType& type, double& error) {
  sums_.assign(pieces(), 0);
  coded_.resize(bytes_in(type, values_.size()));
  pool_.run(pieces(), [&](std::size_t p, unsigned worker) {
    const auto values = piece(p);
    const auto blocks = std::span(coded_).subspan(p * bytes_in(type, piece_values), bytes_in(type, values.size()));
    sums_[p] = code_piece(type, values, blocks, scratch_[worker].back);
  });
  const double sum = std::accumulate(sums_.begin(), sums_.end(), 0.0);
  if (!std::isfinite(sum))
    return fail(ErrorCode::invalid_data,
                fmt::format("holds a value that {} cannot hold (no number, or a magnitude above {})", type.size.name,
                            type.largest));
  error += sum;
  return coded_;
}

}  // namespace attar::engine
