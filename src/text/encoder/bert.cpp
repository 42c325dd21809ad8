#include "text/encoder/bert.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <numeric>
#include <optional>
#include <utility>

#include "base/hash.h"
#include "math/vector_ops.h"

namespace attar::text {
namespace {

constexpr std::uint32_t special_tokens = 2;   // [CLS] and [SEP]
constexpr std::size_t texts_together = 32;    // that a thread tokenizes at a time
constexpr std::size_t tokens_together = 288;  // that pass the model at a time: three of its groups of rows
constexpr std::string_view digest_name{"attar bert 1\0", 13};

using Ids = std::vector<std::uint32_t>;

// Sequences of tokens that pass the model at a time, longest first, so that the last pieces are short.
std::vector<std::vector<std::size_t>> cut_into_pieces(std::span<const Ids> sequences) {
  std::vector<std::size_t> order(sequences.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::greater{}, [&](std::size_t i) { return sequences[i].size(); });
  std::vector<std::vector<std::size_t>> out;
  std::size_t tokens = tokens_together;
  for (const std::size_t i : order) {
    if (sequences[i].empty()) break;
    if (tokens + sequences[i].size() > tokens_together) {
      out.emplace_back();
      tokens = 0;
    }
    out.back().push_back(i);
    tokens += sequences[i].size();
  }
  return out;
}

std::string name_of(const std::filesystem::path& folder) {
  std::filesystem::path path = std::filesystem::absolute(folder).lexically_normal();
  if (path.filename().empty()) path = path.parent_path();
  // Packages keep a model under their own name, in a folder called "model".
  if (path.filename() == "model" && path.has_parent_path()) path = path.parent_path();
  return path.filename().string();
}

void add(std::span<const float> row, std::span<float> to) noexcept {
  for (std::size_t d = 0; d < to.size(); ++d) to[d] += row[d];
}

Status normalise(std::span<float> row) {
  if (std::ranges::all_of(row, [](float value) { return value == 0; })) return {};
  if (math::normalise_rows(row, static_cast<std::uint32_t>(row.size())))
    return fail(ErrorCode::invalid_data, "the model's numbers overflow: its weights are not those of an encoder");
  return {};
}

}  // namespace

// A thread's memory, and what it does with it.
class BertEncoder::Worker {
 public:
  // Token vectors of some sequences, one sequence after another; they stay until the next call.
  std::span<const float> run(const nn::Bert& model, std::span<const Ids> sequences,
                             std::span<const std::size_t> which) {
    ids_.clear();
    ends_.clear();
    for (const std::size_t i : which) {
      ids_.insert(ids_.end(), sequences[i].begin(), sequences[i].end());
      ends_.push_back(ids_.size());
    }
    vectors_.resize(ids_.size() * model.config().hidden_size);
    model.forward({.ids = ids_, .ends = ends_}, scratch_, vectors_);
    return vectors_;
  }

