#include "plan/allocation.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <tuple>
#include <utility>

namespace attar::plan {
namespace {

using Things = std::span<const std::vector<Choice>>;

constexpr double allocation_tolerance = 1e-9, rounding = 1e-12;
constexpr std::size_t least_states = 512;

// Choices of a thing by growing bytes and falling costs: those that are no worse in both than another are left.
std::vector<std::uint32_t> undominated(const std::vector<Choice>& choices) {
  std::vector<std::uint32_t> order(choices.size());
  std::iota(order.begin(), order.end(), 0u);
  std::ranges::sort(order, {}, [&](std::uint32_t i) { return std::tuple(choices[i].bytes, choices[i].cost, i); });
  std::vector<std::uint32_t> out;
  for (const std::uint32_t i : order)
    if (out.empty() || choices[i].cost < choices[out.back()].cost) out.push_back(i);
  return out;
}

double saved_by_byte(const Choice& from, const Choice& to) noexcept {
  return (from.cost - to.cost) / static_cast<double>(to.bytes - from.bytes);
}

// Of these the ones on the lower convex hull.
std::vector<std::uint32_t> hull_of(const std::vector<Choice>& choices, const std::vector<std::uint32_t>& order) {
  std::vector<std::uint32_t> out;
  for (const std::uint32_t i : order) {
    while (out.size() >= 2 && saved_by_byte(choices[out[out.size() - 2]], choices[out.back()]) <=
                                  saved_by_byte(choices[out.back()], choices[i]))
      out.pop_back();
    out.push_back(i);
  }
  return out;
}

// A step of one thing along its hull.
struct HullStep {
  double saved = 0;  // cost a byte
  std::uint32_t thing = 0, at = 0;
};

struct Relaxed {
  std::vector<std::uint32_t> chosen;  // an allocation that fits
  std::uint64_t bytes = 0;
  double cost = 0;
  double price = 0;  // of a byte, at which the bound is greatest
};

void sum_choices(Things things, Relaxed& out) {
  out.bytes = 0;
  out.cost = 0;
  for (std::size_t i = 0; i < things.size(); ++i) {
    out.bytes += things[i][out.chosen[i]].bytes;
    out.cost += things[i][out.chosen[i]].cost;
  }
}

// What is left of the budget goes to the choice of each thing that saves most and fits.
void spend_rest(Things things, std::uint64_t budget, Relaxed& out) {
  for (std::size_t i = 0; i < things.size(); ++i) {
    const std::uint64_t others = out.bytes - things[i][out.chosen[i]].bytes;
    for (std::uint32_t c = 0; c < things[i].size(); ++c)
      if (others + things[i][c].bytes <= budget && things[i][c].cost < things[i][out.chosen[i]].cost) out.chosen[i] = c;
    out.bytes = others + things[i][out.chosen[i]].bytes;
  }
}

// Steps of all hulls, the most saving first, as far as the budget goes; the first that does not fit tells the price.
std::optional<Relaxed> relax(Things things, std::uint64_t budget) {
  Relaxed out;
  std::vector<std::vector<std::uint32_t>> hulls;
  std::vector<HullStep> steps;
  for (std::uint32_t i = 0; i < things.size(); ++i) {
    hulls.push_back(hull_of(things[i], undominated(things[i])));
    out.chosen.push_back(hulls[i].front());
    for (std::uint32_t at = 1; at < hulls[i].size(); ++at)
      steps.push_back({saved_by_byte(things[i][hulls[i][at - 1]], things[i][hulls[i][at]]), i, at});
  }
  sum_choices(things, out);
  if (out.bytes > budget) return std::nullopt;
  std::ranges::stable_sort(steps, std::ranges::greater{}, &HullStep::saved);
  for (const HullStep& step : steps) {
    const auto& hull = hulls[step.thing];
    if (out.chosen[step.thing] != hull[step.at - 1]) continue;
    const std::uint64_t more = things[step.thing][hull[step.at]].bytes - things[step.thing][hull[step.at - 1]].bytes;
    if (more <= budget - out.bytes) {
      out.chosen[step.thing] = hull[step.at];
      out.bytes += more;
    } else if (out.price == 0) {
      out.price = step.saved;
    }
  }
  spend_rest(things, budget, out);
  sum_choices(things, out);
  return out;
}

// Ways for the first things together.
struct Partial {
  std::uint64_t bytes = 0;
  double cost = 0;
  std::uint32_t before = 0, choice = 0;  // the state of one thing less, and what was chosen for the last
};

struct Origin {
  std::uint32_t before = 0, choice = 0;
};

class Fronts {
 public:
  Fronts(Things things, std::uint64_t budget, const Relaxed& known, const AllocationLimits& limits)
      : things_(things), budget_(budget), known_(known) {
    most_ = std::clamp(limits.kept / std::max<std::size_t>(things.size(), 1), std::min(least_states, limits.states),
                       limits.states);
    for (const auto& choices : things_) least_.push_back(priced_least(choices));
    bound_ = std::accumulate(least_.begin(), least_.end(), 0.0) - known_.price * static_cast<double>(budget_);
  }

