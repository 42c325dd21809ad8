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

std::vector<Gate> State::gates_to(const std::vector<ByteRows::Near>& near, std::string_view prompt) const {
  const Marks marks = read_marks(prompt);
  std::vector<Gate> out;
  out.reserve(near.size());
  for (const auto& [row, similarity] : near) out.push_back(gate_between(marks, read_marks(entries_[row].prompt)));
  return out;
}

// What a gate shuts out speaks for the candidate where it has the same answer, and else not at all.
std::vector<Neighbour> State::neighbours_of(std::size_t candidate, const std::vector<ByteRows::Near>& near,
                                            const std::vector<Gate>& gates) const {
  const std::uint64_t own = entries_[near[candidate].row].answer;
  std::vector<Neighbour> out{{.answer = own, .similarity = static_cast<double>(near[candidate].similarity)}};
  for (std::size_t i = 0; i < near.size() && out.size() < neighbours_asked; ++i) {
    const std::uint64_t answer = entries_[near[i].row].answer;
    if (i != candidate && (gates[i] == Gate::none || answer == own))
      out.push_back({.answer = answer, .similarity = static_cast<double>(near[i].similarity)});
  }
  return out;
}

Look State::look(std::uint64_t key, std::string_view prompt, std::span<const std::int8_t> vector,
                 bool with_gates) const {
  Look out;
  out.record.key = key;
  const std::vector<ByteRows::Near> near = rows_.nearest(vector, looked_at);
  if (near.empty()) return out;
  const std::vector<Gate> gates = with_gates ? gates_to(near, prompt) : std::vector<Gate>(near.size(), Gate::none);
  const auto first = static_cast<std::size_t>(std::ranges::find(gates, Gate::none) - gates.begin());
  const bool gated = first == near.size();
  const Entry& candidate = entries_[near[gated ? 0 : first].row];
  out.entry = out.record.entry = candidate.id;
  out.similarity = static_cast<double>(near[gated ? 0 : first].similarity);
  if (gated) {
    out.gate = gates.front();
    out.record.verdict = Verdict::gated;
    return out;
  }
  out.record.x = features_of(neighbours_of(first, near, gates), entries_.size());
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
