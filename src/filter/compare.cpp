// What a comparison means for a column of each type: the codes that it asks for.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "filter/attributes.h"

namespace attar::filter {
namespace {

__extension__ using Wide = __int128;  // wider than every key, so that bounds do not wrap

/// A value that lies between two whole numbers, or is one.
struct Between {
  Wide floor = 0, ceiling = 0;
};

Between between_of(double value) {
  constexpr double most = 1e19;  // beyond every whole number of 64 bits
  value = std::clamp(value, -most, most);
  return {static_cast<Wide>(std::floor(value)), static_cast<Wide>(std::ceil(value))};
}

std::vector<CodeRange> merged(std::vector<CodeRange> ranges) {
  std::ranges::sort(ranges, {}, &CodeRange::first);
  std::vector<CodeRange> out;
  for (const CodeRange& range : ranges) {
    if (!out.empty() && range.first <= out.back().last + 1) {
      out.back().last = std::max(out.back().last, range.last);
    } else {
      out.push_back(range);
    }
  }
  return out;
}

/// The codes below `count` that are in none of the ranges.
std::vector<CodeRange> complement(const std::vector<CodeRange>& ranges, std::uint64_t count) {
  std::vector<CodeRange> out;
  std::uint64_t next = 0;
  for (const CodeRange& range : ranges) {
    if (range.first > next) out.push_back({next, range.first - 1});
    next = range.last + 1;
  }
  if (next < count) out.push_back({next, count - 1});
  return out;
}

class Comparing {
 public:
  Comparing(const Column& column, const Comparison& comparison, std::string_view text)
      : column_(column), head_(column.head()), comparison_(comparison), text_(text) {}

  Result<RowSet> run() {
    if (comparison_.comparator == Comparator::is_null) {
      ATTAR_ASSIGN(const RowSet nulls, column_.rows_without_value());
      return comparison_.negated ? RowSet::all(column_.rows()) - nulls : nulls;
    }
    ATTAR_ASSIGN(const auto ranges, codes());
    const bool negated = comparison_.negated || comparison_.comparator == Comparator::unequal;
    if (!negated) return column_.rows_with(ranges);
    if (!head_.is_list()) return column_.rows_with(complement(ranges, head_.values));
    // A list without the element may hold any other.
    ATTAR_ASSIGN(const RowSet with, column_.rows_with(ranges));
    ATTAR_ASSIGN(const RowSet nulls, column_.rows_without_value());
    return RowSet::all(column_.rows()) - nulls - with;
  }

 private:
  using Ranges = std::vector<CodeRange>;

  std::unexpected<Error> mismatch(std::size_t at, std::string_view advice) const {
    return where_error(text_, at,
                       fmt::format("field \"{}\" is {} {}; {}", head_.name,
                                   head_.type == ColumnType::integer ? "an" : "a", type_name(head_.type), advice));
  }

  Result<Ranges> codes() const {
    if (head_.is_list()) return codes_of_list();
    if (head_.has_strings()) return codes_of_string();
    if (comparison_.comparator == Comparator::like || comparison_.comparator == Comparator::contains)
      return mismatch(comparison_.at, "like and contains are for strings");
    if (head_.type == ColumnType::boolean && comparison_.comparator != Comparator::equal &&
        comparison_.comparator != Comparator::unequal && comparison_.comparator != Comparator::in)
      return mismatch(comparison_.at, "compare it with = true or = false");
    Ranges out;
    if (comparison_.comparator == Comparator::between) {
      ATTAR_ASSIGN(const auto from, keys(Comparator::at_least, comparison_.operands[0]));
      ATTAR_ASSIGN(const auto to, keys(Comparator::at_most, comparison_.operands[1]));
      if (from && to) ATTAR_TRY(add(out, {std::max(from->first, to->first), std::min(from->last, to->last)}));
      return out;
    }
    const bool equal = comparison_.comparator == Comparator::in || comparison_.comparator == Comparator::unequal;
    for (const Literal& literal : comparison_.operands) {
      ATTAR_ASSIGN(const auto range, keys(equal ? Comparator::equal : comparison_.comparator, literal));
      if (range) ATTAR_TRY(add(out, *range));
    }
    return merged(std::move(out));
  }

  /// Adds the codes of a range of keys.
  Status add(Ranges& out, const CodeRange& keys) const {
    ATTAR_ASSIGN(const auto codes, column_.codes_between(keys.first, keys.last));
    if (codes) out.push_back(*codes);
    return {};
  }

  /// The keys that compare so with a value; nothing where none can.
  Result<std::optional<CodeRange>> keys(Comparator comparator, const Literal& literal) const {
    if (head_.type == ColumnType::boolean) {
      const auto* truth = std::get_if<bool>(&literal.value);
      if (truth == nullptr) return mismatch(literal.at, "its values are true and false");
      return std::optional(CodeRange{*truth ? 1u : 0u, *truth ? 1u : 0u});
    }
    if (head_.type == ColumnType::floating) {
      ATTAR_ASSIGN(const double value, real(literal));
      const std::uint64_t key = key_of(value);
      return bounded(comparator, Wide{key}, Wide{key}, 0, Wide{std::numeric_limits<std::uint64_t>::max()});
    }
    ATTAR_ASSIGN(const Between value, whole(literal));
    return bounded(comparator, value.floor + key_zero, value.ceiling + key_zero, 0,
                   Wide{std::numeric_limits<std::uint64_t>::max()});
  }

