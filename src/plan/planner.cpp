#include "plan/planner.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <utility>

#include "certify/bounds.h"
#include "plan/contenders.h"
#include "plan/field.h"
#include "plan/index_layout.h"
#include "plan/look_choice.h"
#include "plan/preview.h"
#include "plan/sizes.h"

namespace attar::plan {
namespace {

constexpr std::uint64_t training_rows = 50'000;
constexpr std::size_t finalists = 2;
// A finalist's recall on the sample may lie this far below the best.
constexpr double preview_slack = 0.03;
// "Within 0.01 of the recall at 8 bits": the goal when none is named.
constexpr double default_loss = 0.01;
constexpr int most_probes = 7;
constexpr std::size_t most_other_kinds = 2;
// Values in a base on which every kind is searched.
constexpr std::uint64_t small_base_values = 1'000'000;
// Of what the best plan finds above a floor, the share that a quicker one may lack, and the share of its work that
// makes it worth that.
constexpr double spare_share = 0.05;
constexpr double worth_quicker = 0.8;
// Sizes closer than this share count as found where a fast plan is wanted and not the smallest.
constexpr double speed_resolution = 0.04;
// Where a plan is too slow: sizes tried beyond it and how much larger each is, and sizes tried between the largest that
// was too slow and the first that was not; within a budget alone, how much smaller each is.
constexpr int most_larger = 5;
constexpr double larger_step = 1.25;
constexpr int most_between = 2;
constexpr int most_smaller = 5;
constexpr double smaller_step = 0.75;

class Chooser {
 public:
  explicit Chooser(const Setting& setting) : setting_(setting), goal_(setting.goal) {}

  Result<Decision> run() {
    ATTAR_TRY(prepare());
    if (!tune_jury_) return unmeasured();
    if (!goal_.floor && goal_.budget_bytes) return best_within_budget();
    if (goal_.floor) return reach_floor({.floor = *goal_.floor, .certified = true});
    return near_eight_bits();
  }

 private:
  // --- what every goal needs -------------------------------------------------------------------------------------

  Status prepare() {
    setting_.progress->stage("splitting queries", 0);
    ATTAR_ASSIGN(split_, certify::split_queries(setting_.queries.values, setting_.schema.dims,
                                                {.seed = setting_.seed, .with_train = false}, *setting_.pool));
    setting_.progress->stage("training", 0);
    std::vector<std::uint32_t> numbers;
    ATTAR_ASSIGN(auto sample,
                 sample_rows(*setting_.base, rows_in_memory(setting_, training_rows), setting_.seed, numbers));
    rows_ = {.base = setting_.base, .metric = setting_.schema.metric, .originals = setting_.originals};
    if (goal_.index == IndexChoice::graph) {
      ATTAR_ASSIGN(rows_.graph, link_rows(setting_));
    }
    if (wants_lists()) {
      ATTAR_ASSIGN(rows_.partition, cut_into_lists(setting_));
      ATTAR_ASSIGN(sample, residuals_of(*sample, rows_.metric, rows_.partition->lists().centroids(), *setting_.pool,
                                        *setting_.progress));
    }
    ATTAR_ASSIGN(auto field, Field::train(setting_, rows_, *sample));
    field_.emplace(std::move(field));
    sizes_.emplace(setting_, *field_, split_.certify.size());
    decision_.queries_given = split_.given;
    if (split_.tune.empty() || split_.certify.empty()) return {};
    setting_.progress->stage("exact neighbours", 0);
    ATTAR_ASSIGN(auto tune, make_jury(split_.tune, true));
    tune_jury_.emplace(std::move(tune));
    looks_.emplace(setting_, rows_, *field_, *tune_jury_,
                   [this](const Contender& contender) { return measure(contender); });
    decision_.tune_units = split_.tune.size();
    decision_.certify_units = split_.certify.size();
    return {};
  }

  bool wants_lists() const {
    if (goal_.index != IndexChoice::automatic) return goal_.index == IndexChoice::ivf;
    return setting_.schema.rows >= least_rows_for_lists(goal_);
  }

  // Lists or a graph.
  bool indexed() const { return rows_.partition != nullptr || rows_.graph != nullptr; }

