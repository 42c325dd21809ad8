// Context compression: texts to a budget of tokens, for a language model's window. What is cut is marked, and can be
// had again from its mark.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attar/progress.h"
#include "attar/result.h"

namespace attar {

/// What a text is read as: it decides what its units are, and how a cut is marked so that the rest stays what it was.
enum class ContextKind : std::uint8_t {
  prose,     ///< sentences
  markdown,  ///< sentences and rows below their headings; fences by what is in them
  code,      ///< statements below their signatures; what is left still parses (Python and languages with braces)
  diff,      ///< changed and unchanged lines below their hunks and files
  json,      ///< elements and members; arrays of like objects as columns and rows; what is left is JSON
  log,       ///< lines; those of one template are told of at their first
  grep,      ///< lines below their file's name
  table,     ///< rows below the first
};

/// "prose", "markdown" …
[[nodiscard]] std::string_view context_kind_name(ContextKind kind) noexcept;
/// The kind of such a name; `invalid_argument` names those that there are.
[[nodiscard]] Result<ContextKind> parse_context_kind(std::string_view name);

/// A text, and how a reader knows it.
struct ContextInput {
  std::string name;                                ///< shown where there are several; its ending tells of the kind
  std::string text;                                ///< less than 4 GiB
  std::string title = {};                          ///< of the whole, seen by the scorer and not shown
  std::optional<ContextKind> kind = std::nullopt;  ///< nothing: found by name and content, and stretch by stretch
};

struct ReadContextOptions {
  std::optional<ContextKind> kind = std::nullopt;  ///< of all
  std::uint64_t most_bytes = 1ull << 30;           ///< of all texts together
};

/// The texts of files, of folders (what .gitignore names is left out) and of "-", standard input, in their order. HTML,
/// manual pages and PDF are read as their text; files that are no text are left out of folders, and refused where they
/// are named. `over_limit` beyond `most_bytes`.
[[nodiscard]] Result<std::vector<ContextInput>> read_context(const std::vector<std::filesystem::path>& paths,
                                                             const ReadContextOptions& options = {});

struct ContextOptions {
  std::uint64_t tokens = 0;  ///< the budget; 0: none in tokens
  double ratio = 0;          ///< the budget as a share of the inputs' tokens, in (0, 1]; 0: none. Of two the smaller
  std::string query = {};    ///< what the text will be asked; empty: what covers the inputs best is kept
  std::vector<std::string> keep = {};  ///< regular expressions (RE2) over the source: all that matches is kept
  std::string tokenizer = {};          ///< "characters/4" (also empty), an estimate; "wordpiece"; or a tokenizer's file
  std::string encoder = {};  ///< a folder with a BERT model that judges with the query; empty: the library's table
  float min_relevance = 0;   ///< with a query: only units that are relevant with at least this probability
  unsigned threads = 0;      ///< of `encoder`; 0: one per available core
};

/// Bytes [begin, end) of an input that are shown.
struct ContextSpan {
  std::uint32_t input = 0;
  std::uint64_t begin = 0, end = 0;
  float relevance = 0;  ///< with a query: of its most relevant unit, 0 to 1
};

/// A mark in the text, and what it stands for.
struct ContextCut {
  std::uint32_t input = 0;
  std::string id;                    ///< what restore_context() takes
  std::string unit;                  ///< "3 sentences", "36 lines alike"
  std::uint64_t begin = 0, end = 0;  ///< bytes of the input; lines that are alike: from the first to the last of them
  std::uint64_t tokens = 0;
  bool alike = false;     ///< lines that differ from one that is shown in numbers and identifiers alone
  bool repeated = false;  ///< stands word for word earlier in the input
  float relevance = 0;    ///< with a query: of the most relevant unit that was cut, 0 to 1
};

/// What became of the inputs.
enum class ContextOutcome : std::uint8_t {
  whole,   ///< they fitted, and stand as they were
  folded,  ///< nothing was cut but what stands word for word elsewhere
  cut,
};

struct Context {
  std::string text;
  ContextOutcome outcome = ContextOutcome::whole;
  std::uint64_t tokens = 0, input_tokens = 0, budget = 0;
  std::string tokenizer;   ///< what they are counted in
  bool estimated = false;  ///< not by a model's own rules
  std::vector<ContextSpan> kept;
  std::vector<ContextCut> cuts;
  std::vector<ContextKind> kinds;       ///< by input
  std::vector<std::uint32_t> left_out;  ///< inputs of which nothing is shown
};

/// The text has at most the budget's tokens, and no more bytes than the inputs; the same inputs and options give the
/// same text, always. `goal_unreachable` where what must be kept does not fit; the message says the least budget.
[[nodiscard]] Result<Context> fit_context(std::span<const ContextInput> inputs, const ContextOptions& options);

/// The bytes that a mark of fit_context() stands for, from the input that was cut. `invalid_argument` where the id
/// marks no cut of any input.
[[nodiscard]] Result<std::string> restore_context(std::span<const ContextInput> inputs, std::string_view id);

struct EvaluateContextOptions {
  /// JSON lines: "question" (or "query"), "evidence": the strings that must survive, and "context": a text, or a list
  /// of texts or of {"title", "text"}. Without "context" the inputs are asked.
  std::filesystem::path questions;
  ContextOptions fit = {};  ///< `query` is each line's own
  double confidence = 0.95;
  Progress* progress = nullptr;
};

struct ContextQuestion {
  std::string question;
  double kept = 0;  ///< share of its evidence that stands in the text, word for word
  std::uint64_t tokens = 0, budget = 0, input_tokens = 0;
};

struct ContextEvaluation {
  std::vector<ContextQuestion> questions;
  std::uint64_t evidence = 0, evidence_kept = 0;  ///< pieces
  double kept = 0;                                ///< mean share of evidence kept, over questions
  double lower_bound = 0;                         ///< of that mean, one-sided, at the confidence asked for
  double all_kept = 0;                            ///< share of questions that kept all
  std::uint64_t tokens = 0, input_tokens = 0;
  double seconds = 0;
  std::string scope;  ///< what was measured, and what it does not promise
};

/// Fits each question's context and looks for its evidence. `invalid_data` names the line that is wrong, or whose
/// evidence is not in its context.
[[nodiscard]] Result<ContextEvaluation> evaluate_context(std::span<const ContextInput> inputs,
                                                         const EvaluateContextOptions& options);

}  // namespace attar
