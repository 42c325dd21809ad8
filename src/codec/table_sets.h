// Tables of frequencies that the tensors of a file share: one serves all that are shaped alike.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "attar/result.h"
#include "base/bytes.h"
#include "math/rans.h"

namespace attar::codec {

/// Gathered while tensors are looked at, then fitted once.
class TableSets {
 public:
  /// By context: how often each symbol stands in a sample of a tensor.
  using Counts = std::vector<math::RansCounts>;

  /// The number of the set that codes these counts, which stand for `scale` times as many symbols: one that is there,
  /// or a new one where it pays for its own bytes. Counts are added to what the set is fitted to.
  [[nodiscard]] std::uint32_t place(const Counts& counts, double scale, double escape_bits);
  /// The number of a set of tables that were fitted elsewhere: place() does not give it to others. `over_limit` where
  /// the file has as many sets as it may.
  [[nodiscard]] Result<std::uint32_t> add(math::RansModel model);
  /// Fits all sets; none is placed afterwards.
  void finish();

  /// The sets as bytes, and back; `corrupt` and `over_limit` as their readers say.
  void save(base::ByteWriter& out) const;
  [[nodiscard]] static Result<TableSets> load(base::ByteReader& in);

  [[nodiscard]] std::size_t size() const noexcept { return sets_.size(); }
  /// After finish() or load().
  [[nodiscard]] const math::RansModel& set(std::size_t number) const noexcept { return *sets_[number].model; }

 private:
  struct Set {
    Counts counts;
    double escape_bits = 0;
    std::vector<float> logarithms;  ///< what a symbol costs in a context, in bits, by the counts so far
    std::shared_ptr<const math::RansModel> model = {};
  };
  std::vector<Set> sets_;
};

}  // namespace attar::codec