  Result<Jury> make_jury(std::span<const certify::Unit> units, bool deep) const {
    return Jury::create(*setting_.base, setting_.schema.metric, setting_.queries, units, goal_.k, deep,
                        setting_.memory_bytes / 4, *setting_.pool, *setting_.progress);
  }

  Result<Measured> measure(const Contender& contender) {
    setting_.progress->stage("trying candidates", setting_.schema.rows);
    ATTAR_ASSIGN(std::shared_ptr<const Trial> trial, field_->attempt(contender, rows_));
    ATTAR_ASSIGN(auto grades, tune_jury_->grade_deeply(*trial, *setting_.pool));
    Measured out{.contender = contender,
                 .trial = std::move(trial),
                 .tune = std::move(grades.recall),
                 .deep = std::move(grades.deep)};
    if (setting_.originals != nullptr) out.look.rescored = index::most_rescored_per_hit * goal_.k;
    out.contender.measured = true;
    out.contender.recall = mean_of(out.tune);
    out.contender.rank = mean_of(out.deep);
    note(decision_.contenders, out.contender);
    return out;
  }

  // --- the preview: which kinds are worth a full trial --------------------------------------------------------------

  // Contenders by recall, best first, on a sample of a large base; on a small one the preview is the measurement.
  Result<std::vector<Contender>> preview(std::uint64_t file_bytes) {
    ATTAR_ASSIGN(auto contenders, field_->within(file_bytes));
    if (contenders.size() <= 1 || setting_.schema.rows <= 2 * preview_rows) return contenders;
    ATTAR_TRY(judge_on_sample(setting_, *field_, rows_, split_.tune, contenders));
    for (const Contender& contender : contenders) note(decision_.contenders, contender);
    std::stable_sort(contenders.begin(), contenders.end(),
                     [](const Contender& a, const Contender& b) { return a.rank > b.rank; });
    const double least = contenders.front().rank - preview_slack;
    std::erase_if(contenders, [least](const Contender& contender) { return contender.rank < least; });
    return contenders;
  }

  // Of plans, best rank first, the quickest to scan that is next to the best goes first where the fastest is wanted of
  // lists: codes that find all there is to find gain nothing by being finer still.
  template <class Plan, class ContenderOf>
  void prefer_quick(std::vector<Plan>& plans, const ContenderOf& contender_of) const {
    if (plans.empty() || !goal_.floor || !rows_.partition || !fastest_wanted()) return;
    const double best = contender_of(plans.front()).rank;
    const double least = best - spare_share * std::max(0.0, best - *goal_.floor);
    auto chosen = plans.begin();
    for (auto it = plans.begin(); it != plans.end(); ++it)
      if (contender_of(*it).rank >= least &&
          contender_of(*it).option.scan_cost < worth_quicker * contender_of(*chosen).option.scan_cost)
        chosen = it;
    std::rotate(plans.begin(), chosen, chosen + 1);
  }

  // The preview's best, each measured in full; best recall first, then the smaller file.
  Result<std::vector<Measured>> final_round(std::uint64_t file_bytes, std::size_t most) {
    ATTAR_ASSIGN(auto contenders, preview(file_bytes));
    std::vector<Measured> out;
    const bool all = setting_.schema.rows <= 2 * preview_rows;
    if (!all) prefer_quick(contenders, [](const Contender& contender) -> const Contender& { return contender; });
    for (const Contender& contender : contenders) {
      if (!all && out.size() == most) break;
      ATTAR_ASSIGN(auto measured, measure(contender));
      out.push_back(std::move(measured));
    }
    std::stable_sort(out.begin(), out.end(), [](const Measured& a, const Measured& b) {
      if (a.contender.rank != b.contender.rank) return a.contender.rank > b.contender.rank;
      return a.contender.file_bytes < b.contender.file_bytes;
    });
    prefer_quick(out, [](const Measured& plan) -> const Contender& { return plan.contender; });
    return out;
  }

  // --- budget only: the best recall that fits -----------------------------------------------------------------------

