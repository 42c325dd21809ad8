// The field of candidates: every codec trained once on a sample, its options priced at any size, tried on request.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "plan/planner.h"

namespace attar::plan {

/// A codec's kind at any rate: what stays when the rate changes.
struct Family {
  const codec::Codec* codec = nullptr;
  std::string variant;

  friend bool operator==(const Family&, const Family&) = default;
};

class Field {
 public:
  /// Trains every codec that may compete to code `rows`, on a sample of them as the codec will see them.
  [[nodiscard]] static Result<Field> train(const Setting& setting, const Rows& rows, const data::VectorSource& sample);

  /// The options of all codecs whose whole file fits `file_bytes`, each the largest of its kind.
  [[nodiscard]] Result<std::vector<Contender>> within(std::uint64_t file_bytes) const;
  /// The same for one family; nothing when none fits.
  [[nodiscard]] Result<std::optional<Contender>> within(std::uint64_t file_bytes, const Family& family) const;

  /// Contenders of a codec laid out for two looks, each the largest of its kind within file_bytes.
  [[nodiscard]] Result<std::vector<Contender>> layered(const codec::Codec& codec, std::uint64_t file_bytes) const;

  /// Encodes a contender over all rows, or over a sample of them.
  [[nodiscard]] Result<std::unique_ptr<Trial>> attempt(const Contender& contender, const Rows& rows) const;

 private:
  Field(const Setting& setting, const Rows& rows)
      : setting_(&setting), schema_(rows.coded_schema()), index_sizes_(rows.index_sizes()) {}
  [[nodiscard]] Result<std::uint64_t> file_size(std::uint64_t model, std::uint64_t codes) const {
    PartSizes sizes = index_sizes_;
    sizes.model = model;
    sizes.codes = codes;
    return setting_->file_size(sizes);
  }
  using Pricing = std::function<std::vector<codec::Option>(const codec::Goal&)>;
  // What `options` offers in whole files of at most file_bytes: the container adds to each option's own bytes.
  [[nodiscard]] Result<std::vector<Contender>> priced(const codec::Codec& codec, std::uint64_t file_bytes,
                                                      const Pricing& options) const;
  [[nodiscard]] Result<std::vector<Contender>> options_of(const codec::Codec& codec, std::uint64_t file_bytes) const;

  const Setting* setting_;
  codec::Schema schema_;  // as codecs see the rows
  PartSizes index_sizes_;
  std::map<const codec::Codec*, std::unique_ptr<codec::Trained>> trained_;
};

/// `rows` rows of the base, spread evenly and shifted by the seed, in memory; `numbers` tells which.
[[nodiscard]] Result<std::unique_ptr<data::VectorSource>> sample_rows(const data::VectorSource& base,
                                                                      std::uint64_t rows, std::uint64_t seed,
                                                                      std::vector<std::uint32_t>& numbers);

}  // namespace attar::plan