  static std::optional<CodeRange> bounded(Comparator comparator, Wide floor, Wide ceiling, Wide least, Wide most) {
    Wide first = least, last = most;
    switch (comparator) {
      case Comparator::less: last = ceiling - 1; break;
      case Comparator::at_most: last = floor; break;
      case Comparator::more: first = floor + 1; break;
      case Comparator::at_least: first = ceiling; break;
      default: first = ceiling; last = floor;
    }
    first = std::max(first, least);
    last = std::min(last, most);
    if (first > last) return std::nullopt;
    return CodeRange{static_cast<std::uint64_t>(first), static_cast<std::uint64_t>(last)};
  }

  Result<double> real(const Literal& literal) const {
    if (const auto* integer = std::get_if<std::int64_t>(&literal.value)) return static_cast<double>(*integer);
    if (const auto* real = std::get_if<double>(&literal.value)) return *real;
    return mismatch(literal.at, "compare it with a number, without quotes");
  }

  /// For integers, dates and times.
  Result<Between> whole(const Literal& literal) const {
    if (head_.type == ColumnType::integer) {
      if (const auto* integer = std::get_if<std::int64_t>(&literal.value)) return Between{*integer, *integer};
      if (const auto* real = std::get_if<double>(&literal.value)) return between_of(*real);
      return mismatch(literal.at, "compare it with a number, without quotes");
    }
    const auto* text = std::get_if<std::string>(&literal.value);
    const auto moment = text == nullptr ? std::nullopt : parse_moment(*text);
    if (!moment) return mismatch(literal.at, "write dates as '2024-05-01' or '2024-05-01T12:30:00Z'");
    if (head_.type == ColumnType::time) return Between{moment->seconds, moment->seconds};
    const std::int64_t days = moment->days();
    return Between{days, days * seconds_a_day == moment->seconds ? days : days + 1};
  }

  Result<std::string> string_of(const Literal& literal) const {
    if (const auto* text = std::get_if<std::string>(&literal.value)) return *text;
    return mismatch(literal.at, "write the value in 'single quotes'");
  }

  Result<Ranges> codes_of_list() const {
    if (comparison_.comparator != Comparator::contains)
      return mismatch(comparison_.at, "ask what it holds with contains 'element'");
    ATTAR_ASSIGN(const std::string wanted, string_of(comparison_.operands.front()));
    ATTAR_ASSIGN(const auto place, column_.place_of(wanted));
    return place.second ? Ranges{{place.first, place.first}} : Ranges{};
  }

  Result<Ranges> codes_of_string() const {
    std::vector<std::string> values;
    for (const Literal& literal : comparison_.operands) {
      ATTAR_ASSIGN(std::string value, string_of(literal));
      values.push_back(std::move(value));
    }
    switch (comparison_.comparator) {
      case Comparator::like: return codes_like(values.front());
      case Comparator::contains:
        if (head_.values == 0) return Ranges{};
        return column_.codes_where({0, head_.values - 1}, [&](std::string_view text) {
          return text.find(values.front()) != std::string_view::npos;
        });
      case Comparator::between: {
        ATTAR_ASSIGN(const std::uint64_t first, first_from(values[0], false));
        ATTAR_ASSIGN(const std::uint64_t end, first_from(values[1], true));
        return codes_from(first, end);
      }
      case Comparator::less:
      case Comparator::at_most: {
        ATTAR_ASSIGN(const std::uint64_t end, first_from(values[0], comparison_.comparator == Comparator::at_most));
        return codes_from(0, end);
      }
      case Comparator::more:
      case Comparator::at_least: {
        ATTAR_ASSIGN(const std::uint64_t first, first_from(values[0], comparison_.comparator == Comparator::more));
        return codes_from(first, head_.values);
      }
      default: break;
    }
    Ranges out;
    for (const std::string& value : values) {
      ATTAR_ASSIGN(const auto place, column_.place_of(value));
      if (place.second) out.push_back({place.first, place.first});
    }
    return merged(std::move(out));
  }

  /// The first code whose string is at least `text`, or, with `beyond`, above it.
  Result<std::uint64_t> first_from(std::string_view text, bool beyond) const {
    ATTAR_ASSIGN(const auto place, column_.place_of(text));
    return place.first + (beyond && place.second ? 1 : 0);
  }

  static Ranges codes_from(std::uint64_t first, std::uint64_t end) {
    return first < end ? Ranges{{first, end - 1}} : Ranges{};
  }

  Result<Ranges> codes_like(const std::string& pattern) const {
    const LikePrefix prefix = prefix_of(pattern);
    ATTAR_ASSIGN(const std::uint64_t first, first_from(prefix.text, false));
    // All that begin with the prefix come before the least text above it that does not.
    std::string after = prefix.text;
    while (!after.empty() && after.back() == '\xff') after.pop_back();
    std::uint64_t end = head_.values;
    if (!after.empty()) {
      after.back() = static_cast<char>(static_cast<unsigned char>(after.back()) + 1);
      ATTAR_ASSIGN(end, first_from(after, false));
    }
    if (prefix.whole || first >= end) return codes_from(first, end);
    return column_.codes_where({first, end - 1}, [&](std::string_view text) { return is_like(text, pattern); });
  }

  const Column& column_;
  const ColumnHead& head_;
  const Comparison& comparison_;
  std::string_view text_;
};

}  // namespace

Result<RowSet> rows_where(const Column& column, const Comparison& comparison, std::string_view text) {
  return Comparing(column, comparison, text).run();
}

}  // namespace attar::filter