  Result<Decision> best_within_budget() {
    ATTAR_ASSIGN(auto field, final_round(*goal_.budget_bytes, finalists));
    if (field.empty()) return out_of_reach();
    if (goal_.time.any()) return best_in_time(std::move(field));
    return ship(field.front(), {});
  }

  // The best of the finalists that keeps the time; where that costs the first of them recall, smaller codes, which are
  // quicker to scan, may do better.
  Result<Decision> best_in_time(std::vector<Measured> finalists_found) {
    std::optional<Measured> best;
    // True when the plan did as well as recall alone would have it.
    const auto consider = [&](Measured plan) -> Result<bool> {
      ATTAR_ASSIGN(const Timing timing, looks_->choose_in_time(plan, 0));
      note_time(timing, timing.quickest);
      if (timing.kept && (!best || timing.recall > best->in_time)) best = std::move(plan);
      return timing.at_ease;
    };
    const Family family = family_of(finalists_found.front());
    double size = static_cast<double>(finalists_found.front().contender.file_bytes);
    for (Measured& plan : finalists_found) {
      ATTAR_ASSIGN(const bool at_ease, consider(std::move(plan)));
      if (at_ease) return ship_as_is(*best, {});
    }
    for (int step = 0; step < most_smaller; ++step) {
      size *= smaller_step;
      ATTAR_ASSIGN(const auto contender, field_->within(static_cast<std::uint64_t>(size), family));
      if (!contender) break;
      const double before = best ? *best->in_time : 0;
      ATTAR_ASSIGN(auto measured, measure(*contender));
      ATTAR_TRY(consider(std::move(measured)));
      if (before > 0 && *best->in_time <= before) break;
    }
    return best ? ship_as_is(*best, {}) : out_of_reach();
  }

  // --- a floor: the smallest plan that reaches it, or inside a budget the fastest ------------------------------------

  // The fastest plan is wanted, and not the smallest.
  bool fastest_wanted() const { return goal_.budget_bytes && !goal_.time.any(); }

  // Begins at `start`, or at the best plan of the budget or of a first guess.
  Result<Decision> reach_floor(const Target& target, std::optional<Measured> start = std::nullopt) {
    const std::uint64_t most = goal_.budget_bytes.value_or(sizes_->ceiling());
    if (!start) {
      ATTAR_ASSIGN(start, best_of(goal_.budget_bytes ? most : std::min(most, sizes_->first_guess())));
    }
    if (!start && !goal_.budget_bytes) {
      ATTAR_ASSIGN(start, best_of(most));
    }
    if (!start) return out_of_reach();
    Family family = family_of(*start);
    const double first_recall = start->contender.recall;
    ladder_.push_back(*std::move(start));
    // With lists or a graph the finest codes that fit make the fastest plan: what they spare in recall is spent on
    // fewer lists or a narrower walk.
    if (!indexed() || !fastest_wanted()) ATTAR_TRY(search_size(family, target, most, wanted_resolution()));
    if (!goal_.budget_bytes && !any_safe(target)) {  // another kind may go further than the best of the guess
      ATTAR_ASSIGN(auto largest, best_of(most));
      if (largest && family_of(*largest) != family) {
        family = family_of(*largest);
        ladder_ = {*std::move(largest)};
        ATTAR_TRY(search_size(family, target, most, wanted_resolution()));
      }
    }
    if (!fastest_wanted()) ATTAR_TRY(try_other_kinds(family, target, most));
    std::erase_if(ladder_, [&](const Measured& plan) { return plan.contender.recall < target.floor; });
    if (ladder_.empty()) {
      decision_.nearest.recall_in_budget = goal_.budget_bytes ? first_recall : 0;
      ATTAR_TRY(find_nearest(family, target.floor));
      return out_of_reach();
    }
    if (target.certified && (!indexed() || !fastest_wanted())) ATTAR_TRY(add_safer(family, target));
    if (goal_.time.any()) {
      ATTAR_TRY(keep_those_in_time(family, target, most));
      if (ladder_.empty()) return out_of_reach();
    }
    if (target.certified) return certify_ladder(target);
    const auto smallest = std::min_element(ladder_.begin(), ladder_.end(), smaller);
    decision_.relative_floor = target.floor;
    return ship(*smallest, {});
  }

