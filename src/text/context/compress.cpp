#include "text/context/compress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "text/context/alike.h"
#include "text/context/parse.h"
#include "text/context/relevance.h"
#include "text/context/relevance_model.h"
#include "text/context/render.h"
#include "text/context/select.h"
#include "text/context/vocabulary.h"

namespace attar::text::context {
namespace {

constexpr int most_rounds = 8;                 // of choosing, writing and counting
constexpr std::size_t differences_bytes = 96;  // in which a group's mark tells how its lines differ
constexpr std::size_t heading_bytes = 200;     // of a heading that the scorer sees
constexpr float asked_novelty = 0.3F;          // chosen on the first half of HotpotQA's questions

std::string_view trimmed(std::string_view text, std::string_view around = " \t\r\n") noexcept {
  const std::size_t first = text.find_first_not_of(around);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(around) + 1 - first);
}

// The words of a heading or a signature.
std::string_view heading_words(const Document& document, const Unit& unit) noexcept {
  const std::string_view bytes = document.text.substr(unit.begin, unit.end - unit.begin);
  return trimmed(bytes.substr(0, heading_bytes), " \t\r\n#=*_`");
}

bool hints_at_failure(std::string_view line) noexcept {
  for (const std::string_view word : {"rror", "ail", "atal", "anic", "xception", "imeout", "enied", "refused", "WARN"})
    if (line.find(word) != std::string_view::npos) return true;
  return false;
}

// Appends the text of an input, below its name where there are several.
void join(std::string& out, std::span<const Input> inputs, std::size_t input, std::string_view text) {
  if (!out.empty() && !out.ends_with('\n')) out += '\n';
  if (inputs.size() > 1) out += fmt::format("==> {} <==\n", inputs[input].name);
  out += text;
}

// What a user would paste.
std::string whole(std::span<const Input> inputs) {
  std::string out;
  for (std::size_t i = 0; i < inputs.size(); ++i) join(out, inputs, i, inputs[i].text);
  return out;
}

// One call of compress().
class Job {
 public:
  Job(const StaticEncoder& table, const Tokenizer& tokenizer, std::span<const Input> inputs, const Request& request)
      : table_(table),
        tokenizer_(tokenizer),
        inputs_(inputs),
        request_(request),
        mark_tokens_(static_cast<std::uint32_t>(tokenizer.count("[-12 sentences 3f2a] "))) {}

  Result<Compressed> run() {
    const std::string plain = whole(inputs_);
    out_.input_tokens = tokenizer_.count(plain);
    out_.budget = request_.budget;
    if (request_.share > 0)
      out_.budget = std::min(
          out_.budget, static_cast<std::uint64_t>(std::floor(request_.share * static_cast<double>(out_.input_tokens))));
    most_bytes_ = plain.size();
    if (out_.input_tokens <= out_.budget) return as_it_is(plain);
    ATTAR_TRY(read());
    Draft folded = fold();
    if (folded.tokens <= out_.budget && folded.text.size() <= most_bytes_) return told(Way::folded, std::move(folded));
    ATTAR_TRY(weigh());
    ATTAR_ASSIGN(Draft chosen, choose());
    return told(Way::cut, std::move(chosen));
  }

 private:
  // What is kept, written and counted.
  struct Draft {
    std::vector<std::vector<bool>> kept = {};  // by document, by unit
    std::string text = {};
    std::uint64_t tokens = 0;
    double value = 0;  // of the choice
    std::vector<Rendering> renderings = {};
    std::vector<std::uint32_t> left_out = {};
  };

  Result<Compressed> as_it_is(const std::string& plain) {
    out_.text = plain;
    out_.tokens = out_.input_tokens;
    for (std::uint32_t i = 0; i < inputs_.size(); ++i) {
      out_.kept.push_back({.input = i, .span = {0, inputs_[i].text.size()}});
      const auto stretches = find_stretches(inputs_[i].text.substr(0, std::numeric_limits<std::uint32_t>::max()),
                                            {inputs_[i].kind, inputs_[i].name});
      out_.kinds.push_back(stretches.empty() ? Kind::prose : stretches.front().kind);
    }
    return std::move(out_);
  }

  Status read() {
    for (const Input& input : inputs_) {
      if (input.text.size() >= std::numeric_limits<std::uint32_t>::max())
        return fail(ErrorCode::over_limit, fmt::format("{}: 4 GiB or more of text; give it in parts", input.name));
      documents_.push_back(parse(input.text, {input.kind, input.name}));
      Document& document = documents_.back();
      if (document.units.size() > most_units)
        return fail(ErrorCode::over_limit,
                    fmt::format("{}: more than {} sentences or lines; give it in parts", input.name, most_units));
      find_alike(document);
      differences_.emplace_back();
      out_.kinds.push_back(document.units.empty() ? Kind::prose : document.units.front().kind);
    }
    return {};
  }

