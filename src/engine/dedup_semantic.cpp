#include "engine/dedup_semantic.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/checked.h"
#include "base/progress.h"
#include "engine/encoders.h"
#include "math/kmeans.h"
#include "math/nearest.h"
#include "math/vector_ops.h"
#include "simd/inner_products.h"

namespace attar::engine {
namespace {

constexpr std::uint64_t usual_cluster = 4096;
constexpr std::uint64_t sample_a_cluster = 256;
constexpr std::size_t texts_at_once = 4096;
constexpr std::size_t tile = 128;
constexpr float close_call = 1e-5F;  // beyond what the order of summing changes

/// TextVectors of texts, row by row in a scratch file.
struct TextVectors {
  base::TemporaryFile file;
  std::uint32_t dims = 0;
  std::vector<std::uint32_t> lines = {};    // by row
  std::vector<std::uint32_t> lengths = {};  // of the texts, by row

  [[nodiscard]] Status read(std::uint64_t row, std::span<float> out) const {
    return file.read_at(row * dims * sizeof(float), std::as_writable_bytes(out));
  }
};

/// Encodes the texts of the lines that stand for themselves.
class Encoding {
 public:
  Encoding(const text::Encoder& encoder, const std::vector<std::uint32_t>& kept_by, base::ThreadPool& pool)
      : encoder_(encoder), kept_by_(kept_by), pool_(pool) {}

  Result<TextVectors> run(CorpusFile& corpus, Progress& progress) {
    ATTAR_ASSIGN(base::TemporaryFile file, base::TemporaryFile::create());
    TextVectors out{.file = std::move(file), .dims = encoder_.info().dims};
    texts_.resize(data::LineBlocks::most_lines / CorpusFile::piece_lines);
    const auto visit = [this](std::size_t piece, std::size_t line, std::string_view text, unsigned,
                              const data::TextOfLine&) {
      texts_[piece].emplace_back(static_cast<std::uint32_t>(line), std::string(text));
    };
    ATTAR_TRY(corpus.read(pool_, progress, visit, [&](const data::LineBlock& block, std::size_t pieces) {
      return encode(block.first_number - 1, pieces, out);
    }));
    return out;
  }

