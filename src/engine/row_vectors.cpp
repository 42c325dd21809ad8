#include "engine/row_vectors.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "attar/vectors.h"
#include "engine/vector_cache.h"

namespace attar::engine {
namespace {

constexpr std::size_t vectors_at_once = 4096;

// Late chunking and a cache each change what a batch is, not how rows are filled in.
class EncodingRows {
 public:
  EncodingRows(const DocumentRows& rows, const text::Encoder& encoder, const RowVectorOptions& options,
               base::ThreadPool& pool, base::Progress& progress)
      : rows_(rows), encoder_(encoder), options_(options), pool_(pool), progress_(progress) {
    out_.dims = encoder.info().dims;
    out_.values.resize(rows.rows.size() * out_.dims);
    if (!options.cache.empty()) cache_.emplace(encoder.info().digest, out_.dims);
  }

  Result<RowVectors> run() {
    if (cache_) {
      const Status loaded = cache_->load(options_.cache);
      if (!loaded && loaded.error().code == ErrorCode::invalid_argument) return std::unexpected(loaded.error());
      if (!loaded) out_.note = loaded.error().message;
    }
    progress_.stage("encoding", rows_.rows.size());
    const Status done = options_.late ? late() : each();
    // What was encoded before the work was stopped is there when it begins again.
    if (cache_ && out_.encoded != 0) ATTAR_TRY(cache_->save(options_.cache));
    ATTAR_TRY(done);
    return std::move(out_);
  }

 private:
  std::span<float> vector(std::size_t row) { return std::span(out_.values).subspan(row * out_.dims, out_.dims); }

  bool take(std::size_t row, const VectorCache::Key& key) {
    if (!cache_ || !cache_->find(key, vector(row))) return false;
    ++out_.reused;
    return true;
  }
  void keep(std::size_t row, const VectorCache::Key& key) {
    ++out_.encoded;
    if (cache_) cache_->add(key, vector(row));
  }

  Status each() {
    for (std::size_t first = 0; first < rows_.rows.size(); first += vectors_at_once) {
      ATTAR_TRY(base::check_cancelled(progress_));
      const std::size_t last = std::min(first + vectors_at_once, rows_.rows.size());
      std::vector<std::size_t> missing;
      std::vector<std::string> texts;
      std::vector<VectorCache::Key> keys;
      for (std::size_t row = first; row < last; ++row) {
        std::string text = rows_.in_context(row);
        const VectorCache::Key key = cache_ ? VectorCache::key_of(text) : VectorCache::Key{};
        if (take(row, key)) continue;
        missing.push_back(row);
        texts.push_back(std::move(text));
        keys.push_back(key);
      }
      const std::vector<std::string_view> views(texts.begin(), texts.end());
      std::vector<float> made(texts.size() * out_.dims);
      ATTAR_TRY(encoder_.encode(views, pool_, made));
      for (std::size_t i = 0; i < missing.size(); ++i) {
        std::ranges::copy(std::span(made).subspan(i * out_.dims, out_.dims), vector(missing[i]).begin());
        keep(missing[i], keys[i]);
      }
      progress_.advance(last - first);
    }
    return {};
  }

  Status late() {
    std::size_t first = 0;
    for (std::size_t number = 0; number < rows_.documents.size(); ++number) {
      ATTAR_TRY(base::check_cancelled(progress_));
      const std::size_t last = first + rows_.counts[number];
      ATTAR_TRY(late(rows_.documents[number], first, last));
      progress_.advance(last - first);
      first = last;
    }
    return {};
  }

  // A document whose rows are all known is not read.
  Status late(const data::Document& document, std::size_t first, std::size_t last) {
    const std::string whole = in_context(title_of(document), {}, document.text);
    const std::size_t shift = whole.size() - document.text.size();
    std::vector<text::ByteSpan> spans;
    std::vector<VectorCache::Key> keys;
    std::size_t found = 0;
    for (std::size_t row = first; row < last; ++row) {
      const std::size_t begin = static_cast<std::size_t>(rows_.rows[row].text.data() - document.text.data()) + shift;
      spans.push_back({begin, begin + rows_.rows[row].text.size()});
      keys.push_back(cache_
                         ? VectorCache::key_of(whole, fmt::format("late {} {}", spans.back().begin, spans.back().end))
                         : VectorCache::Key{});
      if (take(row, keys.back())) ++found;
    }
    if (found == spans.size()) return {};
    out_.reused -= found;
    ATTAR_TRY(encoder_.encode_spans(whole, spans, pool_,
                                    std::span(out_.values).subspan(first * out_.dims, (last - first) * out_.dims)));
    for (std::size_t row = first; row < last; ++row) keep(row, keys[row - first]);
    return {};
  }

  const DocumentRows& rows_;
  const text::Encoder& encoder_;
  const RowVectorOptions& options_;
  base::ThreadPool& pool_;
  base::Progress& progress_;
  std::optional<VectorCache> cache_;
  RowVectors out_;
};

Result<RowVectors> given_vectors(const DocumentRows& rows, const std::filesystem::path& path) {
  ATTAR_ASSIGN(Vectors vectors, read_vectors(path, {}));
  if (vectors.rows() != rows.rows.size())
    return std::unexpected(Error{
        .code = ErrorCode::invalid_data,
        .message =
            fmt::format("has {} vectors for {} documents; give one for each document that can be read, in their order",
                        vectors.rows(), rows.rows.size()),
        .file = path.string()});
  return RowVectors{.values = std::move(vectors.values), .dims = vectors.dims};
}

}  // namespace

Result<RowVectors> row_vectors(const DocumentRows& rows, const text::Encoder& encoder, const RowVectorOptions& options,
                               base::ThreadPool& pool, base::Progress& progress) {
  if (!options.given.empty()) return given_vectors(rows, options.given);
  return EncodingRows(rows, encoder, options, pool, progress).run();
}

}  // namespace attar::engine
