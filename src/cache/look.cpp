// Lookups: exact repeats, gates, neighbours, and the verdict.
#include <algorithm>

#include "cache/normal.h"
#include "cache/state.h"

namespace attar::cache {
namespace {

constexpr std::size_t looked_at = 2 * neighbours_asked;

}  // namespace

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

Look State::look(std::uint64_t key, std::string_view prompt, std::span<const std::int8_t> vector,
                 bool with_gates) const {
  Look out;
  out.record.key = key;
  const std::vector<ByteRows::Near> nearest = rows_.nearest(vector, looked_at);
  if (nearest.empty()) return out;
  const Marks marks = read_marks(prompt);
  std::vector<Gate> gates;
  for (const auto& near : nearest)
    gates.push_back(with_gates ? gate_between(marks, read_marks(entries_[near.row].prompt)) : Gate::none);
  const auto opening = std::ranges::find(gates, Gate::none);
  if (opening == gates.end()) {
    out.gate = gates.front();
    out.entry = out.record.entry = entries_[nearest.front().row].id;
    out.similarity = static_cast<double>(nearest.front().similarity);
    out.record.verdict = Verdict::gated;
    return out;
  }
  const auto first = static_cast<std::size_t>(opening - gates.begin());
  const Entry& candidate = entries_[nearest[first].row];
  out.similarity = static_cast<double>(nearest[first].similarity);
  // What a gate shuts out speaks for the candidate where it has the same answer, and else not at all.
  std::vector<Neighbour> neighbours{{.answer = candidate.answer, .similarity = out.similarity}};
  for (std::size_t i = 0; i < nearest.size() && neighbours.size() < neighbours_asked; ++i)
    if (const std::uint64_t answer = entries_[nearest[i].row].answer;
        i != first && (gates[i] == Gate::none || answer == candidate.answer))
      neighbours.push_back({.answer = answer, .similarity = static_cast<double>(nearest[i].similarity)});
  out.entry = out.record.entry = candidate.id;
  out.record.x = features_of(neighbours, entries_.size());
  const Belief belief = model_.judge(out.record.x, candidate.offset);
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
