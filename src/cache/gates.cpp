#include "cache/gates.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "text/unicode.h"

namespace attar::cache {
namespace {

using Pair = std::pair<std::string_view, std::string_view>;

// Sorted by the first, for binary search.
constexpr std::array negations = std::to_array<std::string_view>(
    {"aint",  "arent",   "cannot",  "cant",     "couldnt", "didnt",  "doesnt",  "dont",   "except", "excluding",
     "hadnt", "hasnt",   "havent",  "isnt",     "neither", "never",  "no",      "nobody", "none",   "nor",
     "not",   "nothing", "nowhere", "shouldnt", "wasnt",   "werent", "without", "wont",   "wouldnt"});

constexpr std::array number_words = std::to_array<Pair>({{"billion", "1000000000"},
                                                         {"dozen", "12"},
                                                         {"eight", "8"},
                                                         {"eighteen", "18"},
                                                         {"eighty", "80"},
                                                         {"eleven", "11"},
                                                         {"fifteen", "15"},
                                                         {"fifty", "50"},
                                                         {"five", "5"},
                                                         {"forty", "40"},
                                                         {"four", "4"},
                                                         {"fourteen", "14"},
                                                         {"hundred", "100"},
                                                         {"million", "1000000"},
                                                         {"nine", "9"},
                                                         {"nineteen", "19"},
                                                         {"ninety", "90"},
                                                         {"seven", "7"},
                                                         {"seventeen", "17"},
                                                         {"seventy", "70"},
                                                         {"six", "6"},
                                                         {"sixteen", "16"},
                                                         {"sixty", "60"},
                                                         {"ten", "10"},
                                                         {"thirteen", "13"},
                                                         {"thirty", "30"},
                                                         {"thousand", "1000"},
                                                         {"three", "3"},
                                                         {"twelve", "12"},
                                                         {"twenty", "20"},
                                                         {"two", "2"},
                                                         {"zero", "0"}});

// Units wherever they stand.
constexpr std::array units = std::to_array<Pair>({{"april", "april"},
                                                  {"august", "august"},
                                                  {"celsius", "°c"},
                                                  {"cent", "cent"},
                                                  {"centimeters", "cm"},
                                                  {"centimetres", "cm"},
                                                  {"cents", "cent"},
                                                  {"cm", "cm"},
                                                  {"december", "december"},
                                                  {"dollar", "usd"},
                                                  {"dollars", "usd"},
                                                  {"eur", "eur"},
                                                  {"euro", "eur"},
                                                  {"euros", "eur"},
                                                  {"fahrenheit", "°f"},
                                                  {"february", "february"},
                                                  {"feet", "foot"},
                                                  {"friday", "friday"},
                                                  {"gb", "gb"},
                                                  {"gbp", "gbp"},
                                                  {"gigabytes", "gb"},
                                                  {"inches", "inch"},
                                                  {"january", "january"},
                                                  {"july", "july"},
                                                  {"june", "june"},
                                                  {"kb", "kb"},
                                                  {"kg", "kg"},
                                                  {"kilobytes", "kb"},
                                                  {"kilograms", "kg"},
                                                  {"kilometers", "km"},
                                                  {"kilometres", "km"},
                                                  {"kilos", "kg"},
                                                  {"km", "km"},
                                                  {"mb", "mb"},
                                                  {"megabytes", "mb"},
                                                  {"meters", "meter"},
                                                  {"metres", "meter"},
                                                  {"miles", "mile"},
                                                  {"monday", "monday"},
                                                  {"november", "november"},
                                                  {"october", "october"},
                                                  {"ounces", "ounce"},
                                                  {"percent", "%"},
                                                  {"pounds", "pound"},
                                                  {"rupees", "inr"},
                                                  {"saturday", "saturday"},
                                                  {"september", "september"},
                                                  {"sunday", "sunday"},
                                                  {"tb", "tb"},
                                                  {"terabytes", "tb"},
                                                  {"thursday", "thursday"},
                                                  {"today", "today"},
                                                  {"tomorrow", "tomorrow"},
                                                  {"tonight", "tonight"},
                                                  {"tuesday", "tuesday"},
                                                  {"usd", "usd"},
                                                  {"wednesday", "wednesday"},
                                                  {"yen", "jpy"},
                                                  {"yesterday", "yesterday"}});

// Units behind a number or a word such as "per": elsewhere they are ordinary words.
constexpr std::array counted_units =
    std::to_array<Pair>({{"am", "am"},         {"c", "°c"},           {"day", "day"},        {"days", "day"},
                         {"f", "°f"},          {"foot", "foot"},      {"ft", "foot"},        {"g", "gram"},
                         {"gram", "gram"},     {"grams", "gram"},     {"hour", "hour"},      {"hours", "hour"},
                         {"hr", "hour"},       {"hrs", "hour"},       {"in", "inch"},        {"inch", "inch"},
                         {"k", "k"},           {"kilo", "kg"},        {"kilometer", "km"},   {"l", "liter"},
                         {"lb", "pound"},      {"lbs", "pound"},      {"liter", "liter"},    {"liters", "liter"},
                         {"litre", "liter"},   {"litres", "liter"},   {"m", "meter"},        {"meter", "meter"},
                         {"metre", "meter"},   {"mile", "mile"},      {"min", "minute"},     {"mins", "minute"},
                         {"minute", "minute"}, {"minutes", "minute"}, {"ml", "ml"},          {"mm", "mm"},
                         {"month", "month"},   {"months", "month"},   {"ms", "ms"},          {"ounce", "ounce"},
                         {"oz", "ounce"},      {"pm", "pm"},          {"pound", "pound"},    {"s", "second"},
                         {"sec", "second"},    {"second", "second"},  {"seconds", "second"}, {"secs", "second"},
                         {"week", "week"},     {"weeks", "week"},     {"year", "year"},      {"years", "year"},
                         {"yr", "year"},       {"yrs", "year"}});

constexpr std::array counters = std::to_array<std::string_view>(
    {"a", "an", "each", "every", "last", "next", "one", "past", "per", "previous", "this"});

constexpr std::array symbols = std::to_array<std::pair<char32_t, std::string_view>>(
    {{U'$', "usd"}, {U'%', "%"}, {U'\u00a3', "gbp"}, {U'\u00a5', "jpy"}, {U'\u20ac', "eur"}});

static_assert(std::ranges::is_sorted(negations) && std::ranges::is_sorted(counters));
static_assert(std::ranges::is_sorted(number_words) && std::ranges::is_sorted(units) &&
              std::ranges::is_sorted(counted_units));

std::string_view find(std::span<const Pair> table, std::string_view word) {
  const auto at = std::ranges::lower_bound(table, word, {}, &Pair::first);
  return at != table.end() && at->first == word ? at->second : std::string_view{};
}

bool is_digit(char32_t c) noexcept { return c >= '0' && c <= '9'; }
bool is_apostrophe(char32_t c) noexcept { return c == '\'' || c == U'\u2019'; }
bool is_quote(char32_t c) noexcept { return c == '"' || c == '`' || c == U'\u201c' || c == U'\u201d'; }
bool ends_sentence(char32_t c) noexcept {
  return c == '.' || c == '!' || c == '?' || c == ':' || c == ';' || c == '\n';
}
bool is_upper(char32_t c) noexcept { return text::is_letter(c) && text::to_lower(c) != c; }

// A word as it was written.
struct Written {
  std::string folded;
  bool capital = false, inner_capital = false, all_capitals = true, has_digit = false, underscore = false;
  bool begins_sentence = false, quoted = false;
  std::uint32_t letters = 0;
};

class Reader {
 public:
  explicit Reader(std::string_view prompt) : prompt_(prompt) {}

