// Rows as CSV or TSV, after a line of names.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "data/line_reader.h"
#include "data/records.h"
#include "data/utf8.h"

namespace attar::data {
namespace {

constexpr std::size_t most_fields = 1u << 16;

struct Field {
  std::string text;
  bool quoted = false;
};

/// What a cell without quotes holds: numbers as people write them, so that codes such as 007 stay texts.
void find_kind(Cell& cell) {
  const std::string_view text = cell.text;
  cell.kind = Cell::Kind::text;
  if (text == "true" || text == "false") {
    cell.kind = Cell::Kind::truth;
    cell.truth = text == "true";
    return;
  }
  const std::string_view digits = text.substr(text.starts_with('-') ? 1 : 0);
  const bool number = !digits.empty() && digits.front() >= '0' && digits.front() <= '9';
  if (!number || (digits.size() > 1 && digits.front() == '0' && digits[1] != '.')) return;
  const char *begin = text.data(), *end = begin + text.size();
  const auto whole = std::from_chars(begin, end, cell.whole);
  if (whole.ec == std::errc{} && whole.ptr == end) {
    cell.kind = Cell::Kind::whole;
    return;
  }
  const auto real = std::from_chars(begin, end, cell.real);
  if (real.ec == std::errc{} && real.ptr == end && std::isfinite(cell.real)) cell.kind = Cell::Kind::real;
}

class CsvRecords final : public RecordReader {
 public:
  CsvRecords(const InputFile& file, char separator, std::uint64_t longest)
      : lines_(file, longest), file_(file), separator_(separator), longest_(longest) {}

  Result<bool> next(const Visit& visit) override {
    if (broken_) return false;
    if (names_.empty()) {
      // Without names nothing that follows is a row.
      auto named = read_names();
      broken_ = !named;
      ATTAR_TRY(std::move(named));
    }
    ATTAR_ASSIGN(const bool there, read_record());
    if (!there) return false;
    if (fields_.size() != names_.size())
      return lines_.fail(ErrorCode::invalid_data,
                         fmt::format("has {} fields where the first line names {}", fields_.size(), names_.size()));
    for (std::size_t i = 0; i < names_.size(); ++i) {
      cell_.text = fields_[i].text;
      cell_.kind = Cell::Kind::text;
      if (!fields_[i].quoted) {
        if (cell_.text.empty()) {
          cell_.kind = Cell::Kind::null;
        } else {
          find_kind(cell_);
        }
      }
      visit(names_[i], cell_);
    }
    return true;
  }
  std::uint64_t line() const noexcept override { return line_; }
  std::uint64_t position() const noexcept override { return lines_.position(); }

 private:
  Status read_names() {
    ATTAR_ASSIGN(const bool there, read_record());
    if (!there) return file_.fail(ErrorCode::invalid_data, "is empty; its first line must name the fields");
    for (const Field& field : fields_) {
      if (field.text.empty()) return lines_.fail(ErrorCode::invalid_data, "names a field with no name");
      names_.push_back(field.text);
    }
    std::vector<std::string_view> sorted(names_.begin(), names_.end());
    std::ranges::sort(sorted);
    if (const auto twice = std::ranges::adjacent_find(sorted); twice != sorted.end())
      return lines_.fail(ErrorCode::invalid_data, fmt::format("names {} twice", in_quotes(*twice)));
    return {};
  }

  /// Reads a record, of several lines where quotes hold line ends. A blank line is none, but of a single field.
  Result<bool> read_record() {
    fields_.clear();
    bool open = false;
    std::uint64_t bytes = 0;
    do {
      auto line = lines_.next();
      broken_ = !line && line.error().code != ErrorCode::over_limit;
      if (!open) line_ = lines_.number();
      ATTAR_ASSIGN(const std::optional<std::string_view> found, std::move(line));
      if (!found) {
        if (open) return file_.fail(ErrorCode::truncated, "ends inside a quoted field");
        return false;
      }
      if (!open && found->empty() && names_.size() != 1) continue;
      if (!is_utf8(*found))
        return lines_.fail(ErrorCode::invalid_data, "is not UTF-8; convert the file, as with iconv -t utf-8");
      bytes += found->size() + 1;
      ATTAR_ASSIGN(open, split(*found, open));
      if (open && bytes > longest_)
        return lines_.fail(ErrorCode::over_limit, "ends a quoted field that is too long; is a quote missing?");
    } while (open || fields_.empty());
    return true;
  }

  /// Adds a line's fields; true where it ends inside quotes.
  Result<bool> split(std::string_view line, bool open) {
    std::size_t at = 0;
    if (!open) fields_.emplace_back();
    if (open) fields_.back().text += '\n';
    for (;;) {
      Field& field = fields_.back();
      if (!open && line.substr(at).starts_with('"')) {
        field.quoted = open = true;
        ++at;
      }
      if (open) {
        ATTAR_ASSIGN(open, quoted(line, at, field.text));
        if (open) return true;
      } else {
        const std::size_t end = std::min(line.find(separator_, at), line.size());
        field.text = line.substr(at, end - at);
        at = end;
      }
      if (at == line.size()) return false;
      if (fields_.size() == most_fields)
        return lines_.fail(ErrorCode::over_limit, fmt::format("has more than {} fields", most_fields));
      ++at;
      fields_.emplace_back();
    }
  }

  /// Reads on inside quotes; true where the line ends before they do.
  Result<bool> quoted(std::string_view line, std::size_t& at, std::string& out) const {
    for (;;) {
      const std::size_t quote = line.find('"', at);
      out += line.substr(at, quote - at);
      if (quote == std::string_view::npos) return true;
      at = quote + 1;
      if (at < line.size() && line[at] == '"') {
        out += '"';
        ++at;
        continue;
      }
      if (at < line.size() && line[at] != separator_)
        return lines_.fail(ErrorCode::invalid_data,
                           "has something behind a closing quote; double quotes inside quotes");
      return false;
    }
  }

  LineReader lines_;
  const InputFile& file_;
  char separator_;
  std::uint64_t longest_;
  std::uint64_t line_ = 0;  ///< where the present record begins
  bool broken_ = false;     ///< nothing that follows can be read
  std::vector<std::string> names_;
  std::vector<Field> fields_;
  Cell cell_;
};

}  // namespace

std::unique_ptr<RecordReader> csv_records(const InputFile& file, char separator, std::uint64_t longest) {
  return std::make_unique<CsvRecords>(file, separator, longest);
}

}  // namespace attar::data