  static bool smaller(const Measured& a, const Measured& b) { return a.contender.file_bytes < b.contender.file_bytes; }

  // --- a floor within a time: the smallest plan that keeps both ------------------------------------------------------

  // Leaves the plans of the ladder that reach the target within the time. Finer codes need fewer lists, and have recall
  // to spare for quicker looks: where none keeps the time, larger ones are tried.
  Status keep_those_in_time(const Family& family, const Target& target, std::uint64_t most) {
    if (any_safe(target)) std::erase_if(ladder_, [&](const Measured& plan) { return !sizes_->safe(plan, target); });
    std::sort(ladder_.begin(), ladder_.end(), smaller);
    std::vector<Measured> kept;
    double slow = 0;  // bytes of the largest plan that was too slow
    for (Measured& plan : std::exchange(ladder_, {})) {
      const double size = static_cast<double>(plan.contender.file_bytes);
      ATTAR_ASSIGN(const bool in_time, keeps_time(plan, target));
      if (in_time)
        kept.push_back(std::move(plan));
      else if (kept.empty())
        slow = size;
    }
    for (int step = 0; step < most_larger && kept.empty() && slow < static_cast<double>(most); ++step) {
      const double size = std::min(slow * larger_step, static_cast<double>(most));
      ATTAR_TRY(try_in_time(size, family, target, kept));
      if (kept.empty()) slow = size;
    }
    // Of sizes on the ladder the edge is known already.
    for (int step = 0; step < most_between && !kept.empty() && slow > 0; ++step) {
      const auto edge = static_cast<double>(std::min_element(kept.begin(), kept.end(), smaller)->contender.file_bytes);
      if (slow >= (1 - size_resolution) * edge) break;
      const double middle = std::sqrt(slow * edge);
      const std::size_t before = kept.size();
      ATTAR_TRY(try_in_time(middle, family, target, kept));
      if (kept.size() == before) slow = middle;
    }
    ladder_ = std::move(kept);
    return {};
  }

  Status try_in_time(double size, const Family& family, const Target& target, std::vector<Measured>& kept) {
    ATTAR_ASSIGN(const auto contender, field_->within(static_cast<std::uint64_t>(size), family));
    if (!contender) return {};
    ATTAR_ASSIGN(auto plan, measure(*contender));
    ATTAR_ASSIGN(const bool in_time, keeps_time(plan, target));
    if (in_time) kept.push_back(std::move(plan));
    return {};
  }

  // Whether the plan reaches the target within the time; sets its look.
  Result<bool> keeps_time(Measured& plan, const Target& target) {
    const double wanted = sizes_->wanted(plan, target);
    ATTAR_ASSIGN(const Timing timing, looks_->choose_in_time(plan, wanted));
    note_time(timing, timing.unhurried);
    return timing.at_ease || (timing.kept && timing.recall >= wanted);
  }

  void note_time(const Timing& timing, const Pace& keeps_the_rest) {
    Nearest& nearest = decision_.nearest;
    if (timing.kept) nearest.recall_in_time = std::max(nearest.recall_in_time, timing.recall);
    if (!nearest.time_for_goal.any() || keeps_the_rest.over(goal_.time) < nearest.time_for_goal.over(goal_.time))
      nearest.time_for_goal = keeps_the_rest;
  }

  // A kind that was not the best of the first guess may still reach the floor in fewer bytes, a codec without a
  // transform on few rows above all: on a small base the sizes of every kind are searched, on a large one those of the
  // next best.
  Status try_other_kinds(Family& family, const Target& target, std::uint64_t most) {
    const bool small = setting_.schema.rows * setting_.schema.dims <= small_base_values;
    for (const Contender& start :
         other_kinds(decision_.contenders, family, small ? decision_.contenders.size() : most_other_kinds)) {
      const std::uint64_t smallest = sizes_->smallest_safe(ladder_, target);
      std::vector<Measured> before = std::exchange(ladder_, {});
      ATTAR_ASSIGN(auto measured, measure(start));
      ladder_.push_back(std::move(measured));
      ATTAR_TRY(search_size({start.codec, start.option.variant}, target, most, wanted_resolution()));
      if (sizes_->smallest_safe(ladder_, target) < smallest)
        family = {start.codec, start.option.variant};
      else
        ladder_ = std::move(before);
    }
    return {};
  }

