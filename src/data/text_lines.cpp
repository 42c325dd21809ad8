#include "data/text_lines.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "data/input_file.h"
#include "data/json_id.h"
#include "data/line_reader.h"
#include "data/utf8.h"

namespace attar::data {
namespace {

static_assert(LineReader::padding >= simdjson::SIMDJSON_PADDING);

constexpr std::uint64_t longest_id = 65'535;
constexpr std::uint64_t longest_judgement = 1 << 20;

std::optional<std::int32_t> parse_relevance(std::string_view text) {
  std::int32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Splits at every one of `separators`; runs of separators count once where `merge` is set.
std::vector<std::string_view> split(std::string_view line, std::string_view separators, bool merge) {
  std::vector<std::string_view> out;
  std::size_t at = 0;
  for (;;) {
    if (merge) at = std::min(line.find_first_not_of(separators, at), line.size());
    if (merge && at == line.size()) return out;
    const std::size_t end = std::min(line.find_first_of(separators, at), line.size());
    out.push_back(line.substr(at, end - at));
    if (end == line.size()) return out;
    at = end + 1;
  }
}

class QrelsReader {
 public:
  explicit QrelsReader(const InputFile& file) : lines_(file, longest_judgement), file_(file) {}

  Result<std::vector<Judgement>> run() {
    for (;;) {
      ATTAR_ASSIGN(const std::optional<std::string_view> line, lines_.next());
      if (!line) break;
      if (is_blank(*line)) continue;
      if (layout_ == Layout::unknown) {
        choose_layout(*line);
        if (layout_ == Layout::tsv) continue;
      }
      ATTAR_ASSIGN(Judgement judgement, parse(*line));
      if (judgement.query.empty() || judgement.document.empty())
        return lines_.fail(ErrorCode::invalid_data, "has an empty query or document id");
      judgements_.push_back(std::move(judgement));
    }
    if (judgements_.empty())
      return file_.fail(ErrorCode::invalid_data, "holds no judgements; give lines such as \"qid 0 docid 1\"");
    return std::move(judgements_);
  }

 private:
  enum class Layout { unknown, trec, tsv, jsonl };

  void choose_layout(std::string_view line) {
    if (line.starts_with('{')) {
      layout_ = Layout::jsonl;
    } else {
      layout_ = line.starts_with("query-id\t") ? Layout::tsv : Layout::trec;
    }
  }

  Result<Judgement> parse(std::string_view line) {
    if (layout_ == Layout::jsonl) return parse_json(line);
    const bool trec = layout_ == Layout::trec;
    const auto fields = split(line, trec ? " \t" : "\t", trec);
    if (fields.size() != (trec ? 4 : 3))
      return lines_.fail(
          ErrorCode::invalid_data,
          fmt::format("has {} fields; {}", fields.size(),
                      trec ? "a TREC judgement has four, \"qid 0 docid rel\" (and a BEIR file starts with "
                             "the header \"query-id\\tcorpus-id\\tscore\")"
                           : "a BEIR judgement has three, split by tabs: query, document, score"));
    const auto relevance = parse_relevance(fields.back());
    if (!relevance)
      return lines_.fail(ErrorCode::invalid_data, fmt::format("has {} as its relevance, where a whole number must be",
                                                              in_quotes(fields.back())));
    return Judgement{std::string(fields.front()), std::string(fields[trec ? 2 : 1]), *relevance};
  }

  Result<Judgement> parse_json(std::string_view line) {
    simdjson::dom::object fields;
    const auto error = parser_.parse(line.data(), line.size(), false).get(fields);
    if (error != simdjson::SUCCESS)
      return lines_.fail(
          ErrorCode::invalid_data,
          fmt::format("is not a JSON object ({}); write one whole object a line", simdjson::error_message(error)));
    auto query = id_of(fields, "query-id");
    auto document = id_of(fields, "corpus-id");
    std::int64_t score = 0;
    const bool scored = fields.at_key("score").get(score) == simdjson::SUCCESS &&
                        score >= std::numeric_limits<std::int32_t>::min() &&
                        score <= std::numeric_limits<std::int32_t>::max();
    if (!query || !document || !scored)
      return lines_.fail(ErrorCode::invalid_data,
                         "needs \"query-id\" and \"corpus-id\" (strings or integers) and \"score\" (a whole number)");
    return Judgement{*std::move(query), *std::move(document), static_cast<std::int32_t>(score)};
  }

  LineReader lines_;
  const InputFile& file_;
  simdjson::dom::parser parser_;
  Layout layout_ = Layout::unknown;
  std::vector<Judgement> judgements_;
};

/// Fails when an id stands on two lines. Views into `ids`, whose strings do not move any more.
Status check_distinct(const InputFile& file, const std::vector<std::string>& ids) {
  std::unordered_map<std::string_view, std::uint64_t> first_line;
  first_line.reserve(ids.size());
  for (std::uint64_t i = 0; i < ids.size(); ++i) {
    const auto [seen, fresh] = first_line.try_emplace(ids[i], i + 1);
    if (!fresh)
      return file.fail(ErrorCode::invalid_data,
                       fmt::format("line {} repeats the id {} of line {}; every row needs an id of its own", i + 1,
                                   in_quotes(ids[i]), seen->second));
  }
  return {};
}

/// The id on the next line; nothing after the last one.
Result<std::optional<std::string_view>> next_id(LineReader& lines) {
  ATTAR_ASSIGN(const std::optional<std::string_view> line, lines.next());
  if (!line) return line;
  if (is_blank(*line)) return lines.fail(ErrorCode::invalid_data, "is empty, and an id was expected");
  if (!is_utf8(*line))
    return lines.fail(ErrorCode::invalid_data, "is not UTF-8; convert the file, as with iconv -t utf-8");
  return line;
}

}  // namespace

Result<std::vector<std::string>> read_ids(const std::filesystem::path& path, std::uint64_t rows) {
  ATTAR_ASSIGN(const InputFile file, InputFile::open(path));
  LineReader lines(file, longest_id);
  std::vector<std::string> ids;
  for (;;) {
    ATTAR_ASSIGN(const std::optional<std::string_view> id, next_id(lines));
    if (!id) break;
    if (ids.size() == rows)
      return lines.fail(ErrorCode::invalid_data,
                        fmt::format("is one id too many: the vectors have {} rows; give one id a row", rows));
    ids.emplace_back(*id);
  }
  if (ids.size() < rows)
    return file.fail(ErrorCode::invalid_data,
                     fmt::format("has {} ids, and the vectors have {} rows; give one id a row", ids.size(), rows));
  ATTAR_TRY(check_distinct(file, ids));
  return ids;
}

Result<std::vector<std::string>> read_listed_ids(const std::filesystem::path& path) {
  ATTAR_ASSIGN(const InputFile file, InputFile::open(path));
  LineReader lines(file, longest_id);
  std::vector<std::string> ids;
  for (;;) {
    ATTAR_ASSIGN(const std::optional<std::string_view> id, next_id(lines));
    if (!id) return ids;
    ids.emplace_back(*id);
  }
}

Result<std::vector<Judgement>> read_qrels(const std::filesystem::path& path) {
  ATTAR_ASSIGN(const InputFile file, InputFile::open(path));
  return QrelsReader(file).run();
}

}  // namespace attar::data