 private:
  Status encode(std::uint64_t first_line, std::size_t pieces, TextVectors& out) {
    std::vector<std::string_view> views;
    for (std::size_t piece = 0; piece < pieces; ++piece)
      for (const auto& [line, text] : texts_[piece]) {
        const auto number = static_cast<std::uint32_t>(first_line + line);
        if (kept_by_[number] != number) continue;
        views.push_back(text);
        out.lines.push_back(number);
        out.lengths.push_back(static_cast<std::uint32_t>(std::min<std::size_t>(text.size(), 0xffff'ffff)));
      }
    for (std::size_t first = 0; first < views.size(); first += texts_at_once) {
      const auto some = std::span(views).subspan(first, std::min(texts_at_once, views.size() - first));
      vectors_.resize(some.size() * out.dims);
      ATTAR_TRY(encoder_.encode(some, pool_, vectors_));
      ATTAR_TRY(out.file.write(std::as_bytes(std::span(vectors_))));
    }
    for (std::size_t piece = 0; piece < pieces; ++piece) texts_[piece].clear();
    return {};
  }

  const text::Encoder& encoder_;
  const std::vector<std::uint32_t>& kept_by_;
  base::ThreadPool& pool_;
  std::vector<std::vector<std::pair<std::uint32_t, std::string>>> texts_;  // by piece: line of the block, text
  std::vector<float> vectors_;
};

/// The cluster of each of some rows.
Result<std::vector<std::uint32_t>> cluster_rows(const TextVectors& vectors, std::span<const std::uint32_t> rows,
                                                const math::KMeansOptions& clusters, base::ThreadPool& pool) {
  const std::size_t dims = vectors.dims,
                    sampled = std::min<std::size_t>(rows.size(), clusters.clusters * sample_a_cluster);
  std::vector<std::uint32_t> out(rows.size());
  if (clusters.clusters < 2) return out;
  std::vector<float> values(sampled * dims);
  for (std::size_t i = 0; i < sampled; ++i)
    ATTAR_TRY(vectors.read(rows[i * rows.size() / sampled], std::span(values).subspan(i * dims, dims)));
  const math::Matrix<float> centroids = math::kmeans(values, vectors.dims, clusters, pool);
  for (std::size_t first = 0; first < rows.size(); first += texts_at_once) {
    const std::size_t count = std::min(texts_at_once, rows.size() - first);
    values.resize(count * dims);
    for (std::size_t i = 0; i < count; ++i)
      ATTAR_TRY(vectors.read(rows[first + i], std::span(values).subspan(i * dims, dims)));
    math::nearest_centroids(values, centroids, std::span(out).subspan(first, count), pool);
  }
  return out;
}

/// Goes through the rows of one cluster, those to be preferred first, and keeps each that no kept one is like.
class ClusterSieve {
 public:
  ClusterSieve(const TextVectors& vectors, double threshold)
      : vectors_(vectors), threshold_(static_cast<float>(threshold)), exact_threshold_(threshold) {}

  std::vector<std::pair<std::uint32_t, std::uint32_t>> gone;  // row, and the kept row that is like it
  std::uint64_t compared = 0;

  Status run(std::span<const std::uint32_t> rows) {
    const std::uint32_t dims = vectors_.dims;
    std::vector<float> own(tile * dims), scores;
    std::vector<std::uint32_t> like(tile);
    for (std::size_t first = 0; first < rows.size(); first += tile) {
      const auto some = rows.subspan(first, std::min(tile, rows.size() - first));
      for (std::size_t i = 0; i < some.size(); ++i)
        ATTAR_TRY(vectors_.read(some[i], std::span(own).subspan(i * dims, dims)));
      const std::size_t before = kept_.size();
      scores.resize(some.size() * before);
      multiply(own.data(), some.size(), values_.data(), before, scores.data());
      compared += some.size() * before + some.size() * (some.size() - 1) / 2;
      keep_or_drop(some, own, scores, before);
    }
    return {};
  }

 private:
  void multiply(const float* a, std::size_t n, const float* b, std::size_t m, float* out) const {
    simd::inner_products({.a = a, .n = n, .b = b, .m = m, .dims = vectors_.dims, .out = out, .stride = m});
  }

  void keep_or_drop(std::span<const std::uint32_t> rows, const std::vector<float>& own,
                    const std::vector<float>& scores, std::size_t before) {
    const std::uint32_t dims = vectors_.dims;
    std::vector<float> among(rows.size() * rows.size());
    multiply(own.data(), rows.size(), own.data(), rows.size(), among.data());
    std::vector<std::size_t> kept_here;  // places in this tile
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const float* vector = own.data() + i * dims;
      std::size_t found = 0;
      while (found < before && !alike(scores[i * before + found], vector, values_.data() + found * dims)) ++found;
      if (found == before) {
        std::size_t near = 0;
        while (near < kept_here.size() &&
               !alike(among[i * rows.size() + kept_here[near]], vector, own.data() + kept_here[near] * dims))
          ++near;
        found += near;
      }
      if (found < kept_.size()) {
        gone.emplace_back(rows[i], kept_[found]);
        continue;
      }
      kept_here.push_back(i);
      kept_.push_back(rows[i]);
      values_.insert(values_.end(), vector, vector + dims);
    }
  }

  /// What the order of summing might decide is settled in one order, the same on every machine.
  bool alike(float score, const float* a, const float* b) const {
    if (std::abs(score - threshold_) > close_call) return score > threshold_;
    return math::dot({a, vectors_.dims}, {b, vectors_.dims}) > exact_threshold_;
  }

  const TextVectors& vectors_;
  float threshold_;
  double exact_threshold_;
  std::vector<std::uint32_t> kept_;
  std::vector<float> values_;
};

/// Sieves rows cluster by cluster; those that are left, in their order.
class Sieving {
 public:
  Sieving(const TextVectors& vectors, const DedupOptions& options, base::ThreadPool& pool)
      : vectors_(vectors), options_(options), pool_(pool), kept_by_(vectors.lines.size()) {
    std::iota(kept_by_.begin(), kept_by_.end(), 0);
  }

  Status run() {
    std::vector<std::uint32_t> rows = kept_by_;
    const auto clusters = static_cast<std::uint32_t>(base::ceil_div(rows.size(), usual_cluster));
    ATTAR_TRY(sieve(rows, {.clusters = clusters, .seed = 1}));
    if (clusters < 2) return {};
    std::erase_if(rows, [&](std::uint32_t row) { return kept_by_[row] != row; });
    return sieve(rows, {.clusters = clusters + clusters / 2 + 1, .seed = 2});
  }

  /// By row: the one that stands for it.
  [[nodiscard]] std::uint32_t kept_by(std::uint32_t row) const noexcept {
    while (kept_by_[row] != row) row = kept_by_[row];
    return row;
  }
  [[nodiscard]] std::uint64_t compared() const noexcept { return compared_; }

 private:
  Status sieve(std::span<const std::uint32_t> rows, const math::KMeansOptions& clusters) {
    ATTAR_ASSIGN(const auto cluster_of, cluster_rows(vectors_, rows, clusters, pool_));
    std::vector<std::uint32_t> order(rows.size());
    std::iota(order.begin(), order.end(), 0);
    std::ranges::sort(order, {}, [&](std::uint32_t i) {
      const std::uint32_t shortness = options_.keep == Keep::longest ? ~vectors_.lengths[rows[i]] : 0;
      return std::tuple(cluster_of[i], shortness, i);
    });
    std::vector<std::size_t> ends;
    for (std::size_t i = 1; i <= order.size(); ++i)
      if (i == order.size() || cluster_of[order[i]] != cluster_of[order[i - 1]]) ends.push_back(i);
    for (std::uint32_t& place : order) place = rows[place];
    std::vector<ClusterSieve> sieves(ends.size(), ClusterSieve(vectors_, options_.semantic));
    std::vector<Status> done(ends.size());
    pool_.run(ends.size(), [&](std::size_t cluster, unsigned) {
      const std::size_t first = cluster == 0 ? 0 : ends[cluster - 1];
      done[cluster] = sieves[cluster].run(std::span(order).subspan(first, ends[cluster] - first));
    });
    for (const Status& status : done)
      if (!status) return status;
    for (const ClusterSieve& sieved : sieves) {
      compared_ += sieved.compared;
      for (const auto& [row, kept] : sieved.gone) kept_by_[row] = kept;
    }
    return {};
  }

  const TextVectors& vectors_;
  const DedupOptions& options_;
  base::ThreadPool& pool_;
  std::vector<std::uint32_t> kept_by_;
  std::uint64_t compared_ = 0;
};

}  // namespace

Status drop_alike(CorpusFile& corpus, const DedupOptions& options, base::ThreadPool& pool, Progress& progress,
                  std::vector<std::uint32_t>& kept_by, std::vector<Fate>& fates, std::uint64_t& compared) {
  ATTAR_ASSIGN(const auto encoder, open_encoder(options.encoder));
  ATTAR_ASSIGN(const TextVectors vectors, Encoding(*encoder, kept_by, pool).run(corpus, progress));
  Sieving sieving(vectors, options, pool);
  progress.stage("comparing", 0);
  ATTAR_TRY(sieving.run());
  compared = sieving.compared();
  for (std::uint32_t row = 0; row < vectors.lines.size(); ++row) {
    const std::uint32_t kept = sieving.kept_by(row);
    if (kept == row) continue;
    fates[vectors.lines[row]] = Fate::semantic;
    kept_by[vectors.lines[row]] = vectors.lines[kept];
  }
  // A line that went may stand for others: the one that took its place is kept itself.
  for (std::uint32_t& line : kept_by) line = kept_by[line];
  return base::check_cancelled(progress);
}

}  // namespace attar::engine
