#include "plan/contenders.h"

#include <algorithm>

namespace attar::plan {

void note(std::vector<Contender>& table, const Contender& contender) {
  for (Contender& known : table)
    if (known.codec == contender.codec && known.option.params == contender.option.params) {
      if (contender.measured || !known.measured) known = contender;
      return;
    }
  table.push_back(contender);
}

std::vector<Contender> other_kinds(const std::vector<Contender>& table, const Family& family, std::size_t most) {
  std::vector<Contender> out;
  for (const Contender& known : table) {
    const Family kind{known.codec, known.option.variant};
    const bool seen = std::any_of(out.begin(), out.end(), [&](const Contender& other) {
      return Family{other.codec, other.option.variant} == kind;
    });
    if (known.measured && kind != family && !seen) out.push_back(known);
  }
  std::stable_sort(out.begin(), out.end(), [](const Contender& a, const Contender& b) { return a.rank > b.rank; });
  if (out.size() > most) out.resize(most);
  return out;
}

}  // namespace attar::plan
