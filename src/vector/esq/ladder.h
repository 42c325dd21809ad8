// All rates of one kind of walk: where each next byte of a row is worth most, and what decoding then costs.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "vector/esq/layout.h"

namespace attar::vector::esq {

/// What the rates are made for: components by falling variance.
struct Components {
  std::vector<float> thresholds;  ///< t, about a component's deviation in a row of norm 1
  std::vector<double> cost;       ///< what a unit of squared error in z is in the rows' own space
  std::vector<float> measured;    ///< [row][component]: u of rows that distortion is measured on
  std::vector<double> energy;     ///< of these rows: ‖z‖²

  [[nodiscard]] std::uint32_t count() const noexcept { return static_cast<std::uint32_t>(thresholds.size()); }
};

/// One rung: the bits of the groups that it keeps.
struct Rate {
  std::uint32_t components = 0;
  std::uint32_t code_bytes = 0;  ///< of a row's two parts, without scales
  std::uint32_t upgrades = 0;    ///< taken from the list of all
  std::uint32_t groups = 0;
};

class Ladder {
 public:
  /// walk_codes: bytes of codes in the walk. Without `upgrade` the walk alone.
  Ladder(const Components& components, std::uint32_t walk_codes, bool upgrade);

  [[nodiscard]] std::span<const Rate> rates() const noexcept { return rates_; }
  [[nodiscard]] Shape shape(const Rate& rate) const;
  /// Estimated E‖x − x̂‖² / E‖x − mean‖².
  [[nodiscard]] double distortion(const Rate& rate) const;
  [[nodiscard]] std::uint32_t walk_codes() const noexcept { return walk_codes_; }

 private:
  // What a group at some width adds to a row's ⟨ẑ,z⟩ / ⟨z,z⟩, and to Σ cost·ẑz and Σ cost·ẑ², z of norm 1.
  struct Sums {
    double match = 0, cross = 0, own = 0;
  };
  [[nodiscard]] std::vector<std::uint8_t> widths(const Rate& rate) const;
  void choose_upgrades(const Components& components);
  void measure(const Components& components);
  [[nodiscard]] const Sums& sums(std::size_t row, std::size_t group, unsigned bits) const noexcept {
    return sums_[(row * whole_.groups.size() + group) * 4 + bits / 2 - 1];
  }

  std::uint32_t walk_codes_;
  Shape whole_;                          // all groups, at eight bits
  std::vector<std::uint32_t> upgrades_;  // group by group, two bits each
  std::vector<Rate> rates_;              // ascending
  std::vector<double> energy_;           // by measured row: ‖z‖²
  std::vector<double> all_;              // Σ cost·z², z of norm 1
  std::vector<Sums> sums_;               // [row][group][bits / 2 − 1]
};

}  // namespace attar::vector::esq