  Marks read() {
    while (at_ < prompt_.size()) {
      const std::size_t begin = at_;
      const char32_t c = text::next_code_point(prompt_, at_);
      if (is_digit(c)) {
        at_ = begin;
        number();
      } else if (text::is_word(c)) {
        at_ = begin;
        word();
      } else {
        mark(c);
      }
      before_ = c;
    }
    settle_names();
    return std::move(marks_);
  }

 private:
  [[nodiscard]] char32_t peek(std::size_t ahead = 0) const noexcept {
    return at_ + ahead < prompt_.size() ? static_cast<unsigned char>(prompt_[at_ + ahead]) : U'\0';
  }

  void mark(char32_t c) {
    if (is_quote(c)) quoted_ = !quoted_;
    if (ends_sentence(c)) begins_sentence_ = true;
    // A minus in front of a number; "pay-2" and "3-4" have none.
    minus_ = c == '-' && is_digit(peek()) && !text::is_word(before_);
    for (const auto& [symbol, unit] : symbols)
      if (c == symbol) marks_.units.emplace_back(unit);
  }

  void number() {
    std::string digits = std::exchange(minus_, false) ? "-" : "";
    bool point = false;
    const std::size_t sign = digits.size();
    for (; at_ < prompt_.size(); ++at_) {
      const char32_t c = peek();
      if (is_digit(c)) {
        if (digits.size() == sign + 1 && digits.back() == '0' && !point) digits.pop_back();
        digits += static_cast<char>(c);
      } else if (c == ',' && !point && is_digit(peek(1)) && is_digit(peek(2)) && is_digit(peek(3)) &&
                 !is_digit(peek(4))) {
        continue;
      } else if (c == '.' && !point && is_digit(peek(1))) {
        point = true;
        digits += '.';
      } else {
        break;
      }
    }
    while (point && (digits.back() == '0' || digits.back() == '.')) {
      point = digits.back() != '.';
      digits.pop_back();
    }
    marks_.numbers.push_back(std::move(digits));
    counted_ = true;
    begins_sentence_ = false;
  }

