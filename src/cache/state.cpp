#include "cache/state.h"

#include <algorithm>

#include "cache/normal.h"

namespace attar::cache {
namespace {

constexpr std::uint64_t entry_payload = 4 * 8 + 2 * 8, answer_payload = 8;

std::unexpected<Error> does_not_fit(std::string_view what) {
  return fail(ErrorCode::corrupt, "the cache is damaged: " + std::string(what));
}

}  // namespace

const std::string& State::answer_of(std::uint64_t entry) const {
  return answers_.at(entries_[row_of_.at(entry)].answer).text;
}

const std::string& State::prompt_of(std::uint64_t entry) const { return entries_[row_of_.at(entry)].prompt; }

std::uint64_t State::waiting_for(std::uint64_t key) const noexcept {
  const auto last = std::ranges::find(waiting_.rbegin(), waiting_.rend(), key, &Waiting::key);
  return last == waiting_.rend() ? 0 : last->entry;
}

std::uint64_t State::find_answer(std::string_view text) const {
  const auto known = answer_of_key_.find(key_of(text));
  return known != answer_of_key_.end() && answers_.at(known->second).text == text ? known->second : 0;
}

Put State::plan_put(std::uint64_t key, std::string_view prompt, std::string_view answer, Outcome outcome,
                    std::span<const std::int8_t> vector) const {
  Put out{.entry = next_entry_,
          .outcome = outcome,
          .vector = {vector.begin(), vector.end()},
          .prompt = std::string(prompt),
          .text = std::nullopt};
  const auto nearest = row_of_.find(waiting_for(key));
  if (outcome == Outcome::same && nearest != row_of_.end())
    out.answer = entries_[nearest->second].answer;
  else
    out.answer = find_answer(answer);
  if (out.answer == 0) {
    out.answer = next_answer_;
    out.text = std::string(answer);
  }
  return out;
}

Removal State::plan_eviction(std::uint64_t bytes, std::uint64_t entries) const {
  std::vector<std::uint32_t> order(entries_.size());
  for (std::uint32_t row = 0; row < order.size(); ++row) order[row] = row;
  std::ranges::sort(order, {}, [&](std::uint32_t row) { return std::pair(entries_[row].last_used, entries_[row].id); });
  std::unordered_map<std::uint64_t, std::uint64_t> uses;
  std::uint64_t left = this->bytes();
  Removal out;
  for (const std::uint32_t row : order) {
    if (left <= bytes && entries_.size() - out.entries.size() <= entries) break;
    const Entry& entry = entries_[row];
    out.entries.push_back(entry.id);
    left -= bytes_of_entry(entry);
    const Answer& answer = answers_.at(entry.answer);
    if (++uses[entry.answer] == answer.uses) left -= record_header_bytes + answer_payload + answer.text.size();
  }
  return out;
}

Status State::apply(const Record& record) {
  return std::visit([&](const auto& one) { return take(one); }, record);
}

Status State::take(const Settings& settings) {
  if (settings.dims != settings_.dims || settings.digest != settings_.digest)
    return does_not_fit("its encoder changes midway");
  settings_ = settings;
  allowance_.set_error(settings.error);
  return {};
}

Status State::take(const Learned& learned) {
  if (prompts_ != 0 || !entries_.empty() || !answers_.empty()) return does_not_fit("its state stands midway");
  prompts_ = learned.prompts;
  verdicts_ = learned.verdicts;
  next_entry_ = learned.next_entry;
  next_answer_ = learned.next_answer;
  allowance_.charge(learned.charged);
  model_ = learned.model;
  risks_ = learned.risks;
  waiting_ = learned.waiting;
  return {};
}

Status State::take(const AnswerRecord& answer) {
  if (answer.answer == 0 || answer.answer >= next_answer_ || answers_.contains(answer.answer))
    return does_not_fit("an answer's number is used twice, or was never given");
  add_answer(answer.answer, answer.text);
  return {};
}

Status State::take(const EntryRecord& entry) {
  if (entry.entry == 0 || entry.entry >= next_entry_ || row_of_.contains(entry.entry) ||
      !answers_.contains(entry.answer))
    return does_not_fit("an entry's number is used twice or was never given, or its answer is missing");
  add_entry({.id = entry.entry,
             .answer = entry.answer,
             .hits = entry.hits,
             .last_used = entry.last_used,
             .offset = entry.offset,
             .prompt = entry.prompt},
            entry.vector);
  return {};
}

Status State::take(const Lookup& lookup) {
  const auto row = row_of_.find(lookup.entry);
  const bool needs_entry = lookup.verdict != Verdict::empty;
  if (needs_entry != (row != row_of_.end())) return does_not_fit("a lookup found an entry that is not there");
  ++prompts_;
  ++verdicts_[static_cast<std::size_t>(lookup.verdict)];
  risks_.begin_prompt();
  if (lookup.verdict == Verdict::exact || lookup.verdict == Verdict::served) {
    Entry& entry = entries_[row->second];
    ++entry.hits;
    entry.last_used = prompts_;
  }
  if (lookup.verdict != Verdict::served && lookup.verdict != Verdict::explored && lookup.verdict != Verdict::unsure)
    return {};
  risks_.add(lookup.log_odds, lookup.risk);
  // Of what is served nobody knows the outcome, until someone says so: it waits, with nothing charged.
  const double charge = lookup.verdict == Verdict::explored ? lookup.charge : 0;
  allowance_.charge(charge);
  if (waiting_.size() == most_waiting) waiting_.erase(waiting_.begin());
  waiting_.push_back({.key = lookup.key, .entry = lookup.entry, .charge = charge, .x = lookup.x});
  return {};
}

void State::settle(const Waiting& waiting, const Put& put) {
  const auto row = row_of_.find(waiting.entry);
  if (row == row_of_.end() && put.outcome != Outcome::same) return;  // gone meanwhile: stays charged
  const bool right =
      put.outcome == Outcome::by_bytes ? entries_[row->second].answer == put.answer : put.outcome == Outcome::same;
  if (right) allowance_.give_back(waiting.charge);
  if (row != row_of_.end()) model_.learn(waiting.x, entries_[row->second].offset, right);
}

Status State::take(const Put& put) {
  if (put.entry != next_entry_ || (put.text ? put.answer != next_answer_ : !answers_.contains(put.answer)))
    return does_not_fit("an answer was put under a number that is not the next one, or that is missing");
  const std::uint64_t key = key_of(normal_form(put.prompt));
  for (const Waiting& waiting : waiting_)
    if (waiting.key == key) settle(waiting, put);
  std::erase_if(waiting_, [&](const Waiting& waiting) { return waiting.key == key; });
  if (put.text) add_answer(next_answer_++, *put.text);
  // One entry a normal form: a new answer takes the place of the old one.
  const auto repeated = entry_of_key_.find(key);
  const std::uint64_t old = repeated == entry_of_key_.end() ? 0 : repeated->second;
  add_entry({.id = next_entry_++, .answer = put.answer, .last_used = prompts_, .offset = {}, .prompt = put.prompt},
            put.vector);
  if (old != 0) remove_entry(old);
  return {};
}

Status State::take(const Removal& removal) {
  for (const std::uint64_t entry : removal.entries)
    if (!row_of_.contains(entry)) return does_not_fit("an entry was removed that is not there");
  for (const std::uint64_t entry : removal.entries)
    if (row_of_.contains(entry)) remove_entry(entry);
  return {};
}

void State::add_answer(std::uint64_t id, std::string text) {
  const std::uint64_t key = key_of(text);
  answer_bytes_ += record_header_bytes + answer_payload + text.size();
  answer_of_key_.try_emplace(key, id);
  answers_.emplace(id, Answer{.text = std::move(text), .key = key});
}

void State::add_entry(Entry entry, std::span<const std::int8_t> vector) {
  entry.key = key_of(normal_form(entry.prompt));
  ++answers_.at(entry.answer).uses;
  entry_bytes_ += bytes_of_entry(entry);
  row_of_[entry.id] = rows_.size();
  entry_of_key_[entry.key] = entry.id;
  rows_.add(vector);
  entries_.push_back(std::move(entry));
}

void State::remove_entry(std::uint64_t id) {
  const std::uint32_t row = row_of_.at(id);
  const Entry& entry = entries_[row];
  entry_bytes_ -= bytes_of_entry(entry);
  if (const auto known = entry_of_key_.find(entry.key); known != entry_of_key_.end() && known->second == id)
    entry_of_key_.erase(known);
  const auto answer = answers_.find(entry.answer);
  if (--answer->second.uses == 0) {
    answer_bytes_ -= record_header_bytes + answer_payload + answer->second.text.size();
    if (const auto known = answer_of_key_.find(answer->second.key);
        known != answer_of_key_.end() && known->second == answer->first)
      answer_of_key_.erase(known);
    answers_.erase(answer);
  }
  rows_.remove(row);
  row_of_.erase(id);
  if (row + 1 != entries_.size()) {
    entries_[row] = std::move(entries_.back());
    row_of_[entries_[row].id] = row;
  }
  entries_.pop_back();
}

std::uint64_t State::bytes_of_entry(const Entry& entry) const noexcept {
  return record_header_bytes + entry_payload + settings_.dims + entry.prompt.size();
}

EntryRecord State::entry_record(std::uint32_t row) const {
  const Entry& entry = entries_[row];
  const auto bytes = rows_.row(row);
  return {.entry = entry.id,
          .answer = entry.answer,
          .hits = entry.hits,
          .last_used = entry.last_used,
          .offset = entry.offset,
          .vector = {bytes.begin(), bytes.end()},
          .prompt = entry.prompt};
}

Learned State::learned() const {
  return {.prompts = prompts_,
          .verdicts = verdicts_,
          .next_entry = next_entry_,
          .next_answer = next_answer_,
          .charged = allowance_.charged(),
          .model = model_,
          .risks = risks_,
          .waiting = waiting_};
}

void State::for_each_record(const std::function<void(const Record&)>& visit) const {
  visit(settings_);
  visit(learned());
  std::map<std::uint64_t, const Answer*> in_order;
  for (const auto& [id, answer] : answers_) in_order[id] = &answer;
  for (const auto& [id, answer] : in_order) visit(AnswerRecord{.answer = id, .text = answer->text});
  for (std::uint32_t row = 0; row < rows_.size(); ++row) visit(entry_record(row));
}

std::uint64_t State::bytes() const noexcept {
  constexpr std::uint64_t learned = 9 * 8 + 8 + (feature_count + 21) * 8 + 8 + RiskTable::bins * 16 + 8;
  constexpr std::uint64_t settings = 4 * 8 + 4 + 64;
  return file_header_bytes + 2 * record_header_bytes + settings + settings_.encoder.size() + learned +
         waiting_.size() * (3 + feature_count) * 8 + answer_bytes_ + entry_bytes_;
}

}  // namespace attar::cache
