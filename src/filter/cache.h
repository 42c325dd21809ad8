// Sets of rows that conditions have found, the least recently used dropped first.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "filter/row_set.h"

namespace attar::filter {

/// What is kept of a condition: the rows, and as words where a search asked for them.
struct KeptRows {
  RowSet rows;
  std::shared_ptr<const std::vector<std::uint64_t>> words;

  [[nodiscard]] std::uint64_t bytes() const noexcept;
};

/// Safe to use from many threads at once.
class RowCache {
 public:
  /// Holds at most so many bytes, keys and a little for each entry counted.
  explicit RowCache(std::uint64_t limit) : limit_(limit) {}

  [[nodiscard]] std::optional<KeptRows> find(const std::string& key);
  /// Replaces what was kept under the key; what is larger than the limit is not kept.
  void keep(const std::string& key, KeptRows rows);

  [[nodiscard]] std::uint64_t bytes() const;
  [[nodiscard]] std::size_t size() const;

 private:
  struct Entry {
    std::string key;
    KeptRows rows;
    std::uint64_t bytes = 0;
  };
  void drop(std::list<Entry>::iterator entry);

  const std::uint64_t limit_;
  mutable std::mutex mutex_;
  std::list<Entry> entries_;  // most recently used first
  std::unordered_map<std::string_view, std::list<Entry>::iterator> places_;
  std::uint64_t bytes_ = 0;
};

}  // namespace attar::filter
