#include "pack_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "attar/evaluate.h"
#include "json.h"
#include "output.h"

namespace attar::cli {

std::string candidates_text(const std::vector<Candidate>& candidates) {
  Table table({"", "codec", "settings", "bytes", "B/row", "code B/row", "recall", ""}, 3);
  for (const Candidate& candidate : candidates)
    table.add({candidate.chosen ? "*" : "", candidate.codec, printable(candidate.settings), grouped(candidate.bytes),
               fmt::format("{:.2f}", candidate.bytes_per_row), fmt::format("{:.2f}", candidate.code_bytes_per_row),
               fraction(candidate.recall), candidate.state == Candidate::State::measured ? "measured" : "estimated"});
  return table.text();
}

std::string explanation_text(const PackReport& report) {
  if (!report.explanation) return "Nothing to explain: no recall was measured.\n";
  const Explanation& found = *report.explanation;
  Table table({"on tune queries", "recall", "loses", "looked at"}, 1);
  table.add({"codes, every row scored whole", fraction(found.codec_recall), fraction(1 - found.codec_recall),
             fmt::format("{} rows", grouped(report.rows))});
  std::string seen = fmt::format("{:.0f} rows ({:.2f}%)", found.rows, 100 * found.row_share);
  if (found.lists > 0) seen += fmt::format(", {:.1f} of {} lists", found.lists_read, grouped(found.lists));
  if (found.links > 0) seen += fmt::format(", the links of {:.1f}, up to {} each", found.steps, found.links);
  const char* const index = found.lists > 0 ? "lists and second look" : found.links > 0 ? "graph" : "second look";
  table.add({index, fraction(found.plan_recall), fraction(found.codec_recall - found.plan_recall), seen});
  std::string out = table.text();
  out += fmt::format("{:.1f} µs of a thread to prepare a query, {:.1f} µs to search, all asked at once\n",
                     1e6 * found.prepare_seconds, 1e6 * found.search_seconds);
  if (found.latency_seconds > 0) out += fmt::format("{:.4f} ms a query, alone\n", 1e3 * found.latency_seconds);
  if (found.queries_per_second > 0)
    out += fmt::format("{:.0f} queries a second, in batches\n", found.queries_per_second);
  Table losses({"", "codec", "settings", "B/row", "codes lose", ""}, 3);
  for (const Candidate& candidate : report.candidates)
    losses.add({candidate.chosen ? "*" : "", candidate.codec, printable(candidate.settings),
                fmt::format("{:.2f}", candidate.bytes_per_row), fraction(1 - candidate.recall),
                candidate.state == Candidate::State::measured ? "measured" : "estimated"});
  return fmt::format("{}\n{}", out, losses.text());
}

std::string parts_text(const std::vector<Part>& parts, std::uint64_t bytes, std::uint64_t rows) {
  const auto share = [&](std::uint64_t size) {
    return fmt::format("{:.2f}%",
                       100 * static_cast<double>(size) / static_cast<double>(std::max<std::uint64_t>(bytes, 1)));
  };
  const auto per_row = [&](std::uint64_t size) {
    return fmt::format("{:.3f}", static_cast<double>(size) / static_cast<double>(rows));
  };
  Table table(rows == 0 ? std::vector<std::string>{"part", "bytes", "share"}
                        : std::vector<std::string>{"part", "bytes", "B/row", "share"});
  const auto add = [&](const std::string& name, std::uint64_t size) {
    if (rows == 0)
      table.add({name, grouped(size), share(size)});
    else
      table.add({name, grouped(size), per_row(size), share(size)});
  };
  for (const Part& part : parts) add(part.name, part.bytes);
  add("whole file", bytes);
  return table.text();
}

std::string notes_text(const std::vector<std::string>& notes) {
  std::string out;
  for (const std::string& note : notes) out += printable(note) + "\n";
  return out;
}

std::string certificates_text(const std::vector<Certificate>& certificates) {
  if (certificates.empty()) return "No certificate: nothing was measured on queries that the plan had not seen.\n";
  std::string out;
  for (const Certificate& certificate : certificates)
    out += fmt::format("{}\n{}\n", printable(describe(certificate)), printable(certificate.scope));
  return out;
}

Exit print_unreachable(const Session& session, const PlanOutcome& outcome) {
  const Error error{.code = ErrorCode::goal_unreachable, .message = outcome.unreachable};
  if (!session.json) return print_error(false, error, {});
  fmt::print(stderr, "attar: {}\n", printable(outcome.unreachable));
  Json json = error_json(error, {});
  json["error"]["nearest"] = {{"recall_in_budget", outcome.nearest.recall_in_budget},
                              {"bytes_for_floor", outcome.nearest.bytes_for_floor},
                              {"least_bytes", outcome.nearest.least_bytes},
                              {"recall_in_time", outcome.nearest.recall_in_time},
                              {"seconds_for_goal", outcome.nearest.seconds_for_goal}};
  json["candidates"] = candidates_json(outcome.report.candidates);
  return print_json(json) ? Exit::unreachable : Exit::failure;
}

Status check_streams(const std::vector<std::filesystem::path>& inputs) {
  if (std::ranges::count(inputs, std::filesystem::path("-")) < 2) return {};
  return fail(ErrorCode::invalid_argument, "only one input can be standard input (-); name a file for the others");
}

}  // namespace attar::cli
