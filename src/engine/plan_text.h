// The plan of an artifact: what was asked for and what was chosen, as stored in its plan section.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "attar/budget.h"
#include "attar/result.h"
#include "codec/vectors.h"
#include "index/looks.h"

namespace attar::engine {

/// The stored form is a JSON object with these keys; optional ones are left out.
struct PlanText {
  std::string codec;
  std::string variant;
  codec::Params params;
  index::Look look;              ///< of a search for k rows; its shortlist grows with the k of another search
  std::optional<Budget> budget;  ///< as asked for; in the file its text and its bytes
  std::uint64_t budget_bytes = 0;
  std::optional<Floor> floor;                 ///< as asked for
  std::optional<Latency> latency = {};        ///< as asked for
  std::optional<Throughput> throughput = {};  ///< as asked for
  std::uint32_t k = 10;                       ///< of the recall that candidates were compared by
  double confidence = 0.95;
  std::uint64_t seed = 1;
  bool proxy = false;
  std::string queries;        ///< digest of the query log, 64 hexadecimal digits
  std::string base;           ///< digest of the vectors, 64 hexadecimal digits, of dropped rows too
  std::uint64_t dropped = 0;  ///< rows that were dropped since all were packed
  std::uint64_t mended = 0;   ///< of these, since the graph was built
};

[[nodiscard]] std::string to_json(const PlanText& plan);

/// Reads what to_json() wrote, white space around it allowed; `corrupt` for anything else.
[[nodiscard]] Result<PlanText> plan_from_json(std::string_view text);

/// What in_words() tells of a plan.
struct PlanFacts {
  std::uint32_t lists = 0;  ///< 0: there are none
  std::uint32_t links = 0;  ///< of a row of a graph, at the most; 0: there is no graph
  std::string_view codec;
  std::string_view variant;
  std::string_view originals = {};  ///< kept beside the codes; empty: none
  double code_bytes_per_row = 0;
};

/// One line: "graph of 28 links a row, esq, …" or "4096 lists, tcq, matrix 8 bits, trellis; 96.0 B a row; originals as
/// f16".
[[nodiscard]] std::string in_words(const PlanFacts& plan);

}  // namespace attar::engine
