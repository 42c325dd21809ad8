// The decoded vectors back in a file of the user's world, with the error stated where it can be.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "attar/artifact.h"
#include "base/progress.h"
#include "certify/truth.h"
#include "data/write.h"
#include "engine/artifact_state.h"
#include "engine/input.h"

namespace attar {
namespace {

constexpr std::uint64_t chunk_bytes = 4ull << 20;

// Sums over rows of what the report's two figures are made of.
class Comparison {
 public:
  explicit Comparison(std::uint32_t dims) : sum_(dims) {}

  void add(std::span<const float> row, std::span<const float> decoded) {
    double norm = 0, other = 0, product = 0;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const double x = static_cast<double>(row[i]), y = static_cast<double>(decoded[i]);
      error_ += (x - y) * (x - y);
      norm += x * x;
      other += y * y;
      product += x * y;
      sum_[i] += x;
    }
    squares_ += norm;
    // Two zero vectors agree; a zero and another do not.
    cosines_ += norm > 0 && other > 0 ? product / std::sqrt(norm * other) : (norm == other ? 1 : 0);
    ++rows_;
  }

  void report(UnpackReport& out) const {
    const auto rows = static_cast<double>(rows_);
    double spread = squares_;
    for (const double sum : sum_) spread -= sum * sum / rows;
    out.compared = true;
    out.relative_error = spread > 0 ? error_ / spread : 0;
    out.mean_cosine = cosines_ / rows;
  }

 private:
  std::vector<double> sum_;
  double error_ = 0, squares_ = 0, cosines_ = 0;
  std::uint64_t rows_ = 0;
};

}  // namespace

Result<UnpackReport> unpack(const Artifact& artifact, const std::filesystem::path& output,
                            const std::filesystem::path& base, Progress* progress_or_null) {
  const Artifact::State& state = ArtifactAccess::state(artifact);
  Progress& progress = engine::or_silent(progress_or_null);
  std::unique_ptr<data::VectorSource> originals;
  if (!base.empty() || state.originals) {
    ATTAR_ASSIGN(originals, engine::originals_of(state, base));
  }
  ATTAR_ASSIGN(auto writer, data::VectorWriter::create(output, data::ElementType::f32, artifact.dims()));
  UnpackReport out{.rows = artifact.rows(), .dims = artifact.dims()};
  Comparison comparison(out.dims);
  const std::uint64_t step = std::max<std::uint64_t>(1, chunk_bytes / (out.dims * sizeof(float)));
  progress.stage("unpacking", out.rows);
  std::vector<float> decoded, rows;
  for (std::uint64_t first = 0; first < out.rows; first += step) {
    ATTAR_TRY(base::check_cancelled(progress));
    const std::uint64_t count = std::min(step, out.rows - first);
    decoded.resize(count * out.dims);
    ATTAR_TRY(artifact.decode(first, decoded));
    ATTAR_TRY(writer.append(std::span<const float>(decoded)));
    progress.advance(count);
    if (originals == nullptr) continue;
    rows.resize(decoded.size());
    ATTAR_TRY(originals->read(first, rows));
    ATTAR_TRY(certify::prepare_rows(artifact.metric(), rows, out.dims, first, originals->name()));
    for (std::uint64_t i = 0; i < count; ++i)
      comparison.add(std::span(rows).subspan(i * out.dims, out.dims),
                     std::span(decoded).subspan(i * out.dims, out.dims));
  }
  ATTAR_TRY(writer.finish());
  if (originals != nullptr) comparison.report(out);
  return out;
}

}  // namespace attar
