#include "filter/meta.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "data/input_file.h"
#include "data/records.h"
#include "filter/column_writer.h"
#include "filter/nearest.h"
#include "format/ids.h"

namespace attar::filter {
namespace {

using data::Cell;

constexpr std::size_t most_fields = 1u << 16;
constexpr std::uint64_t rows_between_checks = 4096;

/// What the rows hold in one field.
struct Survey {
  std::string name;
  std::uint64_t truths = 0, wholes = 0, reals = 0, texts = 0, lists = 0, others = 0;
  std::uint64_t days = 0, times = 0;  ///< of the texts
  std::uint64_t longest = 0;          ///< bytes of a string
  std::uint64_t seen = 0;             ///< the last row that has the field, counted from 1

  void add(const Cell& cell) {
    switch (cell.kind) {
      case Cell::Kind::null: break;
      case Cell::Kind::truth: ++truths; break;
      case Cell::Kind::whole: ++wholes; break;
      case Cell::Kind::real: ++reals; break;
      case Cell::Kind::other: ++others; break;
      case Cell::Kind::texts:
        ++lists;
        for (const std::string_view text : cell.texts) longest = std::max<std::uint64_t>(longest, text.size());
        break;
      case Cell::Kind::text: {
        ++texts;
        const auto moment = parse_moment(cell.text);
        if (moment) ++(moment->whole_day ? days : times);
      }
    }
    longest = std::max<std::uint64_t>(longest, cell.text.size());
  }

  /// The type of the column; nothing where there can be none, and `why_not` says why.
  [[nodiscard]] std::optional<ColumnType> type() const {
    if (!why_not().empty()) return std::nullopt;
    if (lists > 0) return ColumnType::strings;
    if (texts > 0 && truths + wholes + reals == 0 && days + times == texts)
      return times > 0 ? ColumnType::time : ColumnType::date;
    if (texts > 0 || truths + wholes + reals == 0) return ColumnType::string;
    if (truths == 0) return reals == 0 ? ColumnType::integer : ColumnType::floating;
    return wholes + reals == 0 ? ColumnType::boolean : ColumnType::string;
  }

  [[nodiscard]] std::string why_not() const {
    if (others > 0) return "holds objects, or lists of something else than strings";
    if (lists > 0 && truths + wholes + reals > 0) return "holds lists in some rows and single values in others";
    if (longest > format::max_id_bytes)
      return fmt::format("holds a string of more than {} bytes", format::max_id_bytes);
    if (name.empty() || name.size() > most_name_bytes) return "has a name of no length that is allowed";
    return {};
  }

  [[nodiscard]] bool is_empty() const noexcept { return truths + wholes + reals + texts + lists == 0; }
};

struct Hash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
};
using Places = std::unordered_map<std::string, std::size_t, Hash, std::equal_to<>>;

class Reading {
 public:
  Reading(const OpenRecords& open, const MetaOptions& options, std::uint64_t rows, base::Progress& progress)
      : open_(open), options_(options), rows_(rows), progress_(progress) {}

  Result<Meta> run() {
    progress_.stage("reading attributes", 2 * rows_);
    ATTAR_TRY(survey());
    ATTAR_TRY(choose());
    ATTAR_TRY(fill());
    for (Column& column : columns_) {
      ATTAR_ASSIGN(auto bytes, std::move(column.writer).finish());
      out_.columns.push_back(std::move(bytes));
    }
    return std::move(out_);
  }

 private:
  struct Column {
    ColumnWriter writer;
    ColumnType type;
  };

  [[nodiscard]] std::unexpected<Error> fail_here(ErrorCode code, std::string message) const {
    return std::unexpected(Error{.code = code, .message = std::move(message), .file = options_.path.string()});
  }

  /// Visits all rows; after_row(row) follows each.
  template <class AfterRow>
  Status each_row(const data::RecordReader::Visit& visit, const AfterRow& after_row) {
    ATTAR_ASSIGN(const auto records, open_());
    row_ = 0;
    for (;;) {
      ATTAR_ASSIGN(const bool there, records->next(visit));
      if (!there) break;
      ++row_;
      ATTAR_TRY(after_row());
      if (row_ % rows_between_checks != 0) continue;
      ATTAR_TRY(base::check_cancelled(progress_));
      progress_.advance(rows_between_checks);
    }
    if (row_ == rows_) return {};
    return fail_here(
        ErrorCode::invalid_data,
        fmt::format("has {} rows of attributes, and the vectors have {} rows; give one line a row, in the order "
                    "of the vectors",
                    row_, rows_));
  }

  Status survey() {
    return each_row(
        [this](std::string_view name, const Cell& cell) {
          auto place = places_.find(name);
          if (place == places_.end()) {
            if (fields_.size() == most_fields) {
              too_many_ = true;
              return;
            }
            place = places_.emplace(name, fields_.size()).first;
            fields_.push_back({.name = std::string(name)});
          }
          Survey& field = fields_[place->second];
          if (field.seen == row_ + 1) return;  // the first of two counts
          field.seen = row_ + 1;
          field.add(cell);
        },
        [this]() -> Status {
          if (!too_many_) return {};
          return fail_here(ErrorCode::over_limit, fmt::format("has more than {} fields", most_fields));
        });
  }

