#include "attar/context.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <nlohmann/json.hpp>

#include "json.h"
#include "options.h"
#include "output.h"
#include "progress_bar.h"
#include "session.h"

namespace attar::cli {
namespace {

struct ContextArguments {
  std::vector<std::string> inputs;
  std::string restore;
  ReadContextOptions reading;
  std::filesystem::path eval;
  bool explain = false;
  double confidence = 0.95;
  ContextOptions options;
};

std::string_view name_of(ContextOutcome outcome) noexcept {
  constexpr std::array<std::string_view, 3> names = {"whole", "folded", "cut"};
  return names[static_cast<std::size_t>(outcome)];
}

// Numbers of lines, counted on from the place asked for before: cuts come in the order of the text.
class Lines {
 public:
  explicit Lines(const std::vector<ContextInput>& inputs) noexcept : inputs_(inputs) {}

  std::uint64_t number_at(const ContextCut& cut) noexcept {
    if (cut.input != input_ || cut.begin < counted_) input_ = cut.input, counted_ = 0, line_ = 1;
    const std::string_view passed = std::string_view(inputs_[input_].text).substr(counted_, cut.begin - counted_);
    line_ += static_cast<std::uint64_t>(std::ranges::count(passed, '\n'));
    counted_ = cut.begin;
    return line_;
  }