 private:
  Ids ids_;
  std::vector<std::size_t> ends_;
  std::vector<float> vectors_;
  nn::BertScratch scratch_;
};

Result<std::unique_ptr<BertEncoder>> BertEncoder::open(const std::filesystem::path& path, const BertOptions& options) {
  return make(FolderFiles(path), path, options);
}

Result<std::unique_ptr<BertEncoder>> BertEncoder::make(const ModelFiles& files, const std::filesystem::path& path,
                                                       const BertOptions& options) {
  ATTAR_ASSIGN(BertFolder folder, read_bert_folder(files));
  if (options.longest != 0) folder.longest = std::min(folder.longest, options.longest);
  if (folder.longest <= special_tokens)
    return fail(ErrorCode::invalid_argument,
                fmt::format("a text of {} tokens has none beside [CLS] and [SEP]; ask for 3 or more", folder.longest));
  ATTAR_ASSIGN(WordPiece words, WordPiece::make(folder.vocabulary));
  const auto first = words.id_of("[CLS]"), last = words.id_of("[SEP]");
  if (!first || !last || words.size() > folder.config.words)
    return std::unexpected(Error{
        .code = ErrorCode::invalid_data,
        .message = fmt::format("has a vocabulary without [CLS] and [SEP], or {} tokens where the model has {} words",
                               words.size(), folder.config.words),
        .file = path.string()});
  ATTAR_ASSIGN(auto weights, files.weights());
  ATTAR_ASSIGN(nn::Bert model, nn::Bert::make(folder.config, std::move(weights),
                                              nn::linear_maker(options.precision, options.level), options.level));
  std::unique_ptr<BertEncoder> out(new BertEncoder(std::move(words), std::move(model), folder));
  out->first_ = *first;
  out->last_ = *last;
  out->describe(folder, path, options);
  return out;
}

void BertEncoder::describe(const BertFolder& folder, const std::filesystem::path& path, const BertOptions& options) {
  const nn::BertConfig& config = folder.config;
  base::ByteWriter head;
  head.write_text(digest_name);
  for (const std::uint32_t value : {config.hidden_size, config.heads, config.layers, config.intermediate_size,
                                    config.positions, config.types, config.words})
    head.write(value);
  head.write(config.epsilon);
  for (const std::uint32_t value :
       {folder.longest, static_cast<std::uint32_t>(folder.pooling), static_cast<std::uint32_t>(options.precision)})
    head.write(value);
  head.write_text(folder.vocabulary);
  head.write_bytes(model_.weights_digest().bytes);
  info_ = {.name = options.name.empty() ? name_of(path) : options.name,
           .dims = config.hidden_size,
           .max_tokens = folder.longest - special_tokens,
           .digest = base::sha256(head.bytes()).hex()};
}

std::size_t BertEncoder::count_tokens(std::string_view text) const {
  std::vector<Token> tokens;
  words_.tokenize(text, std::numeric_limits<std::uint32_t>::max(), tokens);
  return tokens.size();
}

std::vector<Ids> BertEncoder::tokenize(std::span<const std::string_view> texts, base::ThreadPool& pool) const {
  std::vector<Ids> out(texts.size());
  std::vector<std::vector<Token>> found(pool.size());
  pool.run((texts.size() + texts_together - 1) / texts_together, [&](std::size_t piece, unsigned worker) {
    const std::size_t end = std::min((piece + 1) * texts_together, texts.size());
    for (std::size_t i = piece * texts_together; i < end; ++i) {
      found[worker].clear();
      words_.tokenize(texts[i], info_.max_tokens, found[worker]);
      if (found[worker].empty()) continue;
      out[i].push_back(first_);
      for (const Token& token : found[worker]) out[i].push_back(token.id);
      out[i].push_back(last_);
    }
  });
  return out;
}

Status BertEncoder::encode(std::span<const std::string_view> texts, base::ThreadPool& pool,
                           std::span<float> out) const {
  const std::size_t dims = info_.dims;
  std::ranges::fill(out, 0.0f);
  const std::vector<Ids> sequences = tokenize(texts, pool);
  const auto pieces = cut_into_pieces(sequences);
  std::vector<Worker> workers(pool.size());
  std::atomic<bool> sound = true;
  pool.run(pieces.size(), [&](std::size_t piece, unsigned worker) {
    std::span<const float> vectors = workers[worker].run(model_, sequences, pieces[piece]);
    for (const std::size_t i : pieces[piece]) {
      const std::span<float> row = out.subspan(i * dims, dims);
      const std::size_t tokens = sequences[i].size(), pooled = pooling_ == Pooling::mean ? tokens : 1;
      for (std::size_t token = 0; token < pooled; ++token) add(vectors.subspan(token * dims, dims), row);
      for (float& value : row) value /= static_cast<float>(pooled);
      if (!normalise(row)) sound = false;
      vectors = vectors.subspan(tokens * dims);
    }
  });
  if (!sound) return fail(ErrorCode::invalid_data, "the model's numbers overflow: its weights are not an encoder's");
  return {};
}

namespace {

// Tokens [begin, end) of a text that pass the model together, of which those from `fresh` on were in no window before.
struct Window {
  std::size_t begin, fresh, end;
};

std::vector<Window> windows_of(std::size_t tokens, std::size_t most) {
  std::vector<Window> out;
  for (std::size_t fresh = 0; fresh < tokens; fresh = out.back().end) {
    const std::size_t begin = fresh - std::min(fresh, most / 4);
    out.push_back({begin, fresh, std::min(begin + most, tokens)});
  }
  return out;
}

// The tokens, in their order, whose first byte lies in the span.
std::pair<std::size_t, std::size_t> tokens_of(const ByteSpan& span, std::span<const Token> tokens) {
  const auto place = [&](std::size_t byte) {
    return static_cast<std::size_t>(std::ranges::lower_bound(tokens, byte, {}, &Token::begin) - tokens.begin());
  };
  return {place(span.begin), place(span.end)};
}

}  // namespace

Status BertEncoder::encode_spans(std::string_view text, std::span<const ByteSpan> spans, base::ThreadPool& pool,
                                 std::span<float> out) const {
  const std::size_t dims = info_.dims;
  std::ranges::fill(out, 0.0f);
  if (text.size() > std::numeric_limits<std::uint32_t>::max())
    return fail(ErrorCode::over_limit, "a text of 4 GiB and more has no places for its tokens; give it in parts");
  for (const ByteSpan& span : spans)
    if (span.begin > span.end || span.end > text.size())
      return fail(ErrorCode::invalid_argument,
                  fmt::format("bytes {} to {} are no range of a text of {} bytes", span.begin, span.end, text.size()));
  std::vector<Token> tokens;
  words_.tokenize(text, std::numeric_limits<std::uint32_t>::max(), tokens);
  const std::vector<Window> windows = windows_of(tokens.size(), info_.max_tokens);
  std::vector<Ids> sequences;
  for (const Window& window : windows) {
    Ids& ids = sequences.emplace_back(1, first_);
    for (std::size_t i = window.begin; i < window.end; ++i) ids.push_back(tokens[i].id);
    ids.push_back(last_);
  }
  std::vector<float> vectors(tokens.size() * dims);
  std::vector<Worker> workers(pool.size());
  pool.run(windows.size(), [&](std::size_t piece, unsigned worker) {
    const Window& window = windows[piece];
    const auto found = workers[worker].run(model_, sequences, std::span(&piece, 1));
    const std::size_t seen = 1 + window.fresh - window.begin;  // [CLS] and context
    std::ranges::copy(found.subspan(seen * dims, (window.end - window.fresh) * dims),
                      vectors.begin() + static_cast<std::ptrdiff_t>(window.fresh * dims));
  });
  for (std::size_t s = 0; s < spans.size(); ++s) {
    const std::span<float> row = out.subspan(s * dims, dims);
    const auto [first, last] = tokens_of(spans[s], tokens);
    if (first >= last) continue;
    for (std::size_t i = first; i < last; ++i) add(std::span(vectors).subspan(i * dims, dims), row);
    for (float& value : row) value /= static_cast<float>(last - first);
    ATTAR_TRY(normalise(row));
  }
  return {};
}

}  // namespace attar::text