  Result<std::optional<Measured>> best_of(std::uint64_t file_bytes) {
    ATTAR_ASSIGN(auto field, final_round(file_bytes, 1));
    return field.empty() ? std::nullopt : std::optional(std::move(field.front()));
  }

  static Family family_of(const Measured& plan) { return {plan.contender.codec, plan.contender.option.variant}; }

  bool any_safe(const Target& target) const {
    return std::any_of(ladder_.begin(), ladder_.end(),
                       [&](const Measured& plan) { return sizes_->safe(plan, target); });
  }

  // Brackets the smallest safe size: a guess from what is known of the two nearest plans tells where to look next; a
  // few probes settle it.
  Status search_size(const Family& family, const Target& target, std::uint64_t most, double resolution) {
    for (int probe = 0; probe < most_probes; ++probe) {
      ATTAR_ASSIGN(const std::uint64_t next, sizes_->next(ladder_, family, target, most, resolution));
      if (next == 0) return {};
      ATTAR_ASSIGN(const auto contender, field_->within(next, family));
      if (!contender || known(*contender)) return {};
      ATTAR_ASSIGN(auto measured, measure(*contender));
      ladder_.push_back(std::move(measured));
    }
    return {};
  }

  bool known(const Contender& contender) const {
    return std::any_of(ladder_.begin(), ladder_.end(),
                       [&](const Measured& plan) { return plan.contender.option.params == contender.option.params; });
  }

  // A fastest plan is wanted within a budget, the smallest without one.
  double wanted_resolution() const { return fastest_wanted() ? speed_resolution : size_resolution; }

