// Budget in, proof out: plans and packs a file of vectors.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "attar/budget.h"
#include "attar/certificate.h"
#include "attar/metric.h"
#include "attar/progress.h"
#include "attar/result.h"
#include "attar/vectors.h"

namespace attar {

/// The goal and the circumstances. With neither budget nor floor: the smallest plan within 0.01 of the recall at 8
/// bits.
struct PackOptions {
  std::optional<Budget> budget = {};
  std::optional<Floor> floor = {};
  /// Goals in time, kept beside the others; measured with tune queries on this machine while planning.
  std::optional<Latency> latency = {};
  std::optional<Throughput> throughput = {};
  Metric metric = Metric::cosine;
  std::filesystem::path queries = {};  ///< a log of real queries; empty: rows stand in ("proxy queries")
  std::filesystem::path ids = {};      ///< one id a line; empty: row numbers, which cost nothing
  std::string codec = {};              ///< force a codec by name; empty: all compete
  std::string index = {};  ///< "flat", "ivf" (inverted lists), "graph" (links between neighbours), or "auto", as empty
  std::filesystem::path meta = {};  ///< attributes, one line a row: .jsonl, .ndjson, .csv or .tsv; empty: none
  std::vector<std::string> meta_fields =
      {};  ///< fields of `meta` to keep; empty: all that hold one value or a list of strings
  std::vector<std::string> meta_sorted =
      {};  ///< numbers and dates among them that get a sorted order: quicker narrow ranges
  /// "i8", "f16" or "f32": kept in the file, inside the budget, and the best rows of a search are ranked by them;
  /// empty or "none": not kept.
  std::string keep_originals = {};
  std::uint64_t seed = 1;
  unsigned threads = 0;  ///< 0: one per available core
  std::uint64_t memory_bytes =
      2ull << 30;            ///< working memory to aim at, at least 64 MiB; training's dims² comes on top
  double confidence = 0.95;  ///< of the certificate
  InputOptions input = {};
  Progress* progress = nullptr;  ///< may be null
};

/// One plan that competed.
struct Candidate {
  enum class State : std::uint8_t {
    estimated,  ///< judged on a sample of the base only: its recall is an estimate
    measured,   ///< encoded in full and searched with every tune query
  };
  std::string codec;
  std::string settings;     ///< in words: "8-bit PCA, power 0.35, trellis"
  std::uint64_t bytes = 0;  ///< the whole file
  double bytes_per_row = 0;
  double code_bytes_per_row = 0;  ///< codes and scale alone
  State state = State::estimated;
  double recall = 0;      ///< mean on tune queries (of the sample when estimated); 0 when there were none
  double distortion = 0;  ///< the codec's own estimate of its relative squared error
  double scan_cost = 0;   ///< frozen cost model, relative
  bool chosen = false;
};

/// A part of the file and its bytes.
struct Part {
  std::string name;  ///< "codes", "model", "lists", "graph", "ids", "attributes" (and "attributes 1" …: one a field),
                     ///< "originals", "model 1" (of the originals), "schema", "plan", "certificate", "container"
  std::uint64_t bytes = 0;
};

/// What the chosen plan does with tune queries: where it loses recall, and for how much work.
struct Explanation {
  double codec_recall = 0;  ///< every row of every list scored whole (of a graph's all by the first part of
                            ///< their codes, the best 1,024 whole): the codes alone lose 1 − codec_recall
  double plan_recall = 0;   ///< as the plan searches: lists, graph and second look lose the difference to codec_recall
  double rows = 0;          ///< looked at a query, on average
  double row_share = 0;     ///< the same over all rows
  std::uint32_t lists = 0;  ///< 0: there are none
  double lists_read = 0;    ///< a query, on average
  std::uint32_t links = 0;  ///< of a row of a graph, at the most; 0: there is no graph
  double steps = 0;         ///< rows whose links a query followed, on average
  /// Of a thread, a query on average, as the planner asked the tune queries: together, with all of its threads.
  double prepare_seconds = 0, search_seconds = 0;
  double latency_seconds = 0;     ///< measured for a goal in latency; else 0
  double queries_per_second = 0;  ///< measured for a goal in throughput; else 0
};

/// What make_plan() found and pack() wrote.
struct PackReport {
  std::string path;  ///< empty for make_plan()
  std::uint64_t rows = 0;
  std::uint32_t dims = 0;
  Metric metric = Metric::cosine;
  std::uint64_t bytes = 0;         ///< of the whole file
  std::uint64_t budget_bytes = 0;  ///< 0: none was set
  double bytes_per_row = 0;
  std::vector<Part> parts;
  std::vector<std::string> notes;               ///< fields of the attributes that were left out, with the reasons
  std::string goal;                             ///< in words, the default goal included
  std::string plan;                             ///< the chosen plan in words
  std::string why;                              ///< the reasons for its index, its size and its look, in words
  std::optional<Explanation> explanation = {};  ///< empty where nothing could be measured
  std::vector<Candidate> candidates;
  std::vector<Certificate> certificates;  ///< empty where nothing could be measured
  std::uint64_t queries = 0;              ///< given or drawn
  std::uint64_t tune_queries = 0;         ///< that chose: units, near-duplicates counted once
  std::uint64_t certify_queries = 0;      ///< that judged, likewise
  bool proxy = false;
  double seconds = 0;
};

/// The nearest goals that can be had, in both directions.
struct Nearest {
  double recall_in_budget = 0;        ///< best recall found inside the budget; 0: nothing fits the budget
  std::uint64_t bytes_for_floor = 0;  ///< least bytes found that reach the floor; 0: not found at any size
  std::uint64_t least_bytes = 0;      ///< the smallest file of these rows
  double recall_in_time = 0;          ///< best recall found inside the budget and within the time; 0: none keeps it
  /// The quickest found that keeps all but the time, in seconds a query, asked as the goal in time asks (of two goals,
  /// as the one that is missed by more); 0: no goal in time, or nothing was timed.
  double seconds_for_goal = 0;
};

/// What happened: a report, or the reason with what could be had instead. A goal out of reach is an outcome and no
/// error; its report has the candidates but no plan, no parts and no bytes.
struct PlanOutcome {
  PackReport report;
  bool reachable = true;
  std::string unreachable;  ///< a sentence with the two nearest goals, when not reachable
  Nearest nearest;
};

/// Chooses and measures a plan; writes nothing.
[[nodiscard]] Result<PlanOutcome> make_plan(const std::filesystem::path& input, const PackOptions& options);

/// make_plan(), and the file written to `output` whole or not at all. When the goal is out of reach nothing is written.
[[nodiscard]] Result<PlanOutcome> pack(const std::filesystem::path& input, const std::filesystem::path& output,
                                       const PackOptions& options);

}  // namespace attar