 private:
  const std::vector<ContextInput>& inputs_;
  std::size_t input_ = 0;
  std::uint64_t counted_ = 0, line_ = 1;
};

// Why a cut was made.
std::string reason_of(const ContextCut& cut, bool asked) {
  if (cut.repeated) return "stands earlier in the text";
  if (cut.alike) return "like a line that is shown";
  return asked ? fmt::format("relevance at most {:.2f}", cut.relevance) : "says less a token than what is kept";
}

Json json_of(const Context& context, const std::vector<ContextInput>& inputs, bool asked) {
  Json kept = Json::array(), cuts = Json::array(), names = Json::array(), left_out = Json::array();
  for (std::size_t i = 0; i < inputs.size(); ++i)
    names.push_back(
        {{"name", inputs[i].name}, {"bytes", inputs[i].text.size()}, {"kind", context_kind_name(context.kinds[i])}});
  for (const ContextSpan& span : context.kept)
    kept.push_back({{"input", span.input},
                    {"begin", span.begin},
                    {"end", span.end},
                    {"relevance", asked ? Json(span.relevance) : Json(nullptr)}});
  for (const ContextCut& cut : context.cuts)
    cuts.push_back({{"input", cut.input},
                    {"id", cut.id},
                    {"unit", cut.unit},
                    {"begin", cut.begin},
                    {"end", cut.end},
                    {"tokens", cut.tokens},
                    {"alike", cut.alike},
                    {"repeated", cut.repeated},
                    {"relevance", asked ? Json(cut.relevance) : Json(nullptr)},
                    {"why", reason_of(cut, asked)}});
  for (const std::uint32_t input : context.left_out) left_out.push_back(inputs[input].name);
  return {{"text", context.text},           {"outcome", name_of(context.outcome)},
          {"tokens", context.tokens},       {"input_tokens", context.input_tokens},
          {"budget", context.budget},       {"tokenizer", context.tokenizer},
          {"estimated", context.estimated}, {"inputs", std::move(names)},
          {"kept", std::move(kept)},        {"cuts", std::move(cuts)},
          {"left_out", std::move(left_out)}};
}

std::string explanation(const Context& context, const std::vector<ContextInput>& inputs, bool asked) {
  constexpr std::array<std::string_view, 3> outcomes = {
      "it fits as it is", "what stood twice stands once, and nothing else is cut", "the rest is cut and marked"};
  std::string out =
      fmt::format("{} of {} tokens ({}{}), budget {}: {}\n", grouped(context.tokens), grouped(context.input_tokens),
                  printable(context.tokenizer), context.estimated ? ", an estimate" : "", grouped(context.budget),
                  outcomes[static_cast<std::size_t>(context.outcome)]);
  Table table({"id", "cut", "tokens", "where", "why"}, 5);
  Lines lines(inputs);
  for (const ContextCut& cut : context.cuts)
    table.add({cut.id, cut.unit, grouped(cut.tokens),
               fmt::format("{}:{}", printable(inputs[cut.input].name), lines.number_at(cut)), reason_of(cut, asked)});
  if (!context.cuts.empty()) out += table.text();
  constexpr std::size_t most_named = 10;
  for (std::size_t i = 0; i < std::min(context.left_out.size(), most_named); ++i)
    out += fmt::format("nothing is shown of {}\n", printable(inputs[context.left_out[i]].name));
  if (context.left_out.size() > most_named)
    out += fmt::format("nor of {} other files (--json names all)\n", grouped(context.left_out.size() - most_named));
  out.pop_back();
  return out;
}

Result<Exit> fit(const Session& session, const ContextArguments& arguments, const std::vector<ContextInput>& inputs) {
  ATTAR_ASSIGN(const Context context, fit_context(inputs, arguments.options));
  const bool asked = !arguments.options.query.empty();
  if (session.json) {
    ATTAR_TRY(print_json(json_of(context, inputs, asked)));
    return Exit::done;
  }
  if (arguments.explain) note(session, explanation(context, inputs, asked));
  ATTAR_TRY(print(context.text));
  return Exit::done;
}

Result<Exit> restore(const Session& session, const ContextArguments& arguments,
                     const std::vector<ContextInput>& inputs) {
  std::string id = arguments.restore;
  std::erase_if(id, [](char c) { return c == '[' || c == ']' || c == ' '; });
  ATTAR_ASSIGN(const std::string bytes, restore_context(inputs, id));
  if (session.json)
    ATTAR_TRY(print_json({{"id", id}, {"text", bytes}}));
  else
    ATTAR_TRY(print(bytes));
  return Exit::done;
}

Json json_of(const ContextEvaluation& evaluation) {
  Json questions = Json::array();
  for (const ContextQuestion& question : evaluation.questions)
    questions.push_back({{"question", question.question},
                         {"kept", question.kept},
                         {"tokens", question.tokens},
                         {"budget", question.budget},
                         {"input_tokens", question.input_tokens}});
  return {{"kept", evaluation.kept},
          {"lower_bound", evaluation.lower_bound},
          {"all_kept", evaluation.all_kept},
          {"evidence", evaluation.evidence},
          {"evidence_kept", evaluation.evidence_kept},
          {"tokens", evaluation.tokens},
          {"input_tokens", evaluation.input_tokens},
          {"seconds", evaluation.seconds},
          {"scope", evaluation.scope},
          {"questions", std::move(questions)}};
}

Result<Exit> evaluate(const Session& session, const ContextArguments& arguments,
                      const std::vector<ContextInput>& inputs) {
  EvaluateContextOptions options{
      .questions = arguments.eval, .fit = arguments.options, .confidence = arguments.confidence};
  ContextEvaluation evaluation;
  {
    ProgressBar bar(session);
    options.progress = &bar;
    ATTAR_ASSIGN(evaluation, evaluate_context(inputs, options));
  }
  if (session.json) {
    ATTAR_TRY(print_json(json_of(evaluation)));
    return Exit::done;
  }
  Facts facts;
  facts.add("evidence kept",
            fmt::format("{} of it ({} of {} pieces); at least {} at confidence {}", fraction(evaluation.kept),
                        grouped(evaluation.evidence_kept), grouped(evaluation.evidence),
                        fraction(evaluation.lower_bound), arguments.confidence));
  facts.add("all of it kept",
            fmt::format("{} of {} questions", fraction(evaluation.all_kept), grouped(evaluation.questions.size())));
  facts.add("tokens", fmt::format("{} of {}", grouped(evaluation.tokens), grouped(evaluation.input_tokens)));
  facts.add("scope", evaluation.scope);
  ATTAR_TRY(print(facts.text()));
  return Exit::done;
}

Result<Exit> run_context(const Session& session, ContextArguments& arguments) {
  ATTAR_ASSIGN(const auto inputs, read_context({arguments.inputs.begin(), arguments.inputs.end()}, arguments.reading));
  if (!arguments.restore.empty()) return restore(session, arguments, inputs);
  if (!arguments.eval.empty()) return evaluate(session, arguments, inputs);
  return fit(session, arguments, inputs);
}

}  // namespace

void add_context(CLI::App& app, Session& session) {
  const auto arguments = std::make_shared<ContextArguments>();
  Command command = add_command(
      app, session, "context",
      "Texts to a budget of tokens, for a language model's window; what is cut is marked, and can be had again",
      {"attar context report.md notes/ --tokens 4000 --query \"why did the deploy fail\"",
       "journalctl | attar context - --tokens 2000", "attar context app.log --ratio 0.3 --keep 'ERR-\\d+' --explain",
       "attar context --restore 3f2a app.log"});
  ContextOptions& options = arguments->options;
  command.add_texts("inputs", arguments->inputs,
                    "Files, folders, - for standard input; with --eval none where the questions have contexts", "FILE");
  add_whole(command, "--tokens", options.tokens, 1, ~std::uint64_t{0} >> 1U,
            "The budget: the text has at most so many tokens");
  add_value(
      command, "--ratio", options.ratio, [](std::string_view text) { return parse_between(text, 0, 1); },
      "The budget as a share of the tokens, such as 0.3", "SHARE");
  command.add_text("--query", options.query,
                   "What will be asked: what answers it is kept. Without it: what covers the text", "TEXT");
  command.add_each("--keep", options.keep,
                   "A regular expression (RE2); all that matches is kept, whatever the budget leaves for the rest",
                   "PATTERN");
  command.add_text("--tokenizer", options.tokenizer,
                   "What tokens are: characters/4 (an estimate, the default), wordpiece, or a tokenizer's file",
                   "NAME");
  add_value(command, "--as", arguments->reading.kind, parse_context_kind,
            "Read all as prose, markdown, code, diff, json, log, grep or table; without it found by name and content",
            "KIND");
  command.add_text("--encoder", options.encoder,
                   "A folder with a BERT model that judges relevance beside Attar's own table", "DIR");
  add_value(
      command, "--min-relevance", options.min_relevance,
      [](std::string_view text) -> Result<float> {
        ATTAR_ASSIGN(const double value, parse_between(text, 0, 1));
        return static_cast<float>(value);
      },
      "With --query: only what is relevant with at least this probability, though more would fit", "P");
  command.add_flag("--explain", arguments->explain, "Tell on standard error what was cut, where, and why");
  command.add_text("--restore", arguments->restore,
                   "Print what a mark stands for, byte for byte, from the file that was cut", "ID");
  add_path(command, "--eval", arguments->eval,
           "Measure the evidence that is left: JSON lines with \"question\", \"evidence\" and, where no files are "
           "given, \"context\"");
  add_confidence(command, arguments->confidence);
  add_threads(command, options.threads);
  run_with(command, session, arguments, run_context);
}

}  // namespace attar::cli
