// Conditions: what the grammar takes and refuses, and that columns answer as a plain look at every row does.
#include "filter/where.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "filter/support.h"

namespace attar::filter {
namespace {

std::string canonical(std::string_view text) {
  const auto condition = parse_where(text);
  return condition ? canonical_text(*condition) : "ERROR " + condition.error().message;
}

TEST(WhereGrammar, TakesAllItSays) {
  EXPECT_EQ(canonical("section = 'games'"), "\"section\" = 'games'");
  EXPECT_EQ(canonical("A<>5 AND b>=-2.5e3"), "(\"A\" != 5 and \"b\" >= -2500)");
  EXPECT_EQ(canonical("a == +7 or not (b is NULL)"), "(\"a\" = 7 or not (\"b\" is null))");
  EXPECT_EQ(canonical("not not a = true"), "\"a\" = true");
  EXPECT_EQ(canonical("x between 1 and 5 and y not between 'a' and 'b'"),
            "(\"x\" between 1 and 5 and \"y\" not between 'a' and 'b')");
  EXPECT_EQ(canonical("x not in ('b', 'a''c', 'b')"), "\"x\" not in ('a''c', 'b')");
  EXPECT_EQ(canonical("\"my \"\"field\" like '%x_' or tags contains 'a'"),
            "(\"my \"\"field\" like '%x_' or \"tags\" contains 'a')");
  EXPECT_EQ(canonical("a.b-c is not null"), "\"a.b-c\" is not null");
  EXPECT_EQ(canonical("gr\xc3\xb6\xc3\x9f"
                      "e<1"),
            "\"gr\xc3\xb6\xc3\x9f"
            "e\" < 1");
  EXPECT_EQ(canonical("a=1 and (b=2 or c=3)"), canonical("( c = 3 or b=2 ) and a = 1"));
}

TEST(WhereGrammar, SaysWhereAndWhatWasExpected) {
  const auto expect = [](std::string_view text, std::string_view place, std::string_view words) {
    const std::string message = canonical(text);
    EXPECT_TRUE(message.starts_with("ERROR")) << text;
    EXPECT_NE(message.find(place), std::string::npos) << message;
    EXPECT_NE(message.find(words), std::string::npos) << message;
  };
  expect("", "at its end", "a field's name");
  expect("a = ", "at its end", "a value");
  expect("a 5", "character 3", "a comparison");
  expect("a = 5 b = 6", "character 7", "\"and\", \"or\" or the end");
  expect("(a = 5", "at its end", "closing parenthesis");
  expect("a = 'x", "character 5", "does not end");
  expect("a = games", "character 5", "a value");
  expect("a in 5", "character 6", "a list");
  expect("a in ()", "character 7", "a value");
  expect("a in (1, 2", "at its end", "comma");
  expect("a between 1 or 2", "character 13", "\"and\"");
  expect("a is 5", "character 6", "\"null\"");
  expect("a = null", "character 5", "is null");
  expect("a like 5", "character 8", "'single quotes'");
  expect("a not = 5", "character 7", "between, in, like or contains");
  expect("a = 5 ; drop", "character 7", "no meaning");
  expect("a = 1.2.3", "character 5", "a number");
  expect("a = 1e999", "character 5", "a number");
}

TEST(WhereGrammar, DepthAndLengthAreLimited) {
  const std::string deep = std::string(99, '(') + "a = 1" + std::string(99, ')');
  EXPECT_TRUE(parse_where(deep));
  EXPECT_FALSE(parse_where("((" + deep + "))"));
  EXPECT_FALSE(parse_where(std::string(1'000'000, '(')));
  std::string nots;
  for (int i = 0; i < 100'000; ++i) nots += "not ";
  EXPECT_TRUE(parse_where(nots + "a = 1"));
  EXPECT_FALSE(parse_where("a = '" + std::string(most_where_bytes, 'x') + "'"));
}

TEST(Like, Patterns) {
  EXPECT_TRUE(is_like("games", "games"));
  EXPECT_TRUE(is_like("games", "g%s"));
  EXPECT_TRUE(is_like("games", "%"));
  EXPECT_TRUE(is_like("", "%"));
  EXPECT_TRUE(is_like("", ""));
  EXPECT_TRUE(is_like("a%b", "a\\%b"));
  EXPECT_TRUE(
      is_like("gr\xc3\xb6\xc3\x9f"
              "e",
              "gr__e"));
  EXPECT_TRUE(is_like("abcabcabd", "%abd"));
  EXPECT_TRUE(is_like("xaxbxc", "%a%b%c"));
  EXPECT_FALSE(is_like("games", "game"));
  EXPECT_FALSE(is_like("axb", "a\\%b"));
  EXPECT_FALSE(is_like("Games", "games"));
  EXPECT_FALSE(is_like("ab", "_"));
  EXPECT_FALSE(is_like("", "_"));
  EXPECT_EQ(prefix_of("abc%").text, "abc");
  EXPECT_TRUE(prefix_of("abc%").whole);
  EXPECT_FALSE(prefix_of("abc").whole);
  EXPECT_EQ(prefix_of("a\\_b_c").text, "a_b");
}

TEST(Moments, OfIso8601) {
  EXPECT_EQ(parse_moment("1970-01-02")->seconds, 86'400);
  EXPECT_TRUE(parse_moment("1970-01-02")->whole_day);
  EXPECT_EQ(parse_moment("1969-12-31T23:59:59.75Z")->seconds, -1);
  EXPECT_EQ(parse_moment("2000-02-29 12:30+02:00")->seconds, 951'820'200);
  EXPECT_EQ(parse_moment("1969-12-31T12:00")->days(), -1);
  for (const char* wrong : {"2023-02-29", "2023-13-01", "2023-1-01", "20230101", "2023-01-01T", "2023-01-01T25:00",
                            "2023-01-01x", "2023-01-01T10:00:60", "2023-01-01T10:00+1", "-001-01-01", ""})
    EXPECT_FALSE(parse_moment(wrong)) << wrong;
  EXPECT_EQ(time_text(-1), "1969-12-31T23:59:59Z");
  EXPECT_EQ(date_text(19'844), "2024-05-01");
  // A hostile file may hold any number: no overflow on the way to a text.
  EXPECT_FALSE(time_text(std::numeric_limits<std::int64_t>::min()).empty());
  EXPECT_FALSE(time_text(std::numeric_limits<std::int64_t>::max()).empty());
}

// --- columns against a plain look at every row ---------------------------------------------------------------------

class Table {
 public:
  Table(base::Random& random, std::size_t rows) : rows_(rows) {
    const std::pair<const char*, ColumnType> names[] = {{"whole", ColumnType::integer}, {"real", ColumnType::floating},
                                                        {"truth", ColumnType::boolean}, {"day", ColumnType::date},
                                                        {"moment", ColumnType::time},   {"word", ColumnType::string},
                                                        {"tags", ColumnType::strings}};
    for (const auto& [name, type] : names) {
      plain.push_back(random_column(random, type, rows, random.below(3) != 0, type == ColumnType::time ? 400'000 : 60));
      plain.back().name = name;
      bytes_.push_back(plain.back().section());
    }
    std::vector<format::SectionReader> sections;
    for (const auto& bytes : bytes_) sections.push_back(section_of(bytes));
    attributes.emplace(Attributes::open(std::move(sections), rows).value());
  }
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  [[nodiscard]] std::size_t rows() const { return rows_; }
  std::vector<Plain> plain;
  std::optional<Attributes> attributes;

 private:
  std::size_t rows_;
  std::vector<std::vector<std::byte>> bytes_;
};

using Holds = std::function<bool(std::size_t)>;
struct Asked {
  std::string text;
  Holds holds;
};

template <class T>
bool compares(const std::string& comparator, const T& a, const T& b) {
  if (comparator == "=") return a == b;
  if (comparator == "!=") return a != b;
  if (comparator == "<") return a < b;
  if (comparator == "<=") return a <= b;
  return comparator == ">" ? a > b : a >= b;
}

// A comparison of a number's column, with values that lie on, between and beyond those of the column.
Asked random_number(base::Random& random, const Plain& column) {
  const auto value_text = [&](double value) {
    if (column.type == ColumnType::date)
      return fmt::format("'{}'", date_text(static_cast<std::int64_t>(std::floor(value))));
    if (column.type == ColumnType::time)
      return fmt::format("'{}'", time_text(static_cast<std::int64_t>(std::floor(value))));
    return fmt::format("{}", value);
  };
  const bool whole = column.type == ColumnType::date || column.type == ColumnType::time;
  const auto draw = [&] {
    const double range = column.type == ColumnType::time ? 500'000 : 80;
    const double value = random.uniform() * range - range / 2;
    return whole || random.below(2) == 0 ? std::floor(value) : std::floor(value * 4) / 4;
  };
  const auto of = [&column](std::size_t row) {
    return column.type == ColumnType::floating ? float_of(*column.keys[row])
                                               : static_cast<double>(integer_of(*column.keys[row]));
  };
  const double a = draw(), b = draw();
  switch (random.below(4)) {
    case 0: {
      const bool negated = random.below(2) == 0;
      return {fmt::format("{} {}between {} and {}", column.name, negated ? "not " : "", value_text(a), value_text(b)),
              [=, &column](std::size_t row) { return column.has(row) && ((of(row) >= a && of(row) <= b) != negated); }};
    }
    case 1: {
      const bool negated = random.below(2) == 0;
      std::vector<double> values = {a, b};
      for (std::uint64_t left = random.below(20); left > 0; --left) values.push_back(draw());
      std::vector<std::string> texts;
      for (const double value : values) texts.push_back(value_text(value));
      return {fmt::format("{} {}in ({})", column.name, negated ? "not " : "", fmt::join(texts, ",")),
              [=, &column](std::size_t row) {
                return column.has(row) && (std::ranges::find(values, of(row)) != values.end()) != negated;
              }};
    }
    default: {
      const char* const all[] = {"=", "!=", "<", "<=", ">", ">="};
      const std::string comparator = all[random.below(6)];
      return {fmt::format("{} {} {}", column.name, comparator, value_text(a)),
              [=, &column](std::size_t row) { return column.has(row) && compares(comparator, of(row), a); }};
    }
  }
}

Asked random_string(base::Random& random, const Plain& column) {
  const std::string a = random_word(random, 3, 3), b = random_word(random, 3, 3);
  const auto of = [&column](std::size_t row) { return *column.strings[row]; };
  const bool negated = random.below(2) == 0;
  const char* word = negated ? "not " : "";
  switch (random.below(5)) {
    case 0: {
      const std::string patterns[] = {a + "%", "%" + a, "%" + a + "%" + b, a + "_", "_" + a + "%", a};
      const std::string pattern = patterns[random.below(6)];
      return {fmt::format("{} {}like '{}'", column.name, word, pattern),
              [=, &column](std::size_t row) { return column.has(row) && is_like(of(row), pattern) != negated; }};
    }
    case 1:
      return {fmt::format("{} {}contains '{}'", column.name, word, a), [=, &column](std::size_t row) {
                return column.has(row) && (of(row).find(a) != std::string::npos) != negated;
              }};
    case 2:
      return {fmt::format("{} {}in ('{}', '{}')", column.name, word, a, b),
              [=, &column](std::size_t row) { return column.has(row) && (of(row) == a || of(row) == b) != negated; }};
    case 3:
      return {fmt::format("{} {}between '{}' and '{}'", column.name, word, a, b),
              [=, &column](std::size_t row) { return column.has(row) && (of(row) >= a && of(row) <= b) != negated; }};
    default: {
      const char* const all[] = {"=", "!=", "<", "<=", ">", ">="};
      const std::string comparator = all[random.below(6)];
      return {fmt::format("{} {} '{}'", column.name, comparator, a),
              [=, &column](std::size_t row) { return column.has(row) && compares(comparator, of(row), a); }};
    }
  }
}

Asked random_comparison(base::Random& random, const Table& table) {
  const Plain& column = table.plain[random.below(table.plain.size())];
  if (random.below(8) == 0) {
    const bool negated = random.below(2) == 0;
    return {fmt::format("{} is {}null", column.name, negated ? "not " : ""),
            [=, &column](std::size_t row) { return column.has(row) == negated; }};
  }
  if (column.type == ColumnType::string) return random_string(random, column);
  if (column.type == ColumnType::boolean) {
    const bool wanted = random.below(2) == 0, negated = random.below(2) == 0;
    return {fmt::format("{} {} {}", column.name, negated ? "!=" : "=", wanted), [=, &column](std::size_t row) {
              return column.has(row) && ((*column.keys[row] == 1) == wanted) != negated;
            }};
  }
  if (column.type == ColumnType::strings) {
    const std::string wanted = random_word(random, 3, 2);
    const bool negated = random.below(2) == 0;
    return {fmt::format("{} {}contains '{}'", column.name, negated ? "not " : "", wanted),
            [=, &column](std::size_t row) {
              return column.has(row) &&
                     (std::ranges::find(*column.lists[row], wanted) != column.lists[row]->end()) != negated;
            }};
  }
  return random_number(random, column);
}

Asked random_condition(base::Random& random, const Table& table, unsigned depth) {
  if (depth == 0 || random.below(3) == 0) return random_comparison(random, table);
  const Asked a = random_condition(random, table, depth - 1);
  if (random.below(4) == 0) return {fmt::format("not ({})", a.text), [a](std::size_t row) { return !a.holds(row); }};
  const Asked b = random_condition(random, table, depth - 1);
  if (random.below(2) == 0)
    return {fmt::format("({}) and ({})", a.text, b.text),
            [a, b](std::size_t row) { return a.holds(row) && b.holds(row); }};
  return {fmt::format("({}) or ({})", a.text, b.text),
          [a, b](std::size_t row) { return a.holds(row) || b.holds(row); }};
}

TEST(Where, EqualsAPlainLookAtEveryRow) {
  base::Random random(23);
  for (const std::size_t rows : {1u, 64u, 1000u}) {
    for (int tables = 0; tables < 4; ++tables) {
      const Table table(random, rows);
      for (int round = 0; round < 150; ++round) {
        const Asked asked = random_condition(random, table, 3);
        const auto found = table.attributes->rows_where(asked.text);
        ASSERT_TRUE(found) << asked.text << ": " << found.error().message;
        ASSERT_EQ(*found->words, words_where(rows, asked.holds)) << asked.text;
        ASSERT_EQ(found->rows, RowSet::from_words(*found->words));
      }
    }
  }
}

TEST(Where, BoundsBeyondAllValues) {
  Plain plain{.name = "x", .type = ColumnType::integer};
  plain.keys = {0, key_of(std::int64_t{0}), ~std::uint64_t{0}};
  const auto bytes = plain.section();
  const auto attributes = Attributes::open({section_of(bytes)}, 3);
  ASSERT_TRUE(attributes);
  const auto count = [&](std::string_view text) { return attributes->rows_where(text)->rows.count(); };
  EXPECT_EQ(count("x < 1e30"), 3u);
  EXPECT_EQ(count("x > 1e30"), 0u);
  EXPECT_EQ(count("x >= -1e300"), 3u);
  EXPECT_EQ(count("x = 9223372036854775807"), 1u);
  EXPECT_EQ(count("x > 9223372036854775807"), 0u);
  EXPECT_EQ(count("x < -9223372036854775808"), 0u);
  EXPECT_EQ(count("x between 5 and -5"), 0u);
  EXPECT_EQ(count("x > -0.5 and x < 0.5"), 1u);
}

TEST(Where, ErrorsNameFieldsAndTypes) {
  base::Random random(29);
  const Table table(random, 10);
  const auto message = [&](std::string_view text) {
    const auto found = table.attributes->rows_where(text);
    return found ? std::string("none") : found.error().message;
  };
  EXPECT_NE(message("whoel = 5").find("did you mean \"whole\"?; there are: whole, real"), std::string::npos)
      << message("whoel = 5");
  EXPECT_NE(message("a = 1 or word = 5").find("there is no field \"a\""), std::string::npos);
  EXPECT_NE(message("word = 5").find("is a string"), std::string::npos);
  EXPECT_NE(message("whole = '5'").find("is an integer"), std::string::npos);
  EXPECT_NE(message("day > 5").find("is a date"), std::string::npos);
  EXPECT_NE(message("day > 'soon'").find("'2024-05-01'"), std::string::npos);
  EXPECT_NE(message("truth = 1").find("true and false"), std::string::npos);
  EXPECT_NE(message("truth < true").find("is a boolean"), std::string::npos);
  EXPECT_NE(message("tags = 'a'").find("contains"), std::string::npos);
  EXPECT_NE(message("whole like 'a'").find("for strings"), std::string::npos);
}

TEST(Where, AnswersAreKept) {
  base::Random random(31);
  const Table table(random, 500);
  const auto first = table.attributes->rows_where("whole > 3 and word like 'a%'");
  const auto again = table.attributes->rows_where("word LIKE 'a%'  and (whole>3)");
  ASSERT_TRUE(first && again);
  EXPECT_FALSE(first->cached);
  EXPECT_TRUE(again->cached);
  EXPECT_EQ(first->words, again->words);
}

TEST(RowCaches, HoldNoMoreThanTheirLimit) {
  RowCache cache(4000);
  const RowSet rows = RowSet::all(10);
  for (int i = 0; i < 100; ++i) {
    cache.keep(fmt::format("condition {}", i), {.rows = rows, .words = nullptr});
    EXPECT_TRUE(cache.find("condition 0")) << i;  // used all the time: never the one to go
    EXPECT_LE(cache.bytes(), 4000u);
  }
  EXPECT_GT(cache.size(), 3u);
  EXPECT_FALSE(cache.find("condition 1"));
  EXPECT_TRUE(cache.find("condition 99"));
  const std::size_t before = cache.size();
  cache.keep("large", {.rows = rows, .words = std::make_shared<const std::vector<std::uint64_t>>(1000)});
  EXPECT_FALSE(cache.find("large"));
  EXPECT_EQ(cache.size(), before);
}

}  // namespace
}  // namespace attar::filter
