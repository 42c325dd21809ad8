// The planner: candidates compete on the user's data under the budget; it alone measures quality.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "attar/result.h"
#include "base/progress.h"
#include "base/threads.h"
#include "certify/sequence.h"
#include "codec/codec.h"
#include "data/source.h"
#include "plan/jury.h"
#include "plan/pace.h"
#include "plan/trial.h"

namespace attar::plan {

/// Which index a plan may have.
enum class IndexChoice : std::uint8_t { automatic, flat, ivf, graph };

struct Goal {
  std::optional<std::uint64_t> budget_bytes;  ///< ceiling on the whole file
  std::optional<double> floor;                ///< mean recall at k
  std::uint32_t k = 10;
  double delta = 0.05;
  std::string codec;  ///< only this one; empty: all
  IndexChoice index = IndexChoice::automatic;
  Pace time;  ///< the most that a query may take
};

/// Rows from which IndexChoice::automatic lays out lists: from fewer where the goal asks for speed. Decision 0021 has
/// the measurements.
[[nodiscard]] inline std::uint64_t least_rows_for_lists(const Goal& goal) noexcept {
  const bool speed = (goal.budget_bytes && goal.floor) || goal.time.any();
  return speed ? 50'000 : 100'000;
}

/// Exact size of the file that holds these.
using FileSize = std::function<Result<std::uint64_t>(const PartSizes& parts)>;

struct Setting {
  const data::VectorSource* base = nullptr;
  codec::Schema schema;
  const codec::View* originals = nullptr;  ///< kept beside the codes and part of file_size; null: none are
  Queries queries;
  Goal goal;
  FileSize file_size;
  std::uint64_t seed = 1;
  std::uint64_t memory_bytes = 2ull << 30;
  base::ThreadPool* pool = nullptr;
  base::Progress* progress = nullptr;
};

/// A candidate that competed.
struct Contender {
  const codec::Codec* codec = nullptr;
  codec::Option option;
  std::uint64_t file_bytes = 0;
  bool measured = false;  ///< on the whole base with every tune query; else on a sample
  double recall = 0;      ///< mean over tune units
  double rank = 0;        ///< the same of Grades::deep: what kinds are compared by
  bool chosen = false;
};

struct Nearest {
  double recall_in_budget = 0;
  std::uint64_t bytes_for_floor = 0;
  std::uint64_t least_bytes = 0;
  Pace time_for_goal;         ///< the quickest found that keeps all but the time; nothing where none was timed
  double recall_in_time = 0;  ///< the most found within the time, and within the budget
};

/// What the chosen plan does with tune queries.
struct Account {
  double codec_recall = 0;  ///< every row scored whole: what the codes alone keep
  double plan_recall = 0;   ///< as the plan searches
  double rows = 0;          ///< looked at a query, on average
  double lists = 0;         ///< likewise; 0 where there are none
  double steps = 0;         ///< likewise: rows of a graph whose links were followed
  double prepare = 0;       ///< seconds of a thread to make a query ready, on average, as the planner asked them
  double search = 0;        ///< likewise, to search with it
  Pace pace;                ///< measured where a goal in time asked
};

struct Decision {
  std::shared_ptr<const Trial> trial;  ///< null when the goal is out of reach
  index::Look look;                    ///< how the trial is searched
  std::uint64_t file_bytes = 0;
  std::vector<Contender> contenders;
  certify::Claim claim;      ///< floor 0: nothing was claimed
  certify::Finding finding;  ///< on the certify units
  std::uint32_t plans_tested = 1;
  std::optional<double> relative_floor;  ///< the floor that stood for "within 0.01 of 8 bits"
  std::uint64_t queries_given = 0;
  std::uint64_t tune_units = 0, certify_units = 0;
  std::optional<Account> account;  ///< nothing where nothing was measured
  Nearest nearest;
};

[[nodiscard]] Result<Decision> choose(const Setting& setting);

}  // namespace attar::plan
