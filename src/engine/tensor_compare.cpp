// An artifact of tensors against the files that were packed: every tensor is measured again.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "attar/tensors.h"
#include "base/hash.h"
#include "data/input_file.h"
#include "engine/input.h"
#include "engine/loss_meter.h"
#include "engine/tensor_sources.h"
#include "engine/tensor_state.h"
#include "engine/trim.h"

namespace attar {
namespace {

// Sums of the same numbers in another order.
constexpr double same_sums = 1e-9;

std::unexpected<Error> not_the_original(const std::filesystem::path& original, std::string what) {
  return std::unexpected(Error{.code = ErrorCode::invalid_argument,
                               .message = fmt::format("{}; give the file or folder that was packed", what),
                               .file = original.string()});
}

struct Original {
  base::ByteView bytes;
  std::string name;
};

// All tensors in the order of the artifact's.
Result<std::vector<Original>> originals_of(const std::vector<engine::TensorSource>& sources,
                                           const TensorArtifact::State& state, const std::filesystem::path& path) {
  std::vector<Original> out;
  for (const engine::TensorSource& source : sources)
    for (const data::FileTensor& tensor : source.file.tensors())
      out.push_back({source.file.bytes_of(tensor), tensor.name});
  if (out.size() != state.tensors.size())
    return not_the_original(path, fmt::format("has {} tensors, and {} were packed", out.size(), state.tensors.size()));
  for (std::size_t i = 0; i < out.size(); ++i)
    if (out[i].name != state.tensors[i].name || out[i].bytes.size() != state.tensors[i].bytes())
      return not_the_original(path, fmt::format("has tensor {} where {} was packed", data::in_quotes(out[i].name),
                                                data::in_quotes(state.tensors[i].name)));
  return out;
}

Result<engine::BlockLoss> measure(const TensorArtifact::State& state, std::size_t number, base::ByteView original,
                                  base::ThreadPool& pool, Progress& progress) {
  engine::BlockLoss out;
  const codec::Element element = engine::schema_of(state.tensors[number]).element;
  std::uint64_t at = 0;
  const auto take = [&](base::ByteView bytes) -> Status {
    ATTAR_TRY(base::check_cancelled(progress));
    out.add(engine::measure_kept_rows(element, original.subspan(at, bytes.size()), bytes, state.kept_rows_of(number),
                                      original.size(), at));
    at += bytes.size();
    progress.advance(bytes.size());
    return {};
  };
  ATTAR_TRY(state.stream(number, pool, take));
  return out;
}

bool near(double a, double b) { return std::fabs(a - b) <= same_sums * std::max(a, b); }

Status check_statement(const TensorArtifact::State& state, std::size_t number, const engine::BlockLoss& found) {
  const format::TensorLossEntry* stated = state.loss_of(number);
  const bool holds = !found.broken &&
                     (stated == nullptr ? found.max_error == 0
                                        : found.max_error == stated->max_error && near(found.square, stated->square) &&
                                              near(found.squared_error, stated->squared_error));
  if (holds) return {};
  return std::unexpected(Error{.code = ErrorCode::corrupt,
                               .message = fmt::format("tensor {} is not as far from its original as the file states",
                                                      data::in_quotes(state.tensors[number].name)),
                               .file = state.reader.path()});
}

}  // namespace

Result<TensorComparison> TensorArtifact::compare(const std::filesystem::path& original, unsigned threads,
                                                 Progress* progress_or_null) const {
  Progress& progress = engine::or_silent(progress_or_null);
  base::ThreadPool pool(threads);
  ATTAR_ASSIGN(const auto sources, engine::open_tensor_sources(original));
  ATTAR_ASSIGN(const auto originals, originals_of(sources, *state_, original));
  std::uint64_t total = 0;
  for (const Original& own : originals) total += own.bytes.size();
  progress.stage("comparing tensors", total);
  TensorComparison out{.tensors = originals.size()};
  std::set<std::uint64_t> frames;
  for (std::size_t i = 0; i < originals.size(); ++i) {
    const format::TensorEntry& tensor = state_->tensors[i];
    const format::TensorLossEntry* stated = state_->loss_of(i);
    const format::KeptRowsEntry* rows = state_->kept_rows_of(i);
    const auto others = [&] {
      return not_the_original(original, fmt::format("has other numbers in tensor {}", data::in_quotes(tensor.name)));
    };
    base::ByteView was = originals[i].bytes;
    std::vector<std::byte> trimmed;
    if (rows != nullptr) {
      if (base::checksum(was) != rows->original) return others();
      trimmed = engine::trimmed_table(was, *rows);
      was = trimmed;
      out.trimmed.push_back(engine::trimmed_table_of(tensor, *rows));
    }
    if (base::checksum(was) != (stated == nullptr ? tensor.checksum : stated->original)) return others();
    ATTAR_ASSIGN(const engine::BlockLoss found, measure(*state_, i, was, pool, progress));
    ATTAR_TRY(check_statement(*state_, i, found));
    if (stated == nullptr) {
      if (rows == nullptr) ++out.identical;
      continue;
    }
    LostTensor own{.name = tensor.name,
                   .type = tensor.type,
                   .weights = tensor.count,
                   .bits = 8 * static_cast<double>(state_->packed_bytes(i)) / static_cast<double>(tensor.count),
                   .loss = engine::loss_of({.square = found.square,
                                            .squared_error = found.squared_error,
                                            .max_error = found.max_error,
                                            .sensitivity = stated->sensitivity})};
    if (frames.insert(tensor.frame_offset).second) out.weighed_error += own.loss.sensitivity * own.loss.relative_error;
    out.lost.push_back(std::move(own));
  }
  return out;
}

}  // namespace attar