  // Without any choice: what stands twice once, and what can be written shorter.
  Draft fold() {
    std::vector<std::vector<bool>> kept;
    for (const Document& document : documents_) {
      std::vector<bool>& own = kept.emplace_back();
      for (const Unit& unit : document.units) own.push_back(!unit.repeated);
    }
    each_demanded([&](std::size_t input, std::uint32_t unit) { kept[input][unit] = true; });
    return written(std::move(kept), false);
  }

  // Calls `take` for each unit that holds bytes which must be kept.
  template <class Take>
  void each_demanded(Take take) const {
    for (std::size_t input = 0; input < std::min(request_.demanded.size(), documents_.size()); ++input) {
      const auto& units = documents_[input].units;
      for (const Bytes& bytes : request_.demanded[input]) {
        auto unit = std::ranges::upper_bound(units, bytes.begin, {}, &Unit::end);
        for (; unit != units.end() && unit->begin < std::max(bytes.end, bytes.begin + 1); ++unit)
          take(input, static_cast<std::uint32_t>(unit - units.begin()));
      }
    }
  }

  // ---- worth ----

  Status weigh() {
    for (const Document& document : documents_)
      for (const Unit& unit : document.units) {
        if (unit.kind == Kind::log || unit.role == Role::closer)
          vocabulary_.add_silent();
        else
          vocabulary_.add(document.shown(unit));
      }
    if (request_.question.empty()) {
      weigh_by_coverage();
    } else {
      ATTAR_TRY(weigh_by_question());
    }
    std::size_t number = 0;
    for (const Document& document : documents_)
      for (std::uint32_t i = 0; i < document.units.size(); ++i) price(document, i, worths_[number++]);
    return {};
  }

  // What a unit costs, and whether it goes before others.
  void price(const Document& document, std::uint32_t at, Worth& worth) const {
    const Unit& unit = document.units[at];
    worth.tokens = static_cast<std::uint32_t>(tokenizer_.count(document.shown(unit)));
    const bool alone = unit.kind == Kind::code || unit.kind == Kind::log;  // openers that say something by themselves
    worth.candidate = unit.role == Role::leaf || (unit.role == Role::opener && alone && !unit.heading);
    if (unit.repeated || worth.relevance < request_.least_relevance) worth.candidate = false;
    if (unit.error || unit.latest) worth.tier = 2;
    if (unit.kind != Kind::log) return;
    worth.run = false;
    if (unit.group == at) worth.tokens += mark_tokens_;
    const bool first_of_its_kind = unit.group == at || unit.group == none;
    if (first_of_its_kind && request_.question.empty()) worth.tier = std::max<std::uint8_t>(worth.tier, 1);
  }

  // Each word counts once, and more where more units hold it: what is left of an input tells of all of it.
  void weigh_by_coverage() {
    std::size_t number = 0;
    for (const Document& document : documents_) {
      std::uint32_t paragraph = none;
      for (std::uint32_t i = 0; i < document.units.size(); ++i, ++number) {
        const Unit& unit = document.units[i];
        Worth worth;
        for (const std::uint32_t word : vocabulary_.words(number))
          worth.relevance += std::log1p(static_cast<float>(vocabulary_.holders(word)) - 0.5F);
        if (unit.paragraph != paragraph) worth.relevance *= 1.3F;  // a paragraph begins with what it is about
        paragraph = unit.paragraph;
        if (unit.kind == Kind::log) worth.relevance = worth_of_line(document, i);
        worths_.push_back(worth);
      }
    }
  }

  // Without a question later lines of a template matter more, and those that tell of a failure.
  [[nodiscard]] float worth_of_line(const Document& document, std::uint32_t at) const {
    const Unit& unit = document.units[at];
    if (unit.group == at || unit.group == none) return 1;
    const float late = static_cast<float>(at) / static_cast<float>(document.units.size());
    return (0.1F + 0.2F * late) * (hints_at_failure(document.shown(unit)) ? 3.0F : 1.0F);
  }

