// Lookups: exact repeats, gates, neighbours, and the verdict.
#include <algorithm>

#include "cache/normal.h"
#include "cache/state.h"

namespace attar::cache {

std::uint64_t State::find_exact(std::uint64_t key, std::string_view normal) const {
  const auto known = entry_of_key_.find(key);
  if (known == entry_of_key_.end()) return 0;
  // A hash is no proof.
  return normal_form(prompt_of(known->second)) == normal ? known->second : 0;
}

Look State::look_exact(std::uint64_t key, std::uint64_t entry) const {
  Look out;
  out.entry = entry;
  out.similarity = out.probability = 1;
  out.record.key = key;
  out.record.entry = entry;
  out.record.verdict = Verdict::exact;
  return out;
}

Look State::look(std::uint64_t key, std::string_view prompt, std::span<const std::int8_t> vector) const {
  Look out;
  out.record.key = key;
  const std::vector<ByteRows::Near> nearest = rows_.nearest(vector, neighbours_asked);
  if (nearest.empty()) return out;
  const Marks marks = read_marks(prompt);
  std::vector<Neighbour> open;
  const Entry* candidate = nullptr;
  for (const auto& [row, similarity] : nearest) {
    const Entry& entry = entries_[row];
    const Gate gate = gate_between(marks, read_marks(entry.prompt));
    if (out.gate == Gate::none && open.empty()) out.gate = gate;
    if (gate != Gate::none) continue;
    if (candidate == nullptr) {
      candidate = &entry;
      out.similarity = static_cast<double>(similarity);
    }
    open.push_back({.answer = entry.answer, .similarity = static_cast<double>(similarity)});
  }
  if (candidate == nullptr) {
    out.entry = out.record.entry = entries_[nearest.front().row].id;
    out.similarity = static_cast<double>(nearest.front().similarity);
    out.record.verdict = Verdict::gated;
    return out;
  }
  out.gate = Gate::none;
  out.entry = out.record.entry = candidate->id;
  out.record.x = features_of(open, entries_.size());
  const Belief belief = model_.judge(out.record.x, candidate->offset);
  out.probability = belief.probability();
  out.record.log_odds = belief.moderated();
  out.record.risk = 1 - out.probability;
  const Decision decision = decide(allowance_, risks_, belief, prompts_ + 1);
  out.record.verdict = Verdict::unsure;
  if (!decision.may_serve) return out;
  out.record.charge = decision.charge;
  out.record.verdict = coin(settings_.seed, prompts_ + 1) < decision.explore ? Verdict::explored : Verdict::served;
  return out;
}

}  // namespace attar::cache
