// Context compression: inputs and a budget of tokens in, the text that is worth most out. spec.md has the steps.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "attar/result.h"
#include "text/context/mark.h"
#include "text/context/unit.h"
#include "text/encoder/static/static_encoder.h"
#include "text/tokenizer/tokenizer.h"

namespace attar::text::context {

struct Input {
  std::string_view name = {};  ///< shown where there are several, and its ending tells of its kind
  std::string_view text = {};
  std::string_view title = {};  ///< of the whole, for the scorer; may be empty
  std::optional<Kind> kind = std::nullopt;
};

/// Bytes [begin, end) of a text.
struct Bytes {
  std::uint64_t begin = 0, end = 0;

  friend bool operator==(const Bytes&, const Bytes&) = default;
};

struct Request {
  std::uint64_t budget = 0;        ///< tokens
  double share = 0;                ///< above 0: a budget beside it, of the inputs' tokens; the smaller of both holds
  std::string_view question = {};  ///< empty: none
  float least_relevance = 0;       ///< units that are less relevant are cut though they would fit; of a question
  /// Where bytes stand that must be kept, by input; the units that hold them are kept.
  std::vector<std::vector<Bytes>> demanded = {};
  /// Cosines of the question and texts by another encoder; empty: the table's own.
  std::function<Result<std::vector<float>>(std::string_view question, std::span<const std::string> texts)> cosines = {};
};

struct CutTold {
  std::uint32_t input = 0;
  std::string id;
  std::string unit = {};  ///< "3 sentences", "36 lines alike"
  Bytes span = {};        ///< of a group: from its first line to its last
  std::uint64_t tokens = 0;
  bool group = false, repeated = false;
  float relevance = 0;  ///< of the most relevant unit that was cut; of a question
};

struct KeptTold {
  std::uint32_t input = 0;
  Bytes span = {};
  float relevance = 0;  ///< of its most relevant unit; of a question
};

enum class Way : std::uint8_t {
  whole,   ///< it fitted as it was
  folded,  ///< nothing was cut but what stands elsewhere in it
  cut,
};

struct Compressed {
  std::string text;
  std::uint64_t tokens = 0, input_tokens = 0, budget = 0;
  Way way = Way::whole;
  std::vector<KeptTold> kept;
  std::vector<CutTold> cuts;
  std::vector<Kind> kinds;              ///< by input, its first stretch
  std::vector<std::uint32_t> left_out;  ///< inputs of which nothing is shown
};

class Compressor {
 public:
  /// All outlive it.
  Compressor(const StaticEncoder& table, const Tokenizer& tokenizer) : table_(table), tokenizer_(tokenizer) {}

  /// The text has at most the budget's tokens and is never longer than the inputs. `over_limit` for an input of 4 GiB
  /// or too many units; `goal_unreachable`, which says the least budget, where what is demanded does not fit.
  [[nodiscard]] Result<Compressed> compress(std::span<const Input> inputs, const Request& request) const;

 private:
  const StaticEncoder& table_;
  const Tokenizer& tokenizer_;
};

}  // namespace attar::text::context
