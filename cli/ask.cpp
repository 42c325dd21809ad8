#include "ask.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "json.h"
#include "options.h"
#include "output.h"

namespace attar::cli {
namespace {

// What marks words: bold on a terminal, asterisks elsewhere.
struct Marker {
  std::string_view begin, end;
};
Marker marker() { return ::isatty(STDOUT_FILENO) != 0 ? Marker{"\x1b[1m", "\x1b[0m"} : Marker{"*", "*"}; }

// Blanks and line ends as one blank; the marks around their words.
std::string marked(const Answer& answer) {
  const Marker mark = marker();
  std::string out;
  std::size_t at = 0;
  const auto plain = [&](std::size_t end) {
    std::string text = answer.snippet.substr(at, end - at);
    std::ranges::replace_if(
        text, [](char c) { return c == '\n' || c == '\t' || c == '\r'; }, ' ');
    std::string squeezed;
    for (const char c : text)
      if (c != ' ' || squeezed.empty() || squeezed.back() != ' ') squeezed += c;
    out += printable(squeezed);
    at = end;
  };
  for (const auto& [begin, end] : answer.marks) {
    plain(begin);
    out += mark.begin;
    plain(end);
    out += mark.end;
  }
  plain(answer.snippet.size());
  return out;
}

// "docs/keys.md:12", "products.jsonl:3", or the id.
std::string place_of(const Answer& answer) {
  const std::uint64_t line = answer.record != 0 ? answer.record : answer.line;
  return line == 0 ? answer.path : fmt::format("{}:{}", answer.path, line);
}

std::string text_of(const Answer& answer, std::size_t rank) {
  std::string head = fmt::format("{:>3}. {:.3f}  {}", rank, answer.score, printable(place_of(answer)));
  if (!answer.title.empty() && answer.title != answer.path) head += fmt::format("  {}", printable(answer.title));
  if (!answer.id.empty() && answer.id != answer.title) head += fmt::format("  [{}]", printable(answer.id));
  if (answer.more != 0) head += fmt::format("  (+{})", answer.more);
  if (answer.folded != 0) head += fmt::format("  (and {} nearly the same)", answer.folded);
  std::string out = head + "\n";
  if (!answer.heading.empty()) out += fmt::format("     {}\n", printable(answer.heading));
  if (!answer.snippet.empty()) out += fmt::format("     {}\n", marked(answer));
  return out;
}

Json json_of(const Answer& answer) {
  Json marks = Json::array();
  for (const auto& [begin, end] : answer.marks) marks.push_back({begin, end});
  const auto optional = [](const std::optional<float>& value) { return value ? Json(*value) : Json(nullptr); };
  return {{"row", answer.row},
          {"document", answer.document},
          {"score", answer.score},
          {"semantic", optional(answer.semantic)},
          {"lexical", optional(answer.lexical)},
          {"reading", optional(answer.reading)},
          {"relevance", optional(answer.relevance)},
          {"path", answer.path},
          {"title", answer.title},
          {"heading", answer.heading},
          {"id", answer.id},
          {"line", answer.line == 0 ? Json(nullptr) : Json(answer.line)},
          {"record", answer.record == 0 ? Json(nullptr) : Json(answer.record)},
          {"snippet", answer.snippet},
          {"marks", std::move(marks)},
          {"more", answer.more},
          {"folded", answer.folded}};
}

std::string times_text(const AskTimes& times) {
  const auto milliseconds = [](double seconds) { return fmt::format("{:.3f}", seconds * 1e3); };
  Table table({"where the time went", "ms"});
  table.add({"encoding the questions", milliseconds(times.encode)});
  table.add({"searching by meaning", milliseconds(times.semantic)});
  table.add({"searching by words", milliseconds(times.lexical)});
  table.add({"fusing", milliseconds(times.fuse)});
  table.add({"reading the best texts", milliseconds(times.read)});
  table.add({"snippets", milliseconds(times.show)});
  return "\n" + table.text();
}

Json times_json(const AskTimes& times) {
  return {{"explain",
           {{"seconds",
             {{"encode", times.encode},
              {"semantic", times.semantic},
              {"lexical", times.lexical},
              {"fuse", times.fuse},
              {"read", times.read},
              {"show", times.show}}}}}};
}

Status check(const AskArguments& arguments) {
  if (arguments.lexical + arguments.semantic + arguments.hybrid > 1)
    return fail(ErrorCode::invalid_argument, "--lexical, --semantic and --hybrid exclude each other; name one of them");
  return {};
}

}  // namespace

void add_mode_options(Command& command, AskArguments& arguments) {
  command.add_flag("--hybrid", arguments.hybrid, "Documents: by meaning and by words together (default)");
  command.add_flag("--semantic", arguments.semantic, "Documents: by meaning alone");
  command.add_flag("--lexical", arguments.lexical, "Documents: by words alone");
  command.add_flag("--diverse", arguments.options.diverse,
                   "Documents: answers that say different things first, and no near-duplicates");
  command.add_flag("--fold", arguments.options.fold, "Documents: near-duplicates of a better answer are only counted");
  add_value(
      command, "--min-relevance", arguments.options.min_relevance,
      [](std::string_view text) -> Result<float> {
        if (text == "auto") return automatic_relevance;
        ATTAR_ASSIGN(const double value, parse_finite(text));
        if (value < 0 || value > 1)
          return fail(ErrorCode::invalid_argument, fmt::format("'{}' is no probability from 0 to 1, nor auto", text));
        return static_cast<float>(value);
      },
      "Documents: only answers that are relevant with this probability (auto: a cut that suits most)", "P|auto");
  command.add_text("--expand", arguments.options.expand,
                   "Documents: a command that reads a question and prints an imagined answer, searched for beside it",
                   "CMD");
  command.add_flag("--ranks", arguments.ranks, "Documents: fuse the ranks of both legs, not their scores");
  add_value(
      command, "--meaning", arguments.options.meaning,
      [](std::string_view text) -> Result<std::optional<float>> {
        ATTAR_ASSIGN(const double value, parse_finite(text));
        return std::optional(static_cast<float>(value));
      },
      "Documents: the share of meaning beside words, 0 to 1 (default: by the encoder; eval --tune finds it)", "W");
  add_whole(command, "--read", arguments.options.read, 0, 1024,
            "Documents: so many of the best texts are read beside the question (default 36; 0: none)");
  command.add_text("--encoder", arguments.encoder, "Documents: the folder of the encoder they were packed with", "DIR");
}

void add_ask_options(Command& command, AskArguments& arguments) {
  command.add_texts("question", arguments.questions, "Documents: what to look for, in words", "TEXT");
  add_mode_options(command, arguments);
  command.add_flag("--rows", arguments.rows, "Documents: every piece that is found, not the best of each document");
}

Result<AskOptions> options_of(const AskArguments& arguments) {
  ATTAR_TRY(check(arguments));
  AskOptions out = arguments.options;
  out.mode = arguments.lexical ? SearchMode::lexical : arguments.semantic ? SearchMode::semantic : SearchMode::hybrid;
  out.each_row = arguments.rows;
  out.fusion = arguments.ranks ? FusionRule::ranks : FusionRule::scores;
  return out;
}

Result<std::uint64_t> ask(const Session& session, const Artifact& artifact, AskArguments& arguments, bool explain) {
  ATTAR_ASSIGN(const AskOptions options, options_of(arguments));
  ATTAR_ASSIGN(const TextSearch search, TextSearch::open(artifact, arguments.encoder));
  ATTAR_ASSIGN(const Answers answers, search.ask(arguments.questions, options));
  std::uint64_t found = 0;
  for (std::size_t q = 0; q < answers.of.size(); ++q) {
    found += answers.of[q].size();
    if (session.json) {
      Json hits = Json::array();
      for (const Answer& answer : answers.of[q]) hits.push_back(json_of(answer));
      Json line = {{"query", arguments.questions[q]}, {"hits", std::move(hits)}};
      if (explain) line["milliseconds"] = answers.seconds[q] * 1e3;
      ATTAR_TRY(print_json(line));
      continue;
    }
    std::string out = answers.of.size() > 1 ? fmt::format("{}\n", printable(arguments.questions[q])) : "";
    for (std::size_t i = 0; i < answers.of[q].size(); ++i) out += text_of(answers.of[q][i], i + 1);
    ATTAR_TRY(print(out));
  }
  if (explain) ATTAR_TRY(session.json ? print_json(times_json(answers.times)) : print(times_text(answers.times)));
  return found;
}

}  // namespace attar::cli
