#include "data/documents/beir.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <system_error>
#include <unordered_set>
#include <utility>

#include "base/bytes.h"
#include "base/file.h"
#include "data/documents/names.h"
#include "data/input_file.h"
#include "data/json_id.h"
#include "data/line_reader.h"
#include "data/utf8.h"

namespace attar::data {
namespace {

namespace fs = std::filesystem;

static_assert(LineReader::padding >= simdjson::SIMDJSON_PADDING);

constexpr std::uint64_t longest_query = 1 << 20;
constexpr std::size_t write_bytes = 1 << 20;

class QueryReader {
 public:
  explicit QueryReader(const InputFile& file) : lines_(file, longest_query), file_(file) {}

  Result<std::vector<Query>> run() {
    for (;;) {
      ATTAR_ASSIGN(const std::optional<std::string_view> line, lines_.next());
      if (!line) break;
      if (is_blank(*line)) continue;
      if (!is_utf8(*line))
        return lines_.fail(ErrorCode::invalid_data, "is not UTF-8; convert the file, as with iconv -t utf-8");
      if (layout_ == Layout::unknown) {
        choose_layout(*line);
        if (layout_ == Layout::tsv && is_header(*line)) continue;
      }
      ATTAR_ASSIGN(Query query, parse(*line));
      if (query.id.empty() || is_blank(query.text))
        return lines_.fail(ErrorCode::invalid_data, "has an empty id or an empty text");
      if (!ids_.insert(query.id).second)
        return lines_.fail(ErrorCode::invalid_data, fmt::format("repeats the id {}", in_quotes(query.id)));
      queries_.push_back(std::move(query));
    }
    if (queries_.empty()) return file_.fail(ErrorCode::invalid_data, "holds no queries; give one a line");
    return std::move(queries_);
  }

 private:
  enum class Layout : std::uint8_t { unknown, jsonl, tsv, plain };

  void choose_layout(std::string_view line) {
    const bool tsv = !file_.spooled() && lowered(fs::path(file_.name()).extension().string()) == ".tsv";
    if (line.starts_with('{')) {
      layout_ = Layout::jsonl;
    } else {
      layout_ = tsv || line.find('\t') != std::string_view::npos ? Layout::tsv : Layout::plain;
    }
  }

  static bool is_header(std::string_view line) {
    constexpr std::array ids = std::to_array<std::string_view>({"id", "_id", "qid", "query-id", "query_id", "queryid"});
    constexpr std::array texts = std::to_array<std::string_view>({"text", "query"});
    const auto holds = [](const auto& names, std::string_view name) {
      return std::ranges::any_of(names, [&](std::string_view known) { return equal_ascii(known, name); });
    };
    const std::size_t tab = std::min(line.find('\t'), line.size() - 1);
    return holds(ids, line.substr(0, tab)) && holds(texts, line.substr(tab + 1));
  }

  Result<Query> parse(std::string_view line) {
    if (layout_ == Layout::jsonl) return parse_json(line);
    if (layout_ == Layout::plain) return Query{fmt::to_string(lines_.number()), std::string(line)};
    const std::size_t tab = line.find('\t');
    if (tab == std::string_view::npos)
      return lines_.fail(ErrorCode::invalid_data, "has no tab; give an id, a tab and the query");
    return Query{std::string(line.substr(0, tab)), std::string(line.substr(tab + 1))};
  }

  Result<Query> parse_json(std::string_view line) {
    simdjson::dom::object fields;
    const auto error = parser_.parse(line.data(), line.size(), false).get(fields);
    if (error != simdjson::SUCCESS)
      return lines_.fail(
          ErrorCode::invalid_data,
          fmt::format("is not a JSON object ({}); write one whole object a line", simdjson::error_message(error)));
    Query out;
    for (const std::string_view key : {"_id", "id"}) {
      if (out.id.empty()) out.id = id_of(fields, key).value_or("");
    }
    std::string_view text;
    if (out.id.empty() || fields.at_key("text").get(text) != simdjson::SUCCESS)
      return lines_.fail(ErrorCode::invalid_data, "needs \"_id\" (a string or an integer) and \"text\" (a string)");
    out.text = text;
    return out;
  }

  LineReader lines_;
  const InputFile& file_;
  simdjson::dom::parser parser_;
  Layout layout_ = Layout::unknown;
  std::vector<Query> queries_;
  std::unordered_set<std::string> ids_;
};

/// Fit for a column that ends at a blank.
bool is_word(std::string_view text) {
  return !text.empty() && text.find_first_of(" \t\r\n\f\v") == std::string_view::npos;
}

Status check_ids(std::string_view query, std::string_view document) {
  if (is_word(query) && is_word(document)) return {};
  return fail(ErrorCode::invalid_argument,
              fmt::format("query {}, document {}: ids must not be empty nor hold blanks, at which TREC splits lines",
                          in_quotes(query), in_quotes(document)));
}

/// add(row, text) appends a line.
template <class Row, class Add>
Status write_lines(const fs::path& path, std::span<const Row> rows, const Add& add) {
  ATTAR_ASSIGN(base::AtomicFile file, base::AtomicFile::create(path));
  std::string text;
  for (const Row& row : rows) {
    ATTAR_TRY(add(row, text));
    if (text.size() < write_bytes) continue;
    ATTAR_TRY(file.write(std::as_bytes(std::span(text))));
    text.clear();
  }
  ATTAR_TRY(file.write(std::as_bytes(std::span(text))));
  return file.commit();
}

}  // namespace

std::optional<BeirFolder> find_beir(const fs::path& folder) {
  BeirFolder out{.corpus = folder / "corpus.jsonl", .queries = folder / "queries.jsonl", .qrels = {}};
  std::error_code unknown;
  if (!fs::is_regular_file(out.corpus, unknown) || !fs::is_regular_file(out.queries, unknown)) return std::nullopt;
  std::error_code error;
  for (fs::directory_iterator entry(folder / "qrels", error); !error && entry != fs::directory_iterator();
       entry.increment(error))
    if (entry->path().extension() == ".tsv" && entry->is_regular_file(unknown)) out.qrels.push_back(entry->path());
  std::ranges::sort(out.qrels);
  return out;
}

Result<std::vector<Query>> read_queries(const fs::path& path) {
  ATTAR_ASSIGN(const InputFile file, InputFile::open(path));
  return QueryReader(file).run();
}

Status write_run(const fs::path& path, std::span<const RunRow> rows, std::string_view tag) {
  if (!is_word(tag))
    return fail(ErrorCode::invalid_argument, fmt::format("the tag {} is empty or holds blanks", in_quotes(tag)));
  return write_lines(path, rows, [&](const RunRow& row, std::string& text) -> Status {
    ATTAR_TRY(check_ids(row.query, row.document));
    if (!std::isfinite(row.score))
      return fail(ErrorCode::invalid_argument, fmt::format("the score of document {} for query {} is not finite",
                                                           in_quotes(row.document), in_quotes(row.query)));
    text += fmt::format("{} Q0 {} {} {} {}\n", row.query, row.document, row.rank, row.score, tag);
    return {};
  });
}

Status write_qrels(const fs::path& path, std::span<const Judgement> judgements) {
  return write_lines(path, judgements, [](const Judgement& judgement, std::string& text) -> Status {
    ATTAR_TRY(check_ids(judgement.query, judgement.document));
    text += fmt::format("{} 0 {} {}\n", judgement.query, judgement.document, judgement.relevance);
    return {};
  });
}

}  // namespace attar::data