  Status weigh_by_question() {
    ATTAR_ASSIGN(WordSplitter splitter, WordSplitter::make("english"));
    Relevance relevance(table_, splitter);
    relevance.ask(request_.question);
    std::vector<Passage> passages;
    std::uint32_t paragraphs = 0;
    for (std::size_t d = 0; d < documents_.size(); ++d) {
      const Document& document = documents_[d];
      for (const Unit& unit : document.units)
        passages.push_back({.text = document.text.substr(unit.begin, unit.end - unit.begin),
                            .heading = heading_over(d, unit),
                            .paragraph = paragraphs + unit.paragraph,
                            .compounds = unit.kind == Kind::code});
      if (!document.units.empty()) paragraphs += document.units.back().paragraph + 1;
    }
    std::vector<Features> all = relevance.look_at(passages);
    if (request_.cosines) {
      std::vector<std::string> texts;
      texts.reserve(passages.size());
      for (const Passage& passage : passages)
        texts.push_back(passage.heading.empty() ? std::string(passage.text)
                                                : fmt::format("{}. {}", passage.heading, passage.text));
      ATTAR_ASSIGN(const std::vector<float> cosines, request_.cosines(request_.question, texts));
      for (std::size_t i = 0; i < all.size(); ++i) all[i][static_cast<std::size_t>(Feature::cosine)] = cosines[i];
    }
    for (const Features& features : all) worths_.push_back({.relevance = probability(features)});
    return {};
  }

  [[nodiscard]] std::string_view heading_over(std::size_t input, const Unit& unit) const noexcept {
    const Document& document = documents_[input];
    for (std::uint32_t at = unit.parent; at != none; at = document.units[at].parent)
      if (document.units[at].heading || document.units[at].kind == Kind::code)
        return heading_words(document, document.units[at]);
    return inputs_[input].title;
  }

  // ---- choice ----

  // The better of two greedy orders, worth a token and worth alone: each fails where the other does not (Leskovec et
  // al. 2007). Without a question the first is taken: it covers, and nothing in it stands out.
  Result<Draft> choose() {
    SelectionOptions options{.novelty = request_.question.empty() ? 1.0F : asked_novelty, .mark_tokens = mark_tokens_};
    for (std::size_t i = 0; inputs_.size() > 1 && i < inputs_.size(); ++i) {
      std::string name;
      join(name, inputs_, i, {});
      options.name_tokens.push_back(static_cast<std::uint32_t>(tokenizer_.count(name)));
    }
    ATTAR_ASSIGN(Draft best, choose(options));
    if (request_.question.empty()) return best;
    options.by_gain = true;
    ATTAR_ASSIGN(Draft other, choose(options));
    return other.value > best.value ? std::move(other) : std::move(best);
  }

  // What writing costs beside the estimate is known only behind it: choose, write, count, and choose again.
  Result<Draft> choose(const SelectionOptions& options) {
    Selection selection(documents_, worths_, vocabulary_, options);
    each_demanded([&](std::size_t input, std::uint32_t unit) { selection.keep(selection.number(input, unit)); });
    Draft best = written(selection, false);
    if (best.tokens > out_.budget) return out_of_reach(best.tokens);
    auto target = static_cast<std::int64_t>(out_.budget);
    for (int round = 0; round < most_rounds; ++round) {
      selection.fill(target);
      Draft now = written(selection, round > 0);
      auto over = static_cast<std::int64_t>(now.tokens) - static_cast<std::int64_t>(out_.budget);
      if (now.text.size() > most_bytes_)
        over = std::max(over, static_cast<std::int64_t>(now.text.size() - most_bytes_));
      if (over > 0) {
        target = std::min(target, selection.tokens()) - over - (over > 64 ? over / 8 : 0);
        while (selection.tokens() > target && selection.give_up()) {
        }
        continue;
      }
      const bool better = round < 2 || now.tokens > best.tokens;
      if (better) best = std::move(now);
      if (over == 0 || (round > 1 && !better)) break;
      target = selection.tokens() - over;
    }
    return best;
  }

  Draft written(const Selection& selection, bool differences) {
    std::vector<std::vector<bool>> kept;
    std::uint32_t number = 0;
    for (const Document& document : documents_) {
      std::vector<bool>& own = kept.emplace_back();
      for (std::size_t i = 0; i < document.units.size(); ++i) own.push_back(selection.kept(number++));
    }
    Draft out = written(std::move(kept), differences);
    out.value = selection.value();
    return out;
  }

  [[nodiscard]] std::unexpected<Error> out_of_reach(std::uint64_t least) const {
    const bool demands = std::ranges::any_of(request_.demanded, [](const auto& spans) { return !spans.empty(); });
    return fail(
        ErrorCode::goal_unreachable,
        demands
            ? fmt::format("what must be kept takes {} tokens ({}), the budget is {}; give --tokens {} or keep less",
                          least, tokenizer_.name(), out_.budget, least)
            : fmt::format(
                  "the least that can be shown of it takes {} tokens ({}), the budget is {}; give --tokens {} or more",
                  least, tokenizer_.name(), out_.budget, least));
  }

  // ---- text ----