  // Safest to cheapest, each tested on the certify units, until one fails.
  Result<Decision> certify_ladder(const Target& target) {
    const double floor = target.floor;
    ATTAR_ASSIGN(const std::vector<Step> steps, steps_to(target));
    const certify::Claim claim{.floor = floor, .share = 0, .delta = goal_.delta};
    if (split_.certify.size() < certify::least_queries_mean(floor, goal_.delta).value_or(0))
      return ship(ladder_[steps.back().plan], claim);  // too few queries: an estimate, no certificate
    ATTAR_ASSIGN(const Jury jury, make_jury(split_.certify, false));
    std::vector<std::size_t> order(steps.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::vector<std::vector<double>> tune;
    for (const Step& step : steps) tune.push_back(ladder_[step.plan].tune);
    ATTAR_ASSIGN(const auto tested,
                 certify::sequence(order, claim, tune, [&](std::size_t i) -> Result<std::vector<double>> {
                   Measured& plan = ladder_[steps[i].plan];
                   if (steps[i].look)
                     plan.look = *steps[i].look;
                   else if (!plan.in_time)
                     ATTAR_TRY(looks_->choose(plan, sizes_->wanted(plan, target)));
                   return jury.grade(*plan.trial, plan.look, *setting_.pool);
                 }));
    if (!tested.shipped) {
      decision_.nearest.recall_in_budget = goal_.budget_bytes ? tested.trials.front().finding.estimate : 0;
      return out_of_reach();
    }
    const auto& shipped = tested.trials[*tested.shipped];
    const Step& step = steps[shipped.plan];
    if (step.look) ladder_[step.plan].look = *step.look;
    decision_.claim = claim;
    decision_.finding = shipped.finding;
    decision_.plans_tested = static_cast<std::uint32_t>(tested.trials.size());
    return conclude(ladder_[step.plan]);
  }

  // A plan of the ladder and how it is searched; without a look that is chosen when its turn comes.
  struct Step {
    std::size_t plan;
    std::optional<index::Look> look = std::nullopt;
  };

  // The ladder, safest to cheapest, fixed on tune data alone. Within a budget one plan with an index is tested in ever
  // quicker looks, from the one that loses next to nothing on: what tune queries leave open between the floor and its
  // margin, fresh ones settle.
  Result<std::vector<Step>> steps_to(const Target& target) {
    std::vector<Step> out;
    if (indexed() && fastest_wanted()) {
      const auto best = std::max_element(ladder_.begin(), ladder_.end(), [](const Measured& a, const Measured& b) {
        return a.contender.recall < b.contender.recall;
      });
      const auto place = static_cast<std::size_t>(best - ladder_.begin());
      const auto margin_of = [&](std::span<const double> tune) { return sizes_->margin(tune, target.floor); };
      ATTAR_ASSIGN(const auto looks, looks_->sequence(*best, target.floor, margin_of));
      for (const index::Look& look : looks) out.push_back({.plan = place, .look = look});
      return out;
    }
    std::vector<double> means, costs;
    for (const Measured& plan : ladder_) {
      means.push_back(plan.in_time.value_or(plan.contender.recall));
      costs.push_back(fastest_wanted() ? plan.contender.option.scan_cost
                                       : static_cast<double>(plan.contender.file_bytes));
    }
    auto order = certify::safest_first(means, costs);
    // Plans that tune data already shows to be too close to the floor would only end the sequence.
    std::erase_if(order, [&](std::size_t i) { return !sizes_->safe(ladder_[i], target) && i != order.front(); });
    for (const std::size_t plan : order) out.push_back({.plan = plan});
    return out;
  }

  // One plan well above the floor, so that the sequence does not begin at the edge.
  Status add_safer(const Family& family, const Target& target) {
    std::uint64_t edge = 0;
    int safe_plans = 0;
    for (const Measured& plan : ladder_) {
      if (!sizes_->safe(plan, target)) continue;
      ++safe_plans;
      edge = plan.contender.file_bytes;
    }
    if (safe_plans != 1) return {};
    const std::uint64_t safer = std::min(edge + edge / 16, goal_.budget_bytes.value_or(sizes_->ceiling()));
    ATTAR_ASSIGN(const auto contender, field_->within(safer, family));
    if (!contender || known(*contender)) return {};
    ATTAR_ASSIGN(auto measured, measure(*contender));
    ladder_.push_back(std::move(measured));
    return {};
  }

  // --- a handful of rows: no query can be held out, so nothing is measured and nothing certified --------------------

  Result<Decision> unmeasured() {
    if (goal_.floor)
      return fail(
          ErrorCode::invalid_argument,
          "a floor needs at least two different queries, one to tune and one to certify; give more with --queries");
    if (goal_.time.any())
      return fail(ErrorCode::invalid_argument,
                  "a goal in time is measured with queries; give at least two different ones with --queries");
    ATTAR_ASSIGN(const std::uint64_t otherwise, sizes_->eight_bits(rows_.index_sizes()));
    ATTAR_ASSIGN(auto contenders, field_->within(goal_.budget_bytes.value_or(otherwise)));
    if (contenders.empty() && !goal_.budget_bytes) {
      ATTAR_ASSIGN(contenders, field_->within(sizes_->ceiling()));
    }
    for (const Contender& contender : contenders) note(decision_.contenders, contender);
    if (contenders.empty()) return out_of_reach();
    const auto best =
        std::min_element(contenders.begin(), contenders.end(), [](const Contender& a, const Contender& b) {
          return a.option.distortion != b.option.distortion ? a.option.distortion < b.option.distortion
                                                            : a.file_bytes < b.file_bytes;
        });
    ATTAR_ASSIGN(std::shared_ptr<const Trial> trial, field_->attempt(*best, rows_));
    return conclude({.contender = *best, .trial = std::move(trial)});
  }

  // --- neither: within 0.01 of eight bits ---------------------------------------------------------------------------

  Result<Decision> near_eight_bits() {
    ATTAR_ASSIGN(const std::uint64_t bytes, sizes_->eight_bits(rows_.index_sizes()));
    ATTAR_ASSIGN(auto start, best_of(bytes));
    if (!start) {  // a codec that was asked for by name may need more
      ATTAR_ASSIGN(start, best_of(sizes_->ceiling()));
    }
    if (!start) return out_of_reach();
    const double floor = start->contender.recall - default_loss;
    return reach_floor({.floor = floor}, std::move(start));
  }

  // --- ends ---------------------------------------------------------------------------------------------------------

  // Ships one plan that is not chosen by a sequence of tests: its figure is measured, and a claim tested if there is
  // one.
  Result<Decision> ship(Measured& plan, const certify::Claim& claim) {
    if (!plan.in_time) ATTAR_TRY(looks_->choose(plan, decision_.relative_floor.value_or(0)));
    return ship_as_is(plan, claim);
  }

  Result<Decision> ship_as_is(const Measured& plan, const certify::Claim& claim) {
    ATTAR_ASSIGN(const Jury jury, make_jury(split_.certify, false));
    ATTAR_ASSIGN(const auto observations, jury.grade(*plan.trial, plan.look, *setting_.pool));
    decision_.claim = claim;
    decision_.claim.delta = goal_.delta;
    if (claim.floor > 0) {
      ATTAR_ASSIGN(decision_.finding, certify::examine(claim, observations, plan.tune));
    } else {
      decision_.finding = certify::estimate_mean(observations, plan.tune, goal_.delta);
    }
    return conclude(plan);
  }

  Result<Decision> conclude(const Measured& plan) {
    decision_.trial = plan.trial;
    decision_.look = plan.look;
    decision_.file_bytes = plan.contender.file_bytes;
    if (tune_jury_) {
      ATTAR_ASSIGN(decision_.account, looks_->account(plan));
    }
    for (Contender& known : decision_.contenders)
      known.chosen = known.codec == plan.contender.codec && known.option.params == plan.contender.option.params;
    return std::move(decision_);
  }

  // What the floor would cost without the budget.
  Status find_nearest(const Family& family, double floor) {
    if (!goal_.budget_bytes) return {};
    std::vector<Measured> inside = std::move(ladder_);
    ladder_.clear();
    const auto best = std::max_element(decision_.contenders.begin(), decision_.contenders.end(),
                                       [](const Contender& a, const Contender& b) { return a.recall < b.recall; });
    ATTAR_ASSIGN(const auto start, field_->within(std::max(sizes_->first_guess(), best->file_bytes * 3 / 2), family));
    if (!start) return {};
    ATTAR_ASSIGN(auto measured, measure(*start));
    ladder_.push_back(std::move(measured));
    const Target target{.floor = floor, .certified = true};
    ATTAR_TRY(search_size(family, target, sizes_->ceiling(), size_resolution));
    if (any_safe(target)) decision_.nearest.bytes_for_floor = sizes_->smallest_safe(ladder_, target);
    ladder_.clear();
    return {};
  }

  Result<Decision> out_of_reach() {
    for (const Contender& contender : decision_.contenders)
      if (contender.measured && (!goal_.budget_bytes || contender.file_bytes <= *goal_.budget_bytes))
        decision_.nearest.recall_in_budget = std::max(decision_.nearest.recall_in_budget, contender.recall);
    // The smallest file of these rows: the least size at which any codec has an option.
    ATTAR_ASSIGN(std::uint64_t low, setting_.file_size({}));
    std::uint64_t high = sizes_->ceiling();
    while (high - low > 1) {
      const std::uint64_t middle = low + (high - low) / 2;
      ATTAR_ASSIGN(const auto options, field_->within(middle));
      (options.empty() ? low : high) = middle;
    }
    decision_.nearest.least_bytes = high;
    return std::move(decision_);
  }

  const Setting& setting_;
  const Goal& goal_;
  certify::Split split_;
  Rows rows_;
  std::optional<Field> field_;
  std::optional<Jury> tune_jury_;
  std::vector<Measured> ladder_;
  std::optional<LookChoice> looks_;
  std::optional<Sizes> sizes_;
  Decision decision_;
};

}  // namespace

Result<Decision> choose(const Setting& setting) {
  if (graph_is_weighed(setting)) {
    Setting walked = setting;
    walked.goal.index = IndexChoice::graph;
    ATTAR_ASSIGN(Decision decision, Chooser(walked).run());
    if (decision.trial != nullptr) return decision;
  }
  return Chooser(setting).run();
}

}  // namespace attar::plan