  Allocation run() {
    Allocation out{.chosen = known_.chosen, .bytes = known_.bytes, .cost = known_.cost, .bound = std::max(bound_, 0.0)};
    // Where the bound is met there is nothing to look for.
    if (known_.cost - out.bound <= allocation_tolerance * known_.cost) return out;
    // What sums of prices are rounded by must not decide either.
    slack_ = known_.cost - bound_ + allocation_tolerance * known_.cost +
             rounding * known_.price * static_cast<double>(budget_);
    find_room();
    std::vector<Partial> front{Partial{}};
    for (std::size_t i = 0; i < things_.size(); ++i) front = next(front, i);
    out.optimal = !thinned_;
    if (!front.empty() && front.back().cost <= out.cost) take(front, out);
    if (out.optimal) out.bound = out.cost;
    return out;
  }

 private:
  [[nodiscard]] double priced(const Choice& choice) const noexcept {
    return choice.cost + known_.price * static_cast<double>(choice.bytes);
  }
  [[nodiscard]] double priced_least(const std::vector<Choice>& choices) const noexcept {
    double out = std::numeric_limits<double>::infinity();
    for (const Choice& choice : choices) out = std::min(out, priced(choice));
    return out;
  }

  // room_[i]: the most bytes of the first i things that leave enough for the others.
  void find_room() {
    room_.assign(things_.size() + 1, budget_);
    for (std::size_t i = things_.size(); i-- > 0;)
      room_[i] = room_[i + 1] - std::ranges::min(things_[i], {}, &Choice::bytes).bytes;
  }

  std::vector<Partial> next(const std::vector<Partial>& front, std::size_t thing) {
    const std::vector<Choice>& choices = things_[thing];
    least_so_far_ += least_[thing];
    std::vector<Partial> grown;
    for (const std::uint32_t c : undominated(choices)) {
      if (priced(choices[c]) - least_[thing] > slack_) continue;
      for (std::uint32_t i = 0; i < front.size(); ++i) {
        const Partial state{front[i].bytes + choices[c].bytes, front[i].cost + choices[c].cost, i, c};
        if (state.bytes <= room_[thing + 1] && priced({state.bytes, state.cost}) - least_so_far_ <= slack_)
          grown.push_back(state);
      }
    }
    std::ranges::sort(grown, {}, [](const Partial& s) { return std::tuple(s.bytes, s.cost, s.before, s.choice); });
    std::vector<Partial> out;
    for (const Partial& state : grown)
      if (out.empty() || state.cost < out.back().cost) out.push_back(state);
    if (out.size() > most_) thin(out);
    auto& origins = origins_.emplace_back();
    origins.reserve(out.size());
    for (const Partial& state : out) origins.push_back({state.before, state.choice});
    return out;
  }

  // Of states of nearly the same bytes the one that costs least, which is the last.
  void thin(std::vector<Partial>& front) {
    thinned_ = true;
    const std::uint64_t first = front.front().bytes, cell = (front.back().bytes - first) / most_ + 1;
    std::vector<Partial> out;
    for (const Partial& state : front) {
      if (!out.empty() && (out.back().bytes - first) / cell == (state.bytes - first) / cell)
        out.back() = state;
      else
        out.push_back(state);
    }
    front = std::move(out);
  }

  // Costs fall along a front: its last state is the best.
  void take(const std::vector<Partial>& front, Allocation& out) const {
    out.bytes = front.back().bytes;
    out.cost = front.back().cost;
    auto at = static_cast<std::uint32_t>(front.size() - 1);
    for (std::size_t i = things_.size(); i-- > 0;) {
      out.chosen[i] = origins_[i][at].choice;
      at = origins_[i][at].before;
    }
  }

  Things things_;
  std::uint64_t budget_;
  const Relaxed& known_;
  std::size_t most_ = 0;
  std::vector<double> least_;  // priced, a thing
  double least_so_far_ = 0;
  double bound_ = 0;
  double slack_ = 0;  // what a way's price may be above the least
  std::vector<std::uint64_t> room_;
  std::vector<std::vector<Origin>> origins_;
  bool thinned_ = false;
};

}  // namespace

std::optional<Allocation> allocate(Things things, std::uint64_t budget, const AllocationLimits& limits) {
  const auto known = relax(things, budget);
  if (!known) return std::nullopt;
  return Fronts(things, budget, *known, limits).run();
}

}  // namespace attar::plan