  // They depend on the lines alone, and are looked for once.
  Differences told_differences(std::size_t input, bool told) {
    if (!told) return {};
    return [this, input](std::uint32_t first) -> std::string_view {
      const auto [entry, added] = differences_[input].try_emplace(first);
      if (!added) return entry->second;
      const Document& document = documents_[input];
      std::vector<std::string_view> lines;
      for (std::uint32_t i = first; i != none; i = document.units[i].next_alike)
        lines.push_back(document.shown(document.units[i]));
      return entry->second = differences(lines, differences_bytes);
    };
  }

  Draft written(std::vector<std::vector<bool>> kept, bool differences) {
    Draft out{.kept = std::move(kept)};
    for (std::uint32_t i = 0; i < documents_.size(); ++i) {
      const std::vector<bool>& own = out.kept[i];
      const bool shown = inputs_.size() == 1 || std::ranges::find(own, true) != own.end();
      out.renderings.push_back(shown ? render(documents_[i], own, told_differences(i, differences)) : Rendering{});
      if (shown)
        join(out.text, inputs_, i, out.renderings.back().text);
      else if (!documents_[i].units.empty())
        out.left_out.push_back(i);
    }
    if (!out.left_out.empty()) {
      if (!out.text.empty() && !out.text.ends_with('\n')) out.text += '\n';
      out.text += fmt::format("[-{} file{}]\n", out.left_out.size(), out.left_out.size() == 1 ? "" : "s");
    }
    out.tokens = tokenizer_.count(out.text);
    return out;
  }

  Compressed told(Way way, Draft draft) {
    std::uint32_t base = 0;
    for (std::uint32_t i = 0; i < documents_.size(); ++i) {
      tell_kept(i, base, draft.kept[i]);
      for (const Cut& cut : draft.renderings[i].runs) out_.cuts.push_back(told(i, base, cut, draft.kept[i]));
      for (const Cut& cut : draft.renderings[i].groups) out_.cuts.push_back(told(i, base, cut, draft.kept[i]));
      base += static_cast<std::uint32_t>(documents_[i].units.size());
    }
    out_.way = way;
    out_.text = std::move(draft.text);
    out_.tokens = draft.tokens;
    out_.left_out = std::move(draft.left_out);
    return std::move(out_);
  }

  void tell_kept(std::uint32_t input, std::uint32_t base, const std::vector<bool>& shown) {
    const auto& units = documents_[input].units;
    for (std::uint32_t at = 0; at < units.size();) {
      if (!shown[at]) {
        ++at;
        continue;
      }
      KeptTold kept{.input = input, .span = {units[at].begin, 0}};
      for (; at < units.size() && shown[at]; ++at) {
        kept.span.end = units[at].end;
        kept.relevance = std::max(kept.relevance, relevance(units[at], base + at));
      }
      out_.kept.push_back(kept);
    }
  }

  // Headings tell what is below them, and answer nothing.
  [[nodiscard]] float relevance(const Unit& unit, std::size_t number) const noexcept {
    return worths_.empty() || unit.heading ? 0 : worths_[number].relevance;
  }

  [[nodiscard]] CutTold told(std::uint32_t input, std::uint32_t base, const Cut& cut,
                             const std::vector<bool>& shown) const {
    const Document& document = documents_[input];
    CutTold out{.input = input, .id = id_of(document, cut), .group = cut.group};
    const auto see = [&](std::uint32_t unit) {
      out.relevance = std::max(out.relevance, relevance(document.units[unit], base + unit));
      out.span.end = document.units[unit].end;
    };
    out.span.begin = document.units[cut.first].begin;
    if (cut.group) {
      out.unit = fmt::format("{} lines alike", cut.count);
      for (std::uint32_t i = cut.first; i != none; i = document.units[i].next_alike)
        if (!shown[i]) see(i);
    } else {
      out.unit = count_in_words(document, cut);
      const auto units = std::span(document.units).subspan(cut.first, cut.count);
      out.repeated = std::ranges::all_of(units, &Unit::repeated);
      for (std::uint32_t i = 0; i < cut.count; ++i) see(cut.first + i);
    }
    out.tokens = tokenizer_.count(bytes_of(document, cut));
    return out;
  }

  const StaticEncoder& table_;
  const Tokenizer& tokenizer_;
  std::span<const Input> inputs_;
  const Request& request_;
  std::uint32_t mark_tokens_;
  std::size_t most_bytes_ = 0;
  std::vector<Document> documents_;
  Vocabulary vocabulary_;
  std::vector<Worth> worths_;
  std::vector<std::unordered_map<std::uint32_t, std::string>> differences_;  // by document, by a group's first unit
  Compressed out_;
};

}  // namespace

Result<Compressed> Compressor::compress(std::span<const Input> inputs, const Request& request) const {
  return Job(table_, tokenizer_, inputs, request).run();
}

}  // namespace attar::text::context
