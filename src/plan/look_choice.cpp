#include "plan/look_choice.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "math/statistics.h"

namespace attar::plan {
namespace {

// Recall that stopping early may cost on tune queries where no floor says how much, also as a share of what a search
// of all lists misses; and the share of all that may be lost that a second look gets.
constexpr double probe_loss = 0.002;
constexpr double probe_loss_share = 0.1;
constexpr double look_share = 0.2;
// What a list is expected to hold of what is sought, in billionths (Look::probe): all lists are as quick at the least;
// values closer than this factor count as found.
constexpr std::uint32_t least_probe = 2'000;
constexpr double probe_resolution = 1.05;
// Recall that a walk over a graph may cost on tune queries where no floor says how much, also as a share of what a scan
// of all rows misses.
constexpr double walk_loss = 0.002;
constexpr double walk_loss_share = 0.1;
// Rows kept on a walk, the fewest first; and Look::stretch, of which values closer than the factor count as found.
constexpr std::array<std::uint32_t, 9> beams = {32, 48, 64, 96, 128, 192, 256, 512, 1024};
constexpr double shortest_stretch = 50, longest_stretch = 5'000;
constexpr double stretch_resolution = 1.04;
// Work of leaving a row, and of scoring one whole, in rows whose first parts are scored: as measured on 255,000 rows of
// 384 dimensions with AVX2.
constexpr double walked_step_cost = 8;
constexpr double finished_row_cost = 6;
// Below this, one look is quick enough.
constexpr std::uint64_t least_rows_for_looks = 20'000;
// Recall that two looks may cost on tune queries, also as a share of what a full scan misses; and the share of its work
// at which they are not worth it.
constexpr double look_loss = 0.001;
constexpr double look_loss_share = 0.05;
constexpr double most_look_cost = 0.8;
// Estimated error, over that of one layer, at which a second is not worth it: 0.8 dB, at most a tenth more missed
// neighbours (on Debian-MiniLM at 198 bytes none could be shown).
constexpr double most_layer_distortion = 1.2;
// A first look at less than this share of a row finds nothing.
constexpr double least_head_cost = 0.1;
// Work of looking again at one row, in rows scanned: its bytes are not where the processor expects them.
constexpr double shortlisted_row_cost = 60;
// Rows looked at again, over those that suffice on tune queries: a few queries in a thousand need far more than most,
// and unseen ones of a set of sentences lost up to nine of ten neighbours. Twice that where passing on tune queries
// says little, as the loss allowed is less than three of their neighbours.
constexpr std::uint32_t shortlist_reserve = 2;
constexpr double least_told_apart = 3;
// Recall that the window of a second look may cost on tune queries, also as a share of what is missed with all of the
// shortlist; windows closer than the factor count as found, and unseen queries get some reserve.
constexpr double window_loss = 0.0002;
constexpr double window_loss_share = 0.01;
constexpr double widest_window = 1000;
constexpr double window_resolution = 1.1;
constexpr double window_reserve = 1.25;
// Of the time that a goal allows, what is kept for slower moments; and the factor between neighbouring shares of lists
// where the clock looks for the largest that keeps the time.
constexpr double time_reserve = 0.05;
constexpr double timed_probe_step = 1.15;
constexpr double timed_stretch_step = 1.1;
// Rows of a first look's shortlist, the fewest first.
constexpr std::array<std::uint32_t, 8> shortlists = {48, 64, 96, 128, 192, 256, 512, 1024};
// Rows that originals are asked about, for each row asked for, the fewest first; and some more for unseen queries.
constexpr std::array rescored_shares = {1.0, 1.5, 2.0, 3.0, 4.0, 6.0};
constexpr double rescored_reserve = 1.25;
// Multiples of the margin over the floor that the looks of a sequence keep, the safest first. Of three plans with the
// margin itself some one fails on fresh queries.
constexpr std::array margins = {3.0, 1.9, 1.4, 1.0, 0.7, 0.45, 0.25, 0.1};

// Every row scored whole, in one look.
index::Look whole_rows(const Measured& plan) { return {.rescored = plan.look.rescored}; }

// Codes of two layers: the first, and the longest shortlist, which finds what whole rows find for less work.
index::Look longest_look(const Measured& plan) {
  return {.head = 1, .shortlist = shortlists.back(), .rescored = plan.look.rescored};
}

// Three standard errors: `known` was chosen as the best on these very queries, and is flattered by that.
bool not_shown_worse(const std::vector<double>& other, const std::vector<double>& known) {
  const math::Interval lost = math::paired_difference(known, other);
  return lost.mean <= look_loss + 3 * lost.standard_error;
}

}  // namespace

Status LookChoice::choose(Measured& plan, double least) {
  if (rows_.partition) return choose_probe(plan, least);
  if (rows_.graph) return choose_walk(plan, least);
  if (setting_.schema.rows < least_rows_for_looks) return {};
  const double cost = most_look_cost * full_scan(plan);
  ATTAR_ASSIGN(auto layered, best_layered(plan));
  if (layered) ATTAR_TRY(cheapest_look(*layered, least, cost, 1));
  if (layered && (layered->look.head != 0 || layered->contender.rank > plan.contender.rank))
    plan = *std::move(layered);
  else
    ATTAR_TRY(cheapest_look(plan, least, cost, 1));
  ATTAR_TRY(narrow_window(plan));
  return spare_originals(plan);
}

// How far lists are probed, and in how many looks: the least work that stays above `least`, or where nothing but
// quality is asked for costs next to no recall.
Status LookChoice::choose_probe(Measured& plan, double least) {
  ATTAR_ASSIGN(auto layered, best_layered(plan));
  if (layered) plan = *layered;
  const double recall = plan.contender.recall;
  const double loss = std::min(probe_loss, probe_loss_share * (1 - recall));
  const double needed = least > 0 && least < recall ? least : recall - loss;
  index::Look look = layered ? longest_look(plan) : whole_rows(plan);
  ATTAR_ASSIGN(const Probed probed, shorten_probe(plan, look, needed + (recall - needed) * look_share));
  Measured found = plan;
  found.contender.recall = probed.recall;
  found.look = whole_rows(plan);
  found.look.probe = look.probe;
  ATTAR_TRY(cheapest_look(found, needed, most_look_cost * full_scan(plan) * probed.share, probed.share));
  ATTAR_TRY(narrow_window(found));
  ATTAR_TRY(spare_originals(found));
  look = found.look;
  ATTAR_TRY(shorten_probe(plan, look, needed));
  plan.look = look;
  return {};
}

// The fewest lists that keep `needed` on tune queries: the largest Look::probe from `known` on, which keeps it for
// sure, and below `first_doubtful`. Where none is known (0) and none found, all are probed.
Result<LookChoice::Probed> LookChoice::shorten_probe(const Measured& plan, index::Look& look, double needed,
                                                     std::uint32_t known, std::uint32_t first_doubtful) const {
  double low = std::max(known, least_probe), high = first_doubtful;
  Probed out{.recall = plan.contender.recall, .share = 1};
  look.probe = known;
  while (high > low * probe_resolution) {
    const double middle = std::sqrt(low * high);
    index::Look tried = look;
    tried.probe = static_cast<std::uint32_t>(middle);
    index::SearchTimes times;
    ATTAR_ASSIGN(const auto tune, jury_.grade(*plan.trial, tried, *setting_.pool, &times));
    const bool enough = mean_of(tune) >= needed;
    (enough ? low : high) = middle;
    if (!enough) continue;
    look = tried;
    out = {.recall = mean_of(tune), .share = times.share};
  }
  return out;
}

// The plan's codec laid out for two looks in a file no larger, where tune queries do not show it to be worse.
Result<std::optional<Measured>> LookChoice::best_layered(const Measured& plan) {
  ATTAR_ASSIGN(const auto contenders, field_.layered(*plan.contender.codec, plan.contender.file_bytes));
  std::optional<Measured> best;
  for (const Contender& contender : contenders) {
    if (!layout_.empty() && contender.option.variant != layout_) continue;
    if (contender.option.distortion > most_layer_distortion * plan.contender.option.distortion) continue;
    const bool same = contender.option.params == plan.contender.option.params;
    ATTAR_ASSIGN(auto measured, same ? Result<Measured>(plan) : measure_(contender));
    if (!best || measured.contender.rank > best->contender.rank) best = std::move(measured);
  }
  if (best) layout_ = best->contender.option.variant;
  if (best && !not_shown_worse(best->deep, plan.deep)) best.reset();
  return best;
}

// Two looks that keep the plan's recall and cost less than `cost`, if there are such; `share` of the rows are looked
// at.
Status LookChoice::cheapest_look(Measured& plan, double least, double cost, double share) const {
  const double recall = plan.contender.recall;
  const double loss = std::min(look_loss, look_loss_share * (1 - recall));
  const double needed = std::max(recall - loss, std::min(least, recall));
  const double neighbours = static_cast<double>(plan.tune.size()) * setting_.goal.k;
  const std::uint32_t reserve = shortlist_reserve * (loss * neighbours < least_told_apart ? 2 : 1);
  const std::vector<double> parts = plan.trial->view().scorable()->part_costs();
  const double row = plan.contender.option.scan_cost, all = share * full_scan(plan);
  double head_cost = 0;
  for (std::uint32_t head = 1; head < parts.size(); ++head) {
    head_cost += parts[head - 1] * all;
    if (head_cost < least_head_cost * all) continue;
    for (const std::uint32_t shortlist : shortlists) {
      const double total = head_cost + shortlisted_row_cost * shortlist * row;
      if (total >= cost) break;
      index::Look look = plan.look;
      look.head = head;
      look.shortlist = shortlist;
      look.window = 0;
      ATTAR_ASSIGN(const auto tune, jury_.grade(*plan.trial, look, *setting_.pool));
      if (mean_of(tune) < needed) continue;
      cost = total;
      plan.look = look;
      plan.look.shortlist = reserve * shortlist;
      break;
    }
  }
  return {};
}

// The narrowest window of a second look that loses next to nothing of what its whole shortlist finds.
Status LookChoice::narrow_window(Measured& plan) const {
  if (plan.look.head == 0) return {};
  ATTAR_ASSIGN(const auto whole, jury_.grade(*plan.trial, plan.look, *setting_.pool));
  const double needed = mean_of(whole) - std::min(window_loss, window_loss_share * (1 - mean_of(whole)));
  double low = 1, high = widest_window;
  while (high > low * window_resolution) {
    index::Look tried = plan.look;
    tried.window = static_cast<std::uint32_t>(std::lround(std::sqrt(low * high)));
    ATTAR_ASSIGN(const auto tune, jury_.grade(*plan.trial, tried, *setting_.pool));
    (mean_of(tune) >= needed ? high : low) = static_cast<double>(tried.window);
  }
  if (high < widest_window) plan.look.window = static_cast<std::uint32_t>(std::lround(high * window_reserve));
  return {};
}

// The fewest rows to ask the originals about that lose next to nothing of what the most find.
Status LookChoice::spare_originals(Measured& plan) const {
  if (plan.look.rescored == 0) return {};
  ATTAR_ASSIGN(const auto most, jury_.grade(*plan.trial, plan.look, *setting_.pool));
  const double needed = mean_of(most) - std::min(window_loss, window_loss_share * (1 - mean_of(most)));
  for (const double share : rescored_shares) {
    index::Look tried = plan.look;
    tried.rescored = static_cast<std::uint32_t>(std::ceil(share * setting_.goal.k));
    ATTAR_ASSIGN(const auto tune, jury_.grade(*plan.trial, tried, *setting_.pool));
    if (mean_of(tune) < needed) continue;
    tried.rescored =
        std::min(static_cast<std::uint32_t>(std::ceil(rescored_reserve * tried.rescored)), plan.look.rescored);
    plan.look = tried;
    break;
  }
  return {};
}

// The cheapest walk that stays above `least`, or where nothing but quality is asked for costs next to no recall; where
// no walk does, every row is scored.
Status LookChoice::choose_walk(Measured& plan, double least) {
  const double recall = plan.contender.recall;
  const double loss = std::min(walk_loss, walk_loss_share * (1 - recall));
  const double needed = least > 0 && least < recall ? least : recall - loss;
  ATTAR_ASSIGN(const Walk walk, cheapest_walk(plan, needed));
  plan.look = walk.look;
  return spare_originals(plan);
}

// Of each width of beam the shortest stretch that keeps `needed` on tune queries, and of these walks the one of least
// work; a scan of all rows where none keeps it.
Result<LookChoice::Walk> LookChoice::cheapest_walk(const Measured& plan, double needed) const {
  const std::uint32_t kept = std::max(setting_.goal.k, plan.look.rescored);
  Walk best{.look = whole_rows(plan), .work = full_scan(plan)};
  for (const std::uint32_t beam : beams) {
    ATTAR_ASSIGN(const std::optional<Walk> found, shortest_walk(plan, std::max(beam, kept), needed));
    if (!found) continue;
    // Wider ones only ever score more rows whole.
    if (best.look.beam != 0 && found->work >= best.work) break;
    best = *found;
  }
  return best;
}

Result<std::optional<LookChoice::Walk>> LookChoice::shortest_walk(const Measured& plan, std::uint32_t beam,
                                                                  double needed) const {
  std::optional<Walk> out;
  double low = shortest_stretch, high = longest_stretch;
  for (bool widest = true; widest || high > low * stretch_resolution; widest = false) {
    const double middle = widest ? high : std::sqrt(low * high);
    index::Look tried = whole_rows(plan);
    tried.beam = beam;
    tried.stretch = static_cast<std::uint32_t>(middle);
    index::SearchTimes times;
    ATTAR_ASSIGN(const auto tune, jury_.grade(*plan.trial, tried, *setting_.pool, &times));
    const bool enough = mean_of(tune) >= needed;
    if (widest && !enough) break;
    (enough ? high : low) = middle;
    if (enough) out = Walk{.look = tried, .work = work_of(times, beam)};
  }
  return out;
}

// In rows whose first parts are scored.
double LookChoice::work_of(const index::SearchTimes& times, std::uint32_t beam) const {
  return times.share * static_cast<double>(setting_.schema.rows) + walked_step_cost * times.steps +
         finished_row_cost * beam;
}

// Ever cheaper walks, from one that loses next to nothing on.
Result<std::vector<index::Look>> LookChoice::sequence_of_walks(Measured& plan, double floor,
                                                               const MarginOf& margin_of) {
  ATTAR_TRY(choose_walk(plan, 0));
  std::vector<index::Look> out = {plan.look};
  // Answers of short walks differ far more from query to query than those of a scan: the margin is that of a walk which
  // is about to fail.
  double margin = margin_of(plan.tune);
  ATTAR_ASSIGN(const Walk near_floor, cheapest_walk(plan, std::min(floor + margin, plan.contender.recall)));
  ATTAR_ASSIGN(const auto answers, jury_.grade(*plan.trial, near_floor.look, *setting_.pool));
  margin = std::max(margin, margin_of(answers));
  double work = std::numeric_limits<double>::infinity();
  for (const double share : margins) {
    if (floor + share * margin >= plan.contender.recall) continue;
    ATTAR_ASSIGN(const Walk walk, cheapest_walk(plan, floor + share * margin));
    if (walk.look.beam == 0 || walk.work >= work || walk.look == out.back()) continue;
    work = walk.work;
    out.push_back(walk.look);
  }
  plan.look = out.back();
  return out;
}

Result<std::vector<index::Look>> LookChoice::sequence(Measured& plan, double floor, const MarginOf& margin_of) {
  if (rows_.graph) return sequence_of_walks(plan, floor, margin_of);
  const double margin = margin_of(plan.tune);
  ATTAR_TRY(choose(plan, 0));
  std::vector<index::Look> out = {plan.look};
  ATTAR_TRY(choose(plan, floor + margin));
  if (plan.look.probe == 0) {
    if (plan.look != out.back()) out.push_back(plan.look);
    return out;
  }
  std::uint32_t known = 0;  // a probe that keeps more
  double work = 1;          // of the last look
  for (const double share : margins) {
    if (floor + share * margin >= plan.contender.recall) continue;
    index::Look look = plan.look;
    Probed found{.recall = plan.contender.recall, .share = 1};
    if (share == 1) {
      index::SearchTimes times;
      ATTAR_TRY(jury_.grade(*plan.trial, look, *setting_.pool, &times));
      found.share = times.share;
    } else {
      const std::uint32_t doubtful = share > 1 ? plan.look.probe : most_probe;
      ATTAR_ASSIGN(found, shorten_probe(plan, look, floor + share * margin, known, doubtful));
    }
    known = look.probe;
    if (look == out.back() || found.share >= work) continue;
    work = found.share;
    out.push_back(look);
  }
  return out;
}

bool LookChoice::keeps_time(const Pace& pace) const { return pace.over(setting_.goal.time) <= 1 - time_reserve; }

Result<double> LookChoice::recall_in(const Measured& plan, index::Look look) const {
  ATTAR_ASSIGN(const auto tune, jury_.grade(*plan.trial, look, *setting_.pool));
  return mean_of(tune);
}

Result<Timing> LookChoice::choose_in_time(Measured& plan, double least) {
  ATTAR_TRY(choose(plan, least));
  setting_.progress->stage("timing", 0);
  Timing out;
  ATTAR_ASSIGN(out.unhurried, stopwatch_.time(*plan.trial, plan.look));
  out.pace = out.quickest = out.unhurried;
  out.at_ease = out.kept = keeps_time(out.unhurried);
  if (out.at_ease) {
    ATTAR_ASSIGN(out.recall, recall_in(plan, plan.look));
  } else {
    ATTAR_ASSIGN(const Timed found, hurry(plan));
    plan.look = found.look;
    out.recall = found.recall;
    out.pace = found.pace;
    out.kept = keeps_time(found.pace);
    if (!out.kept) out.quickest = found.pace;
  }
  plan.in_time = out.recall;
  plan.pace = out.pace;
  return out;
}

Result<Account> LookChoice::account(const Measured& plan) const {
  Account out;
  out.codec_recall = plan.contender.recall;
  index::SearchTimes times;
  ATTAR_ASSIGN(const auto tune, jury_.grade(*plan.trial, plan.look, *setting_.pool, &times));
  out.plan_recall = mean_of(tune);
  out.rows = times.share * static_cast<double>(setting_.schema.rows);
  out.lists = times.lists;
  out.steps = times.steps;
  const auto asked = static_cast<double>(jury_.queries().count(setting_.schema.dims));
  out.prepare = times.prepare / asked;
  out.search = times.scan / asked;
  out.pace = plan.pace;
  return out;
}

// The look of highest recall that keeps the time, or the quickest: each way to search is bisected for the first of its
// looks, the most thorough first, that keeps it.
Result<LookChoice::Timed> LookChoice::hurry(const Measured& plan) {
  const Pace& goal = setting_.goal.time;
  std::optional<Timed> best, quickest;
  for (const std::vector<index::Look>& looks : ways(plan)) {
    std::size_t slow = 0, end = looks.size();  // looks[i] for i < slow are too slow, looks[end] keeps the time
    std::optional<Timed> kept;
    while (slow < end) {
      // The quickest first: where it is too slow nothing else need be tried.
      const std::size_t middle = kept ? slow + (end - slow) / 2 : looks.size() - 1;
      Timed tried{.look = looks[middle], .pace = {}};
      ATTAR_ASSIGN(tried.pace, stopwatch_.time(*plan.trial, tried.look));
      if (!quickest || tried.pace.over(goal) < quickest->pace.over(goal)) quickest = tried;
      if (keeps_time(tried.pace)) {
        kept = tried;
        end = middle;
      } else {
        slow = middle + 1;
      }
    }
    if (!kept) continue;
    ATTAR_ASSIGN(kept->recall, recall_in(plan, kept->look));
    if (!best || kept->recall > best->recall) best = kept;
  }
  if (best) return *best;
  ATTAR_ASSIGN(quickest->recall, recall_in(plan, quickest->look));
  return *quickest;
}

// Ways to search that the clock may choose among, each from the most thorough look to the quickest: with lists fewer
// and fewer of them in the plan's own look and in one look, without lists ever shorter shortlists after each head.
std::vector<std::vector<index::Look>> LookChoice::ways(const Measured& plan) const {
  std::vector<std::vector<index::Look>> out;
  if (rows_.partition) {
    std::vector<index::Look> bases = {plan.look};
    if (plan.look.head != 0) {
      bases.push_back(whole_rows(plan));
      bases.back().probe = plan.look.probe;
    }
    for (index::Look look : bases) {
      std::vector<index::Look>& way = out.emplace_back();
      double probe = std::max(look.probe, least_probe);
      for (; probe < most_probe; probe *= timed_probe_step) {
        look.probe = static_cast<std::uint32_t>(probe);
        way.push_back(look);
      }
      look.probe = most_probe;
      way.push_back(look);
    }
    return out;
  }
  if (rows_.graph) {
    std::vector<index::Look>& way = out.emplace_back();
    index::Look look = plan.look;
    if (look.beam == 0) look.beam = beams.back();
    for (double stretch = look.stretch == 0 ? longest_stretch : look.stretch; stretch > shortest_stretch;
         stretch /= timed_stretch_step) {
      look.stretch = static_cast<std::uint32_t>(stretch);
      way.push_back(look);
    }
    return out;
  }
  out.push_back({plan.look});
  const auto parts = static_cast<std::uint32_t>(plan.trial->view().scorable()->part_costs().size());
  for (std::uint32_t head = 1; head < parts; ++head) {
    std::vector<index::Look>& way = out.emplace_back();
    for (auto shortlist = shortlists.rbegin(); shortlist != shortlists.rend(); ++shortlist)
      way.push_back({.head = head,
                     .shortlist = *shortlist,
                     .window = head == plan.look.head ? plan.look.window : 0,
                     .rescored = plan.look.rescored});
  }
  return out;
}

}  // namespace attar::plan