  void word() {
    Written out;
    out.begins_sentence = std::exchange(begins_sentence_, false);
    out.quoted = quoted_;
    bool apostrophe = false;
    while (at_ < prompt_.size()) {
      std::size_t next = at_;
      const char32_t c = text::next_code_point(prompt_, next);
      if (is_apostrophe(c) && next < prompt_.size()) {
        std::size_t beyond = next;
        if (!text::is_letter(text::next_code_point(prompt_, beyond))) break;
        apostrophe = true;
      } else if (text::is_word(c)) {
        add(out, c, apostrophe);
      } else {
        break;
      }
      at_ = next;
    }
    take(std::move(out), apostrophe);
  }

  static void add(Written& out, char32_t c, bool behind_apostrophe) {
    if (is_upper(c)) {
      (out.folded.empty() ? out.capital : out.inner_capital) = true;
    } else if (text::is_letter(c) && !behind_apostrophe) {
      out.all_capitals = false;
    }
    out.letters += text::is_letter(c) && !behind_apostrophe ? 1 : 0;
    out.has_digit = out.has_digit || is_digit(c);
    out.underscore = out.underscore || c == '_';
    for (const char byte : text::to_utf8(text::fold(c))) out.folded += byte;
  }

  void take(Written written, bool apostrophe) {
    const std::string_view folded = written.folded;
    if (std::ranges::binary_search(negations, folded) || (apostrophe && folded.ends_with("nt"))) ++marks_.negations;
    const std::string_view amount = find(number_words, folded);
    if (!amount.empty()) marks_.numbers.emplace_back(amount);
    std::string_view unit = find(units, folded);
    if (unit.empty() && counted_) unit = find(counted_units, folded);
    if (!unit.empty()) marks_.units.emplace_back(unit);
    counted_ = !amount.empty() || std::ranges::binary_search(counters, folded);
    written_.push_back(std::move(written));
  }

  // Where most words have capitals, they tell nothing.
  void settle_names() {
    const auto capitals = std::ranges::count_if(written_, &Written::capital);
    const bool telling = written_.size() < 4 || 2 * static_cast<std::size_t>(capitals) <= written_.size();
    for (Written& word : written_) {
      const bool by_case = telling && word.letters > 1 &&
                           ((word.capital && !word.begins_sentence && word.folded != "im" && word.folded != "ive" &&
                             word.folded != "id" && word.folded != "ill") ||
                            word.inner_capital || (word.all_capitals && word.capital));
      const bool name = by_case || word.quoted || word.underscore || (word.has_digit && word.letters > 0);
      marks_.words.push_back({.text = std::move(word.folded), .name = name});
    }
  }

  std::string_view prompt_;
  std::size_t at_ = 0;
  char32_t before_ = ' ';
  bool begins_sentence_ = true, quoted_ = false, minus_ = false;
  bool counted_ = false;  // a number or a word such as "per" stands right before
  std::vector<Written> written_;
  Marks marks_;
};

std::vector<std::string_view> names_of(const Marks& a, const Marks& b) {
  std::vector<std::string_view> out;
  for (const Marks* marks : {&a, &b})
    for (const Marks::Word& word : marks->words)
      if (word.name) out.emplace_back(word.text);
  std::ranges::sort(out);
  return out;
}

// The words of a prompt that are names here or in the other one.
std::vector<std::string_view> occurrences(const Marks& marks, const std::vector<std::string_view>& names) {
  std::vector<std::string_view> out;
  for (const Marks::Word& word : marks.words)
    if (std::ranges::binary_search(names, std::string_view(word.text))) out.emplace_back(word.text);
  return out;
}

}  // namespace

std::string_view gate_name(Gate gate) noexcept {
  constexpr std::array<std::string_view, 5> names = {"none", "negation", "number", "unit", "name"};
  return names[static_cast<std::size_t>(gate)];
}

Marks read_marks(std::string_view prompt) { return Reader(prompt).read(); }

Gate gate_between(const Marks& a, const Marks& b) {
  if (a.negations != b.negations) return Gate::negation;
  if (a.numbers != b.numbers) return Gate::number;
  if (a.units != b.units) return Gate::unit;
  const std::vector<std::string_view> names = names_of(a, b);
  if (!names.empty() && occurrences(a, names) != occurrences(b, names)) return Gate::name;
  return Gate::none;
}

}  // namespace attar::cache
