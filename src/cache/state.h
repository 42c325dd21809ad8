// A cache in memory: what its records add up to, and what a lookup finds there.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "attar/result.h"
#include "cache/gates.h"
#include "cache/records.h"
#include "cache/rows.h"

namespace attar::cache {

/// What a lookup found, and the record of it, which has yet to be applied.
struct Look {
  Lookup record;
  Gate gate = Gate::none;   ///< that shut out the nearest entry, where no other was left
  std::uint64_t entry = 0;  ///< whose answer was considered; 0: none
  double similarity = 0;
  double probability = 0;
};

class State {
 public:
  explicit State(Settings settings)
      : settings_(std::move(settings)), rows_(settings_.dims), allowance_(settings_.error) {}

  /// Whether an exact repeat is here: its entry, or 0.
  [[nodiscard]] std::uint64_t find_exact(std::uint64_t key, std::string_view normal) const;
  [[nodiscard]] Look look_exact(std::uint64_t key, std::uint64_t entry) const;
  /// The verdict on a prompt that is no exact repeat; tosses its coin.
  [[nodiscard]] Look look(std::uint64_t key, std::string_view prompt, std::span<const std::int8_t> vector,
                          bool with_gates = true) const;

  /// The record that caches an answer.
  [[nodiscard]] Put plan_put(std::uint64_t key, std::string_view prompt, std::string_view answer, Outcome outcome,
                             std::span<const std::int8_t> vector) const;
  /// Entries to drop, least recently used first, until so many bytes and entries are left at most.
  [[nodiscard]] Removal plan_eviction(std::uint64_t bytes, std::uint64_t entries) const;

  /// Takes in a record. `corrupt` for one that does not fit what is here, which then is as it was.
  [[nodiscard]] Status apply(const Record& record);

  /// The records that make a state such as this one, in order.
  void for_each_record(const std::function<void(const Record&)>& visit) const;
  /// Bytes that a file of these records has.
  [[nodiscard]] std::uint64_t bytes() const noexcept;

  [[nodiscard]] const Settings& settings() const noexcept { return settings_; }
  [[nodiscard]] std::uint64_t entries() const noexcept { return entries_.size(); }
  [[nodiscard]] std::uint64_t answers() const noexcept { return answers_.size(); }
  [[nodiscard]] std::uint64_t prompts() const noexcept { return prompts_; }
  [[nodiscard]] std::uint64_t count(Verdict verdict) const noexcept {
    return verdicts_[static_cast<std::size_t>(verdict)];
  }
  [[nodiscard]] const Allowance& allowance() const noexcept { return allowance_; }
  [[nodiscard]] bool has_entry(std::uint64_t entry) const noexcept { return row_of_.contains(entry); }
  /// Whether an answer of these bytes is here.
  [[nodiscard]] bool knows(std::string_view answer) const { return find_answer(answer) != 0; }
  [[nodiscard]] const std::string& answer_of(std::uint64_t entry) const;
  [[nodiscard]] const std::string& prompt_of(std::uint64_t entry) const;
  /// The entry whose answer the last lookup of a prompt considered; 0: none waits.
  [[nodiscard]] std::uint64_t waiting_for(std::uint64_t key) const noexcept;

 private:
  struct Entry {
    std::uint64_t id = 0, answer = 0, key = 0, hits = 0, last_used = 0;
    Offset offset;
    std::string prompt;
  };
  struct Answer {
    std::string text;
    std::uint64_t uses = 0, key = 0;
  };

  [[nodiscard]] Status take(const Settings& settings);
  [[nodiscard]] Status take(const Learned& learned);
  [[nodiscard]] Status take(const AnswerRecord& answer);
  [[nodiscard]] Status take(const EntryRecord& entry);
  [[nodiscard]] Status take(const Lookup& lookup);
  [[nodiscard]] Status take(const Put& put);
  [[nodiscard]] Status take(const Removal& removal);

  [[nodiscard]] std::vector<Gate> gates_to(const std::vector<ByteRows::Near>& near, std::string_view prompt) const;
  [[nodiscard]] std::vector<Neighbour> neighbours_of(std::size_t candidate, const std::vector<ByteRows::Near>& near,
                                                     const std::vector<Gate>& gates) const;
  void add_answer(std::uint64_t id, std::string text);
  void add_entry(Entry entry, std::span<const std::int8_t> vector);
  void remove_entry(std::uint64_t id);
  void settle(const Waiting& waiting, const Put& put);
  [[nodiscard]] std::uint64_t find_answer(std::string_view text) const;
  [[nodiscard]] Learned learned() const;
  [[nodiscard]] EntryRecord entry_record(std::uint32_t row) const;
  [[nodiscard]] std::uint64_t bytes_of_entry(const Entry& entry) const noexcept;

  Settings settings_;
  ByteRows rows_;
  std::vector<Entry> entries_;  // by row
  std::unordered_map<std::uint64_t, std::uint32_t> row_of_;
  std::unordered_map<std::uint64_t, std::uint64_t> entry_of_key_;
  std::unordered_map<std::uint64_t, Answer> answers_;
  std::unordered_map<std::uint64_t, std::uint64_t> answer_of_key_;
  std::uint64_t entry_bytes_ = 0, answer_bytes_ = 0;

  std::uint64_t prompts_ = 0;
  std::array<std::uint64_t, verdict_count> verdicts_{};
  std::uint64_t next_entry_ = 1, next_answer_ = 1;
  Allowance allowance_;
  OutcomeModel model_;
  RiskTable risks_;
  std::vector<Waiting> waiting_;  // oldest first
};

}  // namespace attar::cache
