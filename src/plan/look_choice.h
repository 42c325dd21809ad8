// How a plan is searched: in one look or two, and which of its lists are probed; within a time where one is named.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "plan/field.h"
#include "plan/jury.h"
#include "plan/pace.h"

namespace attar::plan {

/// A contender tried on the whole base.
struct Measured {
  Contender contender;
  std::shared_ptr<const Trial> trial;
  std::vector<double> tune = {};  ///< recall on the tune units, every row scored whole
  std::vector<double> deep = {};  ///< Grades::deep
  index::Look look = {};
  std::optional<double> in_time = {};  ///< recall in `look`, where that was chosen for a goal in time
  Pace pace = {};                      ///< of `look`, measured then
};

/// How a plan stands to the goal in time.
struct Timing {
  bool at_ease = false;  ///< the look that recall alone asks for keeps the time
  bool kept = false;     ///< the plan's look keeps the time
  double recall = 0;     ///< in the plan's look
  Pace pace;             ///< likewise
  Pace unhurried;        ///< in the look that recall alone asks for
  Pace quickest;         ///< of all looks that were timed
};

/// Chooses by the frozen cost model the cheapest way to search that keeps recall on tune queries, and by the clock
/// where a goal in time asks for it.
class LookChoice {
 public:
  /// Look::probe at which one list is the outcome at the most.
  static constexpr std::uint32_t most_probe = 200'000'000;

  /// Tries a contender on the whole base.
  using Measure = std::function<Result<Measured>(const Contender&)>;

  /// All outlive the choice.
  LookChoice(const Setting& setting, const Rows& rows, const Field& field, const Jury& jury, Measure measure)
      : setting_(setting),
        rows_(rows),
        field_(field),
        jury_(jury),
        measure_(std::move(measure)),
        stopwatch_(setting.goal.time, jury.queries(), setting.schema.dims, setting.goal.k, *setting.progress) {}

  /// In one look; in two at the runs of its codes; or with codes of the same size made for two looks, where these lose
  /// next to nothing: sets `plan.look`, and may set another layout of the same size in the plan's place. Recall stays
  /// above `least`, or at 0 costs next to none. Codes of two layers that find more are taken without two looks as well.
  [[nodiscard]] Status choose(Measured& plan, double least);

  /// choose(), and where that takes longer than the goal in time allows, the look of highest recall that keeps it;
  /// where none does, the quickest.
  [[nodiscard]] Result<Timing> choose_in_time(Measured& plan, double least);

  /// What a plan does with tune queries, in its look.
  [[nodiscard]] Result<Account> account(const Measured& plan) const;

  /// Recall above a floor that a plan should have on tune queries, where it has these answers to them.
  using MarginOf = std::function<double(std::span<const double> tune)>;

  /// Ever quicker looks at the index of a plan: first one that loses next to nothing, then such as keep `floor` and
  /// ever smaller multiples of the margin on tune queries. Sets `plan.look`, and may set another layout as choose()
  /// does.
  [[nodiscard]] Result<std::vector<index::Look>> sequence(Measured& plan, double floor, const MarginOf& margin_of);

 private:
  struct Probed {
    double recall;
    double share;  // of the rows that were looked at
  };

  struct Walk {
    index::Look look;
    double work;  // in rows scored by their first part
  };

  // A look, what it finds and how long it takes.
  struct Timed {
    index::Look look;
    Pace pace;
    double recall = 0;
  };

  [[nodiscard]] bool keeps_time(const Pace& pace) const;
  [[nodiscard]] Result<double> recall_in(const Measured& plan, index::Look look) const;
  [[nodiscard]] Result<Timed> hurry(const Measured& plan);
  [[nodiscard]] std::vector<std::vector<index::Look>> ways(const Measured& plan) const;
  [[nodiscard]] Status choose_probe(Measured& plan, double least);
  [[nodiscard]] Status choose_walk(Measured& plan, double least);
  [[nodiscard]] Result<Walk> cheapest_walk(const Measured& plan, double needed) const;
  [[nodiscard]] Result<std::optional<Walk>> shortest_walk(const Measured& plan, std::uint32_t beam,
                                                          double needed) const;
  [[nodiscard]] double work_of(const index::SearchTimes& times, std::uint32_t beam) const;
  [[nodiscard]] Result<std::vector<index::Look>> sequence_of_walks(Measured& plan, double floor,
                                                                   const MarginOf& margin_of);
  [[nodiscard]] Result<Probed> shorten_probe(const Measured& plan, index::Look& look, double needed,
                                             std::uint32_t known = 0, std::uint32_t first_doubtful = most_probe) const;
  [[nodiscard]] Result<std::optional<Measured>> best_layered(const Measured& plan);
  [[nodiscard]] Status cheapest_look(Measured& plan, double least, double cost, double share) const;
  [[nodiscard]] Status narrow_window(Measured& plan) const;
  [[nodiscard]] Status spare_originals(Measured& plan) const;
  [[nodiscard]] double full_scan(const Measured& plan) const {
    return plan.contender.option.scan_cost * static_cast<double>(setting_.schema.rows);
  }

  const Setting& setting_;
  const Rows& rows_;
  const Field& field_;
  const Jury& jury_;
  Measure measure_;
  Stopwatch stopwatch_;
  std::string layout_;  // the kind laid out for two looks that did best the first time; later plans try no other
};

}  // namespace attar::plan
