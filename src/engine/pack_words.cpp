#include "engine/pack_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace attar::engine {
namespace {

std::string in_units(double seconds) {
  if (seconds >= 1) return fmt::format("{:.3g} s", seconds);
  if (seconds >= 1e-3) return fmt::format("{:.3g} ms", seconds * 1e3);
  return fmt::format("{:.3g} µs", seconds * 1e6);
}

std::string rate(double queries_per_second) {
  return queries_per_second < 100 ? fmt::format("{:.3g}", queries_per_second)
                                  : fmt::format("{:.0f}", queries_per_second);
}

// "0.5 ms a query", "2000 queries a second in batches", or both.
std::string in_words(const plan::Pace& pace) {
  std::string out;
  if (pace.alone > 0) out = fmt::format("{} a query", in_units(pace.alone));
  if (pace.together > 0)
    out += fmt::format("{}{} queries a second in batches", out.empty() ? "" : ", ", rate(1 / pace.together));
  return out;
}

}  // namespace

std::string PackWords::time() const { return in_words(setting_.goal.time); }

std::string PackWords::goal(const plan::Decision& decision) const {
  return budget_and_floor(decision) + (timed() ? fmt::format(", kept within {} on one thread here", time()) : "");
}

std::string PackWords::budget_and_floor(const plan::Decision& decision) const {
  const plan::Goal& goal = setting_.goal;
  const std::string budget =
      options_.budget ? fmt::format("{} ({} bytes)", options_.budget->text(), goal.budget_bytes.value_or(0)) : "";
  const std::string floor =
      options_.floor ? fmt::format("recall@{} ≥ {}", options_.floor->k, options_.floor->recall) : "";
  if (options_.budget && options_.floor)
    return fmt::format("{} within {}, the {} plan", floor, budget, timed() ? "smallest" : "fastest");
  if (options_.budget) return fmt::format("the best recall@{} within {}", goal.k, budget);
  if (options_.floor) return fmt::format("{}, the smallest plan", floor);
  return fmt::format(
      "the smallest plan within 0.01 of the recall@{} at 8 bits{}, on tune queries (no budget and no floor were "
      "named)",
      goal.k, decision.relative_floor ? fmt::format(", so at least {:.4f}", *decision.relative_floor) : "");
}

std::string PackWords::why(const plan::Decision& decision) const {
  std::string out = fmt::format("{}; {}", why_index(decision), why_size(decision));
  if (decision.account) out += fmt::format("; {}", why_look(decision));
  return out;
}

std::string PackWords::why_index(const plan::Decision& decision) const {
  const bool lists = decision.trial->partition() != nullptr;
  const bool asked = setting_.goal.index != plan::IndexChoice::automatic;
  if (decision.trial->graph() != nullptr)
    return asked ? "a graph, as asked for"
                 : "a graph, since the fastest plan is wanted and the budget has room for links beside fine codes";
  if (asked) return lists ? "lists, as asked for" : "flat, as asked for";
  return lists ? fmt::format("lists, since {} rows are no fewer than the {} from which a flat scan is slower",
                             setting_.schema.rows, plan::least_rows_for_lists(setting_.goal))
               : fmt::format("flat, since {} rows are fewer than the {} from which lists are laid out",
                             setting_.schema.rows, plan::least_rows_for_lists(setting_.goal));
}

std::string PackWords::why_size(const plan::Decision& decision) const {
  if (!decision.account) return "the codes of least estimated error, since too few queries are at hand to measure with";
  if (options_.budget && options_.floor && !timed()) {
    if (decision.trial->graph() != nullptr)
      return "the finest codes that fit, since the recall they spare pays for a narrower walk";
    return decision.trial->partition() != nullptr
               ? "the finest codes that fit, since the recall they spare pays for fewer lists"
               : "the quickest codes to scan that reach the floor inside the budget";
  }
  if (options_.budget && !options_.floor)
    return timed() ? "the codes of the best recall within the time among those that fit"
                   : "the finest codes that fit, since the budget is the only goal";
  const std::string_view floor =
      options_.floor ? "the floor with a margin for fresh queries" : "the recall at 8 bits less 0.01";
  return fmt::format("the smallest codes found that reach {}{} on tune queries", floor,
                     timed() ? " within the time" : "");
}

std::string PackWords::why_look(const plan::Decision& decision) const {
  const plan::Account& account = *decision.account;
  const double lost = std::max(0.0, account.codec_recall - account.plan_recall);
  std::string out;
  const index::Look& look = decision.look;
  if (look.head == 0 && look.probe == 0 && look.beam == 0) {
    out = "every row is scored whole";
  } else {
    std::string_view how = look.probe != 0 ? "probing stops" : "a first look at part of each row stops";
    if (look.beam != 0) how = "the walk stops";
    out = fmt::format("{} where tune queries lose {}", how, lost > 0 ? fmt::format("{:.4f}", lost) : "nothing");
  }
  if (decision.look.rescored != 0)
    out += fmt::format(", and the best {} rows are ranked by the originals", decision.look.rescored);
  return timed() ? fmt::format("{} and take {}", out, in_words(account.pace)) : out;
}

std::string PackWords::unreachable(const plan::Nearest& nearest) const {
  const plan::Goal& goal = setting_.goal;
  const auto rows = static_cast<double>(setting_.schema.rows);
  const std::string fixed = fixed_.empty() ? "" : fmt::format(" ({})", fixed_);
  if (options_.budget && nearest.least_bytes > goal.budget_bytes.value_or(0))
    return fmt::format(
        "nothing fits {} ({} bytes): the smallest file of these {} rows{} takes {} bytes{}; name at least {}B",
        options_.budget->text(), *goal.budget_bytes, setting_.schema.rows,
        options_.codec.empty() ? "" : " as " + options_.codec, nearest.least_bytes, fixed, nearest.least_bytes);
  std::string out = fmt::format("no plan was shown to reach {}", goal_in_short());
  if (nearest.time_for_goal.any()) {
    out += fmt::format("; the quickest found that keeps the rest takes {}", in_words(nearest.time_for_goal));
    out += nearest.recall_in_time > 0
               ? fmt::format("; within the time the nearest is recall@{} {:.4f}", goal.k, nearest.recall_in_time)
               : "; nothing was found within the time";
    return out;
  }
  if (options_.budget && nearest.recall_in_budget > 0)
    out += fmt::format("; within {} the nearest is recall@{} {:.4f}", options_.budget->text(), goal.k,
                       nearest.recall_in_budget);
  if (nearest.bytes_for_floor > 0)
    out += fmt::format("; for recall@{} ≥ {} the nearest is {} bytes ({:.1f}B/vec)", goal.k, goal.floor.value_or(0),
                       nearest.bytes_for_floor, static_cast<double>(nearest.bytes_for_floor) / rows);
  else if (options_.floor)
    out += "; no size was found that reaches it";
  return out;
}

std::string PackWords::goal_in_short() const {
  std::string out = options_.floor ? options_.floor->text() : "";
  if (options_.budget) out += fmt::format("{}{}", out.empty() ? "" : " within ", options_.budget->text());
  if (out.empty()) out = timed() ? "the recall at 8 bits less 0.01" : "the goal";
  return timed() ? fmt::format("{} in {}", out, time()) : out;
}

}  // namespace attar::engine
