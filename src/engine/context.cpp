// fit_context() and restore_context(): budgets, patterns and encoders around the compression of texts.
#include "attar/context.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <limits>

#include "base/threads.h"
#include "engine/encoders.h"
#include "math/vector_ops.h"
#include "text/context/alike.h"
#include "text/context/compress.h"
#include "text/context/mark.h"
#include "text/context/parse.h"
#include "text/tokenizer/tokenizer.h"

namespace attar {
namespace {

using text::context::Kind;

constexpr std::int64_t most_pattern_bytes = 1 << 20;  // of memory, that a pattern may take
constexpr std::size_t most_patterns = 1000;

std::optional<Kind> inner(std::optional<ContextKind> kind) noexcept {
  if (!kind) return std::nullopt;
  return static_cast<Kind>(*kind);
}
static_assert(static_cast<int>(ContextKind::table) == static_cast<int>(Kind::table) &&
              static_cast<int>(ContextKind::log) == static_cast<int>(Kind::log));

std::vector<text::context::Input> inner(std::span<const ContextInput> inputs) {
  std::vector<text::context::Input> out;
  for (const ContextInput& input : inputs)
    out.push_back({.name = input.name, .text = input.text, .title = input.title, .kind = inner(input.kind)});
  return out;
}

Status check(std::span<const ContextInput> inputs, const ContextOptions& options) {
  if (inputs.empty())
    return fail(ErrorCode::invalid_argument, "there is no text; give files, folders, or - for standard input");
  if (options.tokens == 0 && options.ratio == 0)
    return fail(ErrorCode::invalid_argument,
                "there is no budget; give one in tokens (--tokens 4000) or as a share (--ratio 0.3)");
  if (!(options.ratio >= 0 && options.ratio <= 1))
    return fail(ErrorCode::invalid_argument,
                fmt::format("{} is no share of the tokens; give one above 0, up to 1", options.ratio));
  if (!(options.min_relevance >= 0 && options.min_relevance < 1))
    return fail(ErrorCode::invalid_argument,
                fmt::format("{} is no least relevance; give one from 0 to 1", options.min_relevance));
  if (options.keep.size() > most_patterns)
    return fail(ErrorCode::invalid_argument,
                fmt::format("{} patterns to keep are more than {}", options.keep.size(), most_patterns));
  return {};
}

// Where the patterns match in each input.
Result<std::vector<std::vector<text::context::Bytes>>> demanded_by(std::span<const ContextInput> inputs,
                                                                   const std::vector<std::string>& patterns) {
  std::vector<std::vector<text::context::Bytes>> out(patterns.empty() ? 0 : inputs.size());
  RE2::Options settings(RE2::Quiet);
  settings.set_max_mem(most_pattern_bytes);
  for (const std::string& pattern : patterns) {
    const RE2 expression(pattern, settings);
    if (!expression.ok())
      return fail(
          ErrorCode::invalid_argument,
          fmt::format("'{}' is no regular expression: {} (syntax of RE2; a backslash before what stands for itself)",
                      pattern, expression.error()));
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const re2::StringPiece text(inputs[i].text);
      re2::StringPiece match;
      for (std::size_t at = 0;
           at <= text.size() && expression.Match(text, at, text.size(), RE2::UNANCHORED, &match, 1);) {
        const auto begin = static_cast<std::size_t>(match.data() - text.data());
        if (!match.empty()) out[i].push_back({begin, begin + match.size()});
        at = std::max(begin + match.size(), begin + 1);
      }
    }
  }
  return out;
}

// Cosines of a question and texts by an encoder that judges better than the table.
class Judge {
 public:
  Judge(std::shared_ptr<const text::Encoder> encoder, unsigned threads)
      : encoder_(std::move(encoder)), pool_(threads) {}

