#include "filter/attributes.h"

#include <fmt/format.h>

#include <algorithm>

#include "filter/nearest.h"

namespace attar::filter {

Result<Attributes> Attributes::open(std::vector<format::SectionReader> sections, std::uint64_t rows) {
  Attributes out(rows);
  for (format::SectionReader& section : sections) {
    ATTAR_ASSIGN(Column column, Column::open(std::move(section), rows));
    if (out.find(column.head().name) != nullptr)
      return fail(ErrorCode::corrupt,
                  fmt::format("two columns are called \"{}\"; pack the data anew", column.head().name));
    out.columns_.push_back(std::move(column));
  }
  return out;
}

const Column* Attributes::find(std::string_view name) const noexcept {
  const auto it =
      std::ranges::find(columns_, name, [](const Column& column) { return std::string_view(column.head().name); });
  return it == columns_.end() ? nullptr : &*it;
}

Error Attributes::no_such_field(std::string_view name) const {
  std::vector<std::string> names;
  for (const Column& column : columns_) names.push_back(column.head().name);
  if (names.empty())
    return {.code = ErrorCode::invalid_argument,
            .message = fmt::format(
                "there is no field \"{}\": this file was packed without attributes; pack it with --meta", name)};
  const std::string near = nearest_name(name, names);
  return {
      .code = ErrorCode::invalid_argument,
      .message = fmt::format("there is no field \"{}\"{}; {}", name,
                             near.empty() ? "" : fmt::format(", did you mean \"{}\"?", near), names_in_words(names))};
}

Result<FoundRows> Attributes::rows_where(std::string_view text) const {
  ATTAR_ASSIGN(const Condition condition, parse_where(text));
  const std::string key = canonical_text(condition);
  auto kept = cache_->find(key);
  FoundRows out;
  out.cached = kept && kept->words;
  if (!kept) {
    kept.emplace();
    ATTAR_ASSIGN(kept->rows, evaluate(text, condition));
  }
  if (!kept->words) {
    kept->words = std::make_shared<const std::vector<std::uint64_t>>(kept->rows.words(rows_));
    cache_->keep(key, *kept);
  }
  out.rows = kept->rows;
  out.words = kept->words;
  return out;
}

Result<RowSet> Attributes::evaluate(std::string_view text, const Condition& condition) const {
  using Kind = Condition::Kind;
  if (condition.kind == Kind::comparison) {
    const std::string key = canonical_text(condition);
    if (const auto kept = cache_->find(key)) return kept->rows;
    const Column* column = find(condition.comparison.field);
    if (column == nullptr)
      return where_error(text, condition.comparison.at, no_such_field(condition.comparison.field).message);
    ATTAR_ASSIGN(RowSet rows, filter::rows_where(*column, condition.comparison, text));
    cache_->keep(key, {.rows = rows, .words = nullptr});
    return rows;
  }
  ATTAR_ASSIGN(RowSet rows, evaluate(text, condition.parts.front()));
  if (condition.kind == Kind::negation) return RowSet::all(rows_) - rows;
  for (std::size_t i = 1; i < condition.parts.size(); ++i) {
    ATTAR_ASSIGN(const RowSet more, evaluate(text, condition.parts[i]));
    rows = condition.kind == Kind::conjunction ? rows & more : rows | more;
  }
  return rows;
}

Status Attributes::check() const {
  for (const Column& column : columns_) ATTAR_TRY(column.check());
  return {};
}

}  // namespace attar::filter
