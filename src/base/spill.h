// A byte buffer that moves to a scratch file when it grows beyond what memory should hold.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/file.h"

namespace attar::base {

class SpillBuffer final : public Sink {
 public:
  explicit SpillBuffer(std::uint64_t memory_limit) : limit_(memory_limit) {}

  [[nodiscard]] Status write(ByteView bytes) override;
  [[nodiscard]] std::uint64_t size() const noexcept { return spilled_ + memory_.size(); }
  /// Copies everything to the sink, in bounded pieces.
  [[nodiscard]] Status copy_to(Sink& sink) const;

 private:
  std::uint64_t limit_;
  std::uint64_t spilled_ = 0;
  std::vector<std::byte> memory_;
  std::optional<TemporaryFile> file_;
};

}  // namespace attar::base