  Result<std::vector<float>> cosines(std::string_view question, std::span<const std::string> texts) {
    const std::size_t dims = encoder_->info().dims;
    std::vector<float> asked(dims), rows(texts.size() * dims);
    const std::vector<std::string_view> views(texts.begin(), texts.end());
    ATTAR_TRY(encoder_->encode(std::span(&question, 1), pool_, asked));
    ATTAR_TRY(encoder_->encode(views, pool_, rows));
    std::vector<float> out(texts.size());
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] = static_cast<float>(math::dot(asked, std::span(rows).subspan(i * dims, dims)));
    return out;
  }

 private:
  std::shared_ptr<const text::Encoder> encoder_;
  base::ThreadPool pool_;
};

Context outer(text::context::Compressed&& made) {
  Context out{.text = std::move(made.text),
              .outcome = static_cast<ContextOutcome>(made.way),
              .tokens = made.tokens,
              .input_tokens = made.input_tokens,
              .budget = made.budget};
  for (const auto& kept : made.kept)
    out.kept.push_back(
        {.input = kept.input, .begin = kept.span.begin, .end = kept.span.end, .relevance = kept.relevance});
  for (auto& cut : made.cuts)
    out.cuts.push_back({.input = cut.input,
                        .id = std::move(cut.id),
                        .unit = std::move(cut.unit),
                        .begin = cut.span.begin,
                        .end = cut.span.end,
                        .tokens = cut.tokens,
                        .alike = cut.group,
                        .repeated = cut.repeated,
                        .relevance = cut.relevance});
  for (const Kind kind : made.kinds) out.kinds.push_back(static_cast<ContextKind>(kind));
  out.left_out = std::move(made.left_out);
  return out;
}

}  // namespace

std::string_view context_kind_name(ContextKind kind) noexcept {
  return text::context::kind_name(static_cast<Kind>(kind));
}

Result<ContextKind> parse_context_kind(std::string_view name) {
  if (const auto kind = text::context::kind_of(name)) return static_cast<ContextKind>(*kind);
  return fail(
      ErrorCode::invalid_argument,
      fmt::format("\"{}\" is not valid here: give prose, markdown, code, diff, json, log, grep or table", name));
}

Result<Context> fit_context(std::span<const ContextInput> inputs, const ContextOptions& options) {
  ATTAR_TRY(check(inputs, options));
  ATTAR_ASSIGN(const auto tokenizer, text::open_tokenizer(options.tokenizer));
  ATTAR_ASSIGN(const text::StaticEncoder* table, text::embedded_encoder());
  text::context::Request request{.budget = options.tokens == 0 ? ~std::uint64_t{0} : options.tokens,
                                 .share = options.ratio,
                                 .question = options.query,
                                 .least_relevance = options.min_relevance};
  ATTAR_ASSIGN(request.demanded, demanded_by(inputs, options.keep));
  std::optional<Judge> judge;
  if (!options.encoder.empty() && !options.query.empty()) {
    ATTAR_ASSIGN(auto encoder, engine::open_encoder(options.encoder));
    judge.emplace(std::move(encoder), options.threads);
    request.cosines = [&](std::string_view question, std::span<const std::string> texts) {
      return judge->cosines(question, texts);
    };
  }
  const auto texts = inner(inputs);
  const text::context::Compressor compressor(*table, *tokenizer);
  ATTAR_ASSIGN(auto made, compressor.compress(texts, request));
  Context out = outer(std::move(made));
  out.tokenizer = tokenizer->name();
  out.estimated = tokenizer->estimated();
  return out;
}

Result<std::string> restore_context(std::span<const ContextInput> inputs, std::string_view id) {
  for (const ContextInput& input : inputs) {
    if (input.text.size() >= std::numeric_limits<std::uint32_t>::max()) continue;
    text::context::Document document = text::context::parse(input.text, {inner(input.kind), input.name});
    text::context::find_alike(document);
    if (const auto cut = text::context::find_cut(document, id)) return text::context::bytes_of(document, *cut);
  }
  return fail(ErrorCode::invalid_argument,
              fmt::format("'{}' marks no cut of {}; give the file, unchanged, that the mark was made from (and --as, "
                          "where it was given)",
                          id.substr(0, 40),
                          inputs.size() == 1 ? inputs[0].name : fmt::format("these {} texts", inputs.size())));
}

}  // namespace attar
