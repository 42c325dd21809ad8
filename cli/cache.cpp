// attar cache get, put, stats, rm and replay.
#include "attar/cache.h"

#include <fmt/format.h>

#include <charconv>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>

#include "attar/budget.h"
#include "json.h"
#include "options.h"
#include "output.h"
#include "progress_bar.h"
#include "session.h"

namespace attar::cli {
namespace {

constexpr std::uint64_t longest_text = 64 << 20;

struct GetArguments {
  std::filesystem::path cache;
  std::string prompt;
  CacheOptions options;
};

struct PutArguments {
  std::filesystem::path cache;
  std::string prompt, answer;
  CacheOptions options;
  std::optional<std::uint64_t> after;
  bool same = false, other = false;
};

struct StatsArguments {
  std::filesystem::path cache;
  CacheOptions options;
};

struct RemoveArguments {
  std::filesystem::path cache;
  std::vector<std::string> entries;
  CacheOptions options;
};

struct ReplayArguments {
  std::filesystem::path log;
  ReplayOptions options;
};

/// "2%" or 0.02.
Result<double> parse_error(std::string_view text) {
  const bool percent = text.ends_with('%');
  const auto value = parse_between(percent ? text.substr(0, text.size() - 1) : text, 0, percent ? 100 : 1);
  if (!value) return fail(ErrorCode::invalid_argument, fmt::format("'{}': give a share, as in 2% or 0.02", text));
  return percent ? *value / 100 : *value;
}

Result<std::uint64_t> parse_ceiling(std::string_view text) {
  const auto size = parse_budget(text);
  if (!size || size->unit != Budget::Unit::bytes || size->value > 0x1p50)
    return fail(ErrorCode::invalid_argument, fmt::format("'{}': give a size, as in 500MB or 2GiB", text));
  return static_cast<std::uint64_t>(size->value);
}

Result<std::string> read_text(std::istream& in, const std::string& name) {
  std::string out;
  std::array<char, 1 << 16> piece;
  while (in.read(piece.data(), piece.size()) || in.gcount() > 0) {
    out.append(piece.data(), static_cast<std::size_t>(in.gcount()));
    if (out.size() > longest_text)
      return fail(ErrorCode::over_limit, fmt::format("{} is longer than 64 MiB", printable(name)));
  }
  if (in.bad()) return fail(ErrorCode::io, fmt::format("cannot read {}", printable(name)));
  return out;
}

/// A text in place, or of standard input (-), or of a file (@FILE) where that is offered.
Result<std::string> text_of(const std::string& given, bool files) {
  if (given == "-") return read_text(std::cin, "standard input");
  if (!files || !given.starts_with('@')) return given;
  std::ifstream file(given.substr(1), std::ios::binary);
  if (!file) return fail(ErrorCode::io, fmt::format("--answer: cannot open {}", printable(given.substr(1))));
  return read_text(file, given.substr(1));
}

Json reasons_json(const std::array<std::uint64_t, cache_reasons>& by) {
  Json out = Json::object();
  for (std::size_t i = 0; i < cache_reasons; ++i) out[cache_reason_name(static_cast<CacheReason>(i))] = by[i];
  return out;
}

Json stats_json(const CacheStats& stats) {
  return {{"entries", stats.entries},
          {"answers", stats.answers},
          {"bytes", stats.bytes},
          {"max_bytes", stats.max_bytes},
          {"max_entries", stats.max_entries},
          {"prompts", stats.prompts},
          {"hits", stats.hits()},
          {"by", reasons_json(stats.by)},
          {"error", stats.error},
          {"wrong_estimate", stats.wrong_estimate},
          {"encoder", stats.encoder}};
}

std::string share_of(double part, std::uint64_t whole) {
  return whole == 0 ? "-" : fmt::format("{:.2f}%", 100 * part / static_cast<double>(whole));
}

std::string counted(std::uint64_t part, std::uint64_t whole) {
  return fmt::format("{} ({})", grouped(part), share_of(static_cast<double>(part), whole));
}

std::string reason_text(const CacheFound& found) {
  std::string out(cache_reason_name(found.reason));
  if (!found.gate.empty()) out += ": " + found.gate;
  if (found.entry != 0)
    out += fmt::format(" (entry {}, similarity {:.3f}: {})", found.entry, found.similarity, printable(found.prompt));
  return out;
}

Result<Exit> run_get(const Session& session, GetArguments& arguments) {
  ATTAR_ASSIGN(const std::string prompt, text_of(arguments.prompt, false));
  ATTAR_ASSIGN(SemanticCache cache, SemanticCache::open(arguments.cache, arguments.options));
  ATTAR_ASSIGN(const CacheFound found, cache.get(prompt));
  const Exit exit = found.hit ? Exit::done : Exit::nothing_found;
  if (session.json) {
    ATTAR_TRY(print_json({{"hit", found.hit},
                          {"answer", found.hit ? Json(found.answer) : Json(nullptr)},
                          {"why", cache_reason_name(found.reason)},
                          {"gate", found.gate.empty() ? Json(nullptr) : Json(found.gate)},
                          {"id", found.entry == 0 ? Json(nullptr) : Json(found.entry)},
                          {"prompt", found.entry == 0 ? Json(nullptr) : Json(found.prompt)},
                          {"similarity", found.similarity},
                          {"probability", found.probability}}));
    return exit;
  }
  note(session, fmt::format("{}, {}", found.hit ? "hit" : "miss", reason_text(found)));
  if (found.hit) ATTAR_TRY(print(found.answer + (found.answer.ends_with('\n') ? "" : "\n")));
  return exit;
}

Result<Exit> run_put(const Session& session, PutArguments& arguments) {
  if (arguments.prompt == "-" && arguments.answer == "-")
    return fail(ErrorCode::invalid_argument, "standard input holds the prompt or the answer, not both");
  ATTAR_ASSIGN(const std::string prompt, text_of(arguments.prompt, false));
  ATTAR_ASSIGN(const std::string answer, text_of(arguments.answer, true));
  ATTAR_ASSIGN(SemanticCache cache, SemanticCache::open(arguments.cache, arguments.options));
  const CacheOutcome outcome = arguments.same    ? CacheOutcome::same
                               : arguments.other ? CacheOutcome::other
                                                 : CacheOutcome::by_bytes;
  ATTAR_ASSIGN(const std::uint64_t entry, cache.put(prompt, answer, {.outcome = outcome, .after = arguments.after}));
  if (session.json) {
    ATTAR_TRY(print_json({{"id", entry}, {"entries", cache.stats().entries}, {"bytes", cache.stats().bytes}}));
  } else {
    note(session, fmt::format("entry {}, {} in all", entry, grouped(cache.stats().entries)));
  }
  return Exit::done;
}

Result<Exit> run_stats(const Session& session, StatsArguments& arguments) {
  ATTAR_ASSIGN(const SemanticCache cache, SemanticCache::open(arguments.cache, arguments.options));
  const CacheStats stats = cache.stats();
  if (session.json) {
    ATTAR_TRY(print_json(stats_json(stats)));
    return Exit::done;
  }
  Facts facts;
  facts.add("entries", fmt::format("{} of at most {}, {} answers", grouped(stats.entries), grouped(stats.max_entries),
                                   grouped(stats.answers)));
  facts.add("bytes", fmt::format("{} of at most {}", grouped(stats.bytes), grouped(stats.max_bytes)));
  facts.add("encoder", printable(stats.encoder));
  facts.add("prompts", grouped(stats.prompts));
  facts.add("hits", counted(stats.hits(), stats.prompts));
  for (std::size_t i = 0; i < cache_reasons; ++i)
    facts.add("  " + std::string(cache_reason_name(static_cast<CacheReason>(i))), counted(stats.by[i], stats.prompts));
  facts.add("wrong answers",
            fmt::format("about {:.0f} ({} of the prompts, by those explored); at most {:.3g}% expected",
                        stats.wrong_estimate, share_of(stats.wrong_estimate, stats.prompts), 100 * stats.error));
  ATTAR_TRY(print(facts.text()));
  return Exit::done;
}

Result<Exit> run_remove(const Session& session, RemoveArguments& arguments) {
  std::vector<std::uint64_t> entries;
  for (const std::string& text : arguments.entries) {
    ATTAR_ASSIGN(const std::uint64_t entry, parse_whole(text, 1, ~std::uint64_t{0}));
    entries.push_back(entry);
  }
  ATTAR_ASSIGN(SemanticCache cache, SemanticCache::open(arguments.cache, arguments.options));
  for (const std::uint64_t entry : entries) ATTAR_TRY(cache.remove(entry));
  if (session.json) {
    ATTAR_TRY(print_json({{"removed", entries.size()}, {"entries", cache.stats().entries}}));
  } else {
    note(session, fmt::format("{} removed, {} left", entries.size(), grouped(cache.stats().entries)));
  }
  return Exit::done;
}

Json replay_json(const ReplayReport& report) {
  const std::uint64_t hits = report.by[0] + report.by[1];
  return {{"prompts", report.prompts},
          {"hits", hits},
          {"by", reasons_json(report.by)},
          {"wrong", report.wrong},
          {"wrong_exact", report.wrong_exact},
          {"error", report.stats.error},
          {"candidate_right", report.candidate_right},
          {"answer_known", report.answer_known},
          {"answer_bytes_saved", report.answer_bytes_saved},
          {"seconds", {{"encode", report.encode_seconds}, {"lookup", report.lookup_seconds}}},
          {"cache", stats_json(report.stats)}};
}

std::string replay_text(const ReplayReport& report) {
  const std::uint64_t hits = report.by[0] + report.by[1];
  Facts facts;
  facts.add("prompts", grouped(report.prompts));
  facts.add("hits", counted(hits, report.prompts));
  for (std::size_t i = 0; i < cache_reasons; ++i)
    facts.add("  " + std::string(cache_reason_name(static_cast<CacheReason>(i))),
              counted(report.by[i], report.prompts));
  facts.add("wrong", fmt::format("{} of the prompts, {} of the hits; at most {:.3g}% of the prompts expected",
                                 counted(report.wrong, report.prompts),
                                 share_of(static_cast<double>(report.wrong), hits), 100 * report.stats.error));
  facts.add("candidate right", counted(report.candidate_right, report.prompts) + ": what a perfect judge had served");
  facts.add("answer known", counted(report.answer_known, report.prompts));
  facts.add("saved", fmt::format("{} bytes of answers", grouped(report.answer_bytes_saved)));
  facts.add("a lookup", fmt::format("{:.3f} ms (median, encoding apart)", 1e3 * report.lookup_seconds));
  return facts.text();
}

Result<Exit> run_replay(const Session& session, ReplayArguments& arguments) {
  ReplayReport report;
  {
    ProgressBar bar(session);
    arguments.options.progress = &bar;
    ATTAR_ASSIGN(report, replay_cache(arguments.log, arguments.options));
  }
  if (session.json) {
    ATTAR_TRY(print_json(replay_json(report)));
  } else {
    ATTAR_TRY(print(replay_text(report)));
  }
  return Exit::done;
}

void add_cache_options(Command& command, CacheOptions& options, bool settings) {
  command.add_text("--encoder", options.encoder, "A folder with a BERT model, or cmd:COMMAND; without it Attar's own",
                   "DIR");
  if (!settings) return;
  add_value(command, "--error", options.error, parse_error,
            "Most wrong answers expected, as a share of all prompts (a new cache: 2%)", "SHARE");
  command.add_flag(
      "--no-gates", [&options] { options.gates = false; },
      "Serve also where negation, numbers, units or names differ: for answers that are labels");
  add_value(command, "--budget", options.max_bytes, parse_ceiling, "Ceiling on the file (a new cache: 1GiB)", "SIZE");
  add_whole(command, "--max-entries", options.max_entries, 1, 1u << 31,
            "Ceiling on the entries (a new cache: 1,000,000)");
  add_whole(command, "--seed", options.seed, 0, ~std::uint64_t{0}, "Of a new cache's coins (default 1)");
}

void add_prompt(Command& command, std::filesystem::path& cache, std::string& prompt) {
  add_path(command, "cache", cache, "A folder; made where there is none", "CACHE").required();
  command.add_text("prompt", prompt, "The prompt; - for standard input", "PROMPT").required();
}

void add_cache_get(CLI::App& app, Session& session) {
  const auto arguments = std::make_shared<GetArguments>();
  Command command = add_command(app, session, "get", "The answer kept for a prompt; status 1 where there is none",
                                {"attar cache get answers.cache \"How do I reset my PIN?\"",
                                 "attar cache get answers.cache - --error 1% --json < prompt.txt"});
  add_prompt(command, arguments->cache, arguments->prompt);
  add_cache_options(command, arguments->options, true);
  run_with(command, session, arguments, run_get);
}

void add_put(CLI::App& app, Session& session) {
  const auto arguments = std::make_shared<PutArguments>();
  Command command =
      add_command(app, session, "put", "Keep the true answer of a prompt, and learn from it after a miss",
                  {"attar cache put answers.cache \"How do I reset my PIN?\" --answer @answer.txt",
                   "attar cache put answers.cache \"PIN forgotten, what now?\" --answer - --after 12 --same"});
  add_prompt(command, arguments->cache, arguments->prompt);
  command.add_text("--answer", arguments->answer, "The answer; - for standard input, @FILE for a file's text", "TEXT")
      .required();
  add_whole(command, "--after", arguments->after, 1, ~std::uint64_t{0}, "The entry that `get` considered (its id)");
  const Option same = command.add_flag("--same", arguments->same, "That entry's answer is right, in other words");
  command.add_flag("--other", arguments->other, "That entry's answer is wrong").excludes(same);
  add_cache_options(command, arguments->options, true);
  run_with(command, session, arguments, run_put);
}

void add_stats(CLI::App& app, Session& session) {
  const auto arguments = std::make_shared<StatsArguments>();
  arguments->options.create = false;
  Command command = add_command(app, session, "stats", "What a cache holds, its hits, and its errors as estimated",
                                {"attar cache stats answers.cache"});
  add_path(command, "cache", arguments->cache, "The folder", "CACHE").required();
  add_cache_options(command, arguments->options, false);
  run_with(command, session, arguments, run_stats);
}

void add_remove(CLI::App& app, Session& session) {
  const auto arguments = std::make_shared<RemoveArguments>();
  arguments->options.create = false;
  Command command = add_command(app, session, "rm", "Drop entries",
                                {"attar cache rm answers.cache 12", "attar cache rm answers.cache 3 4 5"});
  add_path(command, "cache", arguments->cache, "The folder", "CACHE").required();
  command.add_texts("entries", arguments->entries, "Their numbers, as `get` and `put` give them", "ID").required();
  add_cache_options(command, arguments->options, false);
  run_with(command, session, arguments, run_remove);
}

void add_replay(CLI::App& app, Session& session) {
  const auto arguments = std::make_shared<ReplayArguments>();
  Command command = add_command(app, session, "replay", "Play a log of prompts and answers: what a cache had saved",
                                {"attar cache replay log.jsonl --error 1%",
                                 "attar cache replay log.csv --prompt text --answer category --into answers.cache"});
  add_path(command, "log", arguments->log, "Prompts and true answers: .jsonl, .csv or .tsv; -", "LOG").required();
  add_path(command, "--into", arguments->options.into, "Keep what is learned in this cache", "CACHE");
  command.add_text("--prompt", arguments->options.prompt_field,
                   "The field of prompts; without it prompt, question, query or text", "NAME");
  command.add_text("--answer", arguments->options.answer_field,
                   "The field of answers; without it answer, response, completion or category", "NAME");
  add_threads(command, arguments->options.threads);
  add_cache_options(command, arguments->options.cache, true);
  arguments->options.cache.sync = false;
  run_with(command, session, arguments, run_replay);
}

}  // namespace

void add_cache(CLI::App& app, Session& session) {
  const Command group = add_group(app, "cache", "A semantic cache: answers again for prompts that mean the same");
  add_cache_get(group.app(), session);
  add_put(group.app(), session);
  add_stats(group.app(), session);
  add_remove(group.app(), session);
  add_replay(group.app(), session);
}

}  // namespace attar::cli
