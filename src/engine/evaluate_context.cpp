// evaluate_context(): the share of evidence that is left, with its bound.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "attar/context.h"
#include "base/clock.h"
#include "base/progress.h"
#include "certify/bounds.h"
#include "data/input_file.h"
#include "data/line_reader.h"
#include "engine/input.h"

namespace attar {
namespace {

using Json = nlohmann::json;

constexpr std::uint64_t most_file_bytes = 1ull << 30;

struct Asked {
  std::string question;
  std::vector<std::string> evidence;
  std::vector<ContextInput> context;  // empty: the inputs that are given
};

// Read as "line 3 …".
std::unexpected<Error> wrong(std::string_view what) {
  return fail(
      ErrorCode::invalid_data,
      fmt::format("{}; a line is {{\"question\": …, \"evidence\": [\"…\"], \"context\": a text or a list of texts "
                  "or of {{\"title\", \"text\"}}}}",
                  what));
}

Result<ContextInput> read_text(const Json& value, std::size_t place) {
  ContextInput out{.name = fmt::format("{}", place + 1), .text = {}};
  if (value.is_string()) {
    out.text = value.get<std::string>();
    return out;
  }
  if (!value.is_object() || !value.contains("text") || !value["text"].is_string())
    return wrong("has a \"context\" with a text that is neither a string nor has \"text\"");
  out.text = value["text"].get<std::string>();
  if (value.contains("title") && value["title"].is_string()) {
    out.title = value["title"].get<std::string>();
    out.name = out.title;
  }
  return out;
}

Result<Asked> read_line(std::string_view bytes) {
  const Json value = Json::parse(bytes, nullptr, false);
  if (!value.is_object()) return wrong("is no JSON object");
  Asked out;
  const auto question = value.contains("question") ? value.find("question") : value.find("query");
  if (question == value.end() || !question->is_string()) return wrong("has no \"question\"");
  out.question = question->get<std::string>();
  if (!value.contains("evidence") || !value["evidence"].is_array() || value["evidence"].empty())
    return wrong("has no \"evidence\"");
  for (const Json& piece : value["evidence"]) {
    if (!piece.is_string() || piece.get_ref<const std::string&>().empty())
      return wrong("has a piece of \"evidence\" that is no string, or empty");
    out.evidence.push_back(piece.get<std::string>());
  }
  if (!value.contains("context")) return out;
  const Json& context = value["context"];
  if (!context.is_array()) {
    ATTAR_ASSIGN(auto input, read_text(context, 0));
    out.context.push_back(std::move(input));
    return out;
  }
  for (std::size_t i = 0; i < context.size(); ++i) {
    ATTAR_ASSIGN(auto input, read_text(context[i], i));
    out.context.push_back(std::move(input));
  }
  return out;
}

Result<std::vector<Asked>> read_questions(const std::filesystem::path& path) {
  ATTAR_ASSIGN(const data::InputFile file, data::InputFile::open(path));
  if (file.size() > most_file_bytes)
    return file.fail(ErrorCode::over_limit, "more than 1 GiB of questions; give fewer");
  data::LineReader lines(file, most_file_bytes);
  std::vector<Asked> out;
  for (;;) {
    ATTAR_ASSIGN(const std::optional<std::string_view> line, lines.next());
    if (!line) break;
    if (data::is_blank(*line)) continue;
    auto asked = read_line(*line);
    if (!asked) return lines.fail(asked.error().code, asked.error().message);
    out.push_back(*std::move(asked));
  }
  if (out.empty()) return file.fail(ErrorCode::invalid_data, "holds no questions");
  return out;
}

bool holds(std::string_view text, std::string_view piece) noexcept {
  return text.find(piece) != std::string_view::npos;
}

// The evidence of one question in what is left of its context.
Result<ContextQuestion> measure(const Asked& asked, std::span<const ContextInput> inputs, ContextOptions fit,
                                ContextEvaluation& all) {
  for (const std::string& piece : asked.evidence)
    if (std::ranges::none_of(inputs, [&](const ContextInput& input) { return holds(input.text, piece); }))
      return fail(ErrorCode::invalid_data, fmt::format("\"{}\": the evidence {} is not in the context",
                                                       asked.question.substr(0, 80), data::in_quotes(piece)));
  fit.query = asked.question;
  ATTAR_ASSIGN(const Context context, fit_context(inputs, fit));
  ContextQuestion out{.question = asked.question,
                      .tokens = context.tokens,
                      .budget = context.budget,
                      .input_tokens = context.input_tokens};
  const auto kept =
      std::ranges::count_if(asked.evidence, [&](const std::string& piece) { return holds(context.text, piece); });
  out.kept = static_cast<double>(kept) / static_cast<double>(asked.evidence.size());
  all.evidence += asked.evidence.size();
  all.evidence_kept += static_cast<std::uint64_t>(kept);
  all.tokens += out.tokens;
  all.input_tokens += out.input_tokens;
  return out;
}

std::string scope_of(const ContextEvaluation& all, const EvaluateContextOptions& options, double confidence) {
  return fmt::format(
      "Mean share of evidence that stands word for word in the compressed text, over {} questions in the order of the "
      "file, at {}; at confidence {} it is at least {:.4f} "
      "for questions and contexts drawn as these were. It does not promise an answer by a language model, nor any "
      "single question.",
      all.questions.size(),
      options.fit.tokens != 0 ? fmt::format("{} tokens", options.fit.tokens)
                              : fmt::format("{} of the tokens", options.fit.ratio),
      confidence, all.lower_bound);
}

}  // namespace

Result<ContextEvaluation> evaluate_context(std::span<const ContextInput> inputs,
                                           const EvaluateContextOptions& options) {
  if (!(options.confidence > 0.5 && options.confidence < 1))
    return fail(ErrorCode::invalid_argument,
                fmt::format("{} is no confidence; give one above 0.5 and below 1", options.confidence));
  Progress& progress = engine::or_silent(options.progress);
  ATTAR_ASSIGN(const auto questions, read_questions(options.questions));
  ContextEvaluation out;
  progress.stage("asking", questions.size());
  const auto start = base::Clock::now();
  std::vector<double> kept;
  for (const Asked& asked : questions) {
    ATTAR_TRY(base::check_cancelled(progress));
    const std::span<const ContextInput> own =
        asked.context.empty() ? inputs : std::span<const ContextInput>(asked.context);
    if (own.empty())
      return fail(ErrorCode::invalid_argument,
                  "a question has no \"context\", and no texts are given; give files before --eval");
    ATTAR_ASSIGN(ContextQuestion question, measure(asked, own, options.fit, out));
    kept.push_back(question.kept);
    out.all_kept += question.kept == 1 ? 1 : 0;
    out.questions.push_back(std::move(question));
    progress.advance(1);
  }
  out.seconds = base::seconds_since(start);
  for (const double share : kept) out.kept += share;
  out.kept /= static_cast<double>(kept.size());
  out.all_kept /= static_cast<double>(kept.size());
  out.lower_bound = certify::mean_lower_bound(kept, {}, 1 - options.confidence);
  out.scope = scope_of(out, options, options.confidence);
  return out;
}

}  // namespace attar
