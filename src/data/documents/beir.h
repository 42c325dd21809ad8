// Sets for evaluating retrieval: the layout of BEIR, queries, and runs and judgements as TREC has them, which
// read_qrels() of data/text_lines.h reads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attar/result.h"
#include "data/text_lines.h"

namespace attar::data {

/// A folder in the layout of BEIR.
struct BeirFolder {
  std::filesystem::path corpus;              ///< corpus.jsonl
  std::filesystem::path queries;             ///< queries.jsonl
  std::vector<std::filesystem::path> qrels;  ///< qrels/*.tsv, by name: "test.tsv", "train.tsv" …
};

/// Nothing where corpus.jsonl or queries.jsonl is missing.
[[nodiscard]] std::optional<BeirFolder> find_beir(const std::filesystem::path& folder);

struct Query {
  std::string id;
  std::string text;

  friend bool operator==(const Query&, const Query&) = default;
};

/// Reads queries, in the file's order, in any of three layouts: JSONL with "_id" or "id" (a string or an integer) and
/// "text"; "id\ttext" a line, in a .tsv or where the first line holds a tab, behind a header or not; else a query a
/// line, whose id is the line's number. Blank lines are skipped. `invalid_data` names the line that is wrong or repeats
/// an id.
[[nodiscard]] Result<std::vector<Query>> read_queries(const std::filesystem::path& path);

/// A row of a run: what a system answered.
struct RunRow {
  std::string query;
  std::string document;
  std::uint64_t rank = 0;  ///< from 1 on
  double score = 0;        ///< finite; larger is better
};

/// Writes "qid Q0 docid rank score tag" a line, whole or not at all. `invalid_argument` for ids and tags that are empty
/// or hold blanks, which the layout cannot tell apart, and for scores that are not finite.
[[nodiscard]] Status write_run(const std::filesystem::path& path, std::span<const RunRow> rows, std::string_view tag);

/// Writes "qid 0 docid rel" a line, as read_qrels() reads it, whole or not at all. `invalid_argument` for ids that are
/// empty or hold blanks.
[[nodiscard]] Status write_qrels(const std::filesystem::path& path, std::span<const Judgement> judgements);

}  // namespace attar::data