  Status choose() {
    if (options_.fields.empty()) {
      for (const Survey& field : fields_) {
        const std::string reason = field.is_empty() && field.others == 0 ? "has no value in any row" : field.why_not();
        if (!reason.empty()) {
          out_.notes.push_back(fmt::format("field {} is left out: it {}", data::in_quotes(field.name), reason));
        } else {
          ATTAR_TRY(keep(field));
        }
      }
    } else {
      for (const std::string& name : options_.fields) {
        ATTAR_ASSIGN(const Survey* field, named(name));
        if (const std::string reason = field->why_not(); !reason.empty())
          return fail_here(ErrorCode::invalid_data,
                           fmt::format("field {} {}; leave it out of the fields", data::in_quotes(name), reason));
        if (targets_[places_.find(name)->second] != none)
          return fail(ErrorCode::invalid_argument, fmt::format("field {} is named twice", data::in_quotes(name)));
        ATTAR_TRY(keep(*field));
      }
    }
    return check_sorted();
  }

  Result<const Survey*> named(const std::string& name) {
    targets_.resize(fields_.size(), none);
    const auto place = places_.find(name);
    if (place != places_.end()) return &fields_[place->second];
    std::vector<std::string> names;
    for (const Survey& field : fields_) names.push_back(field.name);
    const std::string near = nearest_name(name, names);
    return fail_here(ErrorCode::invalid_argument,
                     fmt::format("has no field {}{}; {}", data::in_quotes(name),
                                 near.empty() ? "" : fmt::format(", did you mean {}?", data::in_quotes(near)),
                                 names_in_words(names)));
  }

  Status keep(const Survey& field) {
    targets_.resize(fields_.size(), none);
    if (columns_.size() == most_columns)
      return fail_here(ErrorCode::over_limit,
                       fmt::format("has more than {} fields to keep; name those that filters need", most_columns));
    const ColumnType type = field.type().value();
    const bool sorted = std::ranges::find(options_.sorted, field.name) != options_.sorted.end();
    if (sorted && !is_numeric(type))
      return fail(ErrorCode::invalid_argument,
                  fmt::format("field {} is a {}; only numbers and dates get a sorted order, strings are quick without",
                              data::in_quotes(field.name), type_name(type)));
    targets_[places_.find(field.name)->second] = columns_.size();
    columns_.push_back({ColumnWriter(field.name, type, sorted), type});
    return {};
  }

  Status check_sorted() {
    for (const std::string& name : options_.sorted) {
      ATTAR_TRY(named(name));
      if (targets_[places_.find(name)->second] == none)
        return fail(ErrorCode::invalid_argument,
                    fmt::format("field {} is to be sorted, but it is not kept; name it among the fields",
                                data::in_quotes(name)));
    }
    return {};
  }

  Status fill() {
    return each_row(
        [this](std::string_view name, const Cell& cell) {
          const auto place = places_.find(name);
          if (place == places_.end() || targets_[place->second] == none) return;
          Column& column = columns_[targets_[place->second]];
          if (column.writer.rows() == row_) add(column, cell);
        },
        [this]() -> Status {
          for (Column& column : columns_)
            if (column.writer.rows() < row_) column.writer.add_null();
          return {};
        });
  }

  static void add(Column& column, const Cell& cell) {
    ColumnWriter& writer = column.writer;
    if (cell.kind == Cell::Kind::null) {
      writer.add_null();
      return;
    }
    switch (column.type) {
      case ColumnType::integer: writer.add_key(key_of(cell.whole)); return;
      case ColumnType::floating:
        writer.add_key(key_of(cell.kind == Cell::Kind::whole ? static_cast<double>(cell.whole) : cell.real));
        return;
      case ColumnType::boolean: writer.add_key(cell.truth ? 1 : 0); return;
      case ColumnType::date:
      case ColumnType::time: {
        const Moment moment = parse_moment(cell.text).value_or(Moment{});
        writer.add_key(key_of(column.type == ColumnType::date ? moment.days() : moment.seconds));
        return;
      }
      case ColumnType::string: writer.add_string(cell.as_text()); return;
      case ColumnType::strings:
        if (cell.kind == Cell::Kind::text) {
          writer.add_list(std::span(&cell.text, 1));
        } else {
          writer.add_list(cell.texts);
        }
    }
  }

  static constexpr std::size_t none = ~std::size_t{0};

  const OpenRecords& open_;
  const MetaOptions& options_;
  std::uint64_t rows_;
  base::Progress& progress_;
  std::uint64_t row_ = 0;  // rows that are done
  Places places_;          // of fields by name
  std::vector<Survey> fields_;
  bool too_many_ = false;
  std::vector<std::size_t> targets_;  // by field: the column, or none
  std::vector<Column> columns_;
  Meta out_;
};

}  // namespace

Result<Meta> read_meta(const MetaOptions& options, std::uint64_t rows, base::Progress& progress) {
  ATTAR_ASSIGN(const data::InputFile file, data::InputFile::open(options.path));
  return read_meta([&] { return data::open_records(file); }, options, rows, progress);
}

Result<Meta> read_meta(const OpenRecords& open, const MetaOptions& options, std::uint64_t rows,
                       base::Progress& progress) {
  return Reading(open, options, rows, progress).run();
}

}  // namespace attar::filter
