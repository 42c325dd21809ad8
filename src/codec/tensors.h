// The contract of every tensor codec: look at a tensor and price it, write its blocks, read them. One implementation a
// folder of src/tensor/.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "attar/result.h"
#include "base/bytes.h"
#include "codec/codec.h"
#include "codec/table_sets.h"

namespace attar::codec {

/// What an element is made of. Floats: a sign, exponent and mantissa, from the highest bit on; else no exponent.
struct Element {
  unsigned bytes = 1;  ///< of an element, or of a block of quantized values
  unsigned exponent_bits = 0;
  unsigned mantissa_bits = 0;

  [[nodiscard]] bool is_float() const noexcept { return exponent_bits != 0; }
  friend bool operator==(const Element&, const Element&) = default;
};

/// One tensor, row-major: `count` elements, `columns` of them a row (the last row may be shorter).
struct TensorSchema {
  Element element = {};
  std::uint64_t count = 0;
  std::uint64_t columns = 1;  ///< at least 1

  [[nodiscard]] std::uint64_t bytes() const noexcept { return count * element.bytes; }
};

/// A block of a tensor that is to be written.
struct TensorBlock {
  base::ByteView elements = {};
  base::ByteView base = {};  ///< as many bytes of the tensor that this one is coded against; empty where there is none
  /// Of each row, by how many half octaves its steps are finer than the tensor's; empty: by none. Lossy codecs heed it.
  std::span<const std::uint8_t> finer = {};
};

/// A coded block as two stretches, one behind the other: a codec that writes from a block's end on need not copy it to
/// the front. Meant to be used again for the next block, its room kept.
struct BlockParts {
  std::vector<std::byte> front;
  std::vector<std::byte> room;  ///< the second stretch is its end
  std::size_t back_at = 0;      ///< where that begins

  [[nodiscard]] base::ByteView back() const noexcept { return base::ByteView(room).subspan(back_at); }
  [[nodiscard]] std::size_t size() const noexcept { return front.size() + room.size() - back_at; }
  void clear() noexcept {
    front.clear();
    back_at = room.size();
  }
};

/// Writes the blocks of one tensor. Safe to use from many threads.
class TensorWriter {
 public:
  virtual ~TensorWriter() = default;
  /// What a reader must know of the whole tensor.
  [[nodiscard]] virtual std::vector<std::byte> preamble() const = 0;
  /// Appends the block of these elements.
  virtual void write(const TensorBlock& block, std::vector<std::byte>& out) const = 0;
  /// The same block into parts that are clear.
  virtual void write_parts(const TensorBlock& block, BlockParts& out) const { write(block, out.front); }
};

/// What a look at a tensor found.
class TensorTrial {
 public:
  virtual ~TensorTrial() = default;
  /// Bytes that the whole tensor would take, estimated from a sample of it.
  [[nodiscard]] virtual double bytes() const = 0;
  /// Takes a place in the tables; called for the trial that is chosen alone.
  virtual void share(TableSets& tables) = 0;
  /// After TableSets::finish(); the tables and the trial outlive the writer.
  [[nodiscard]] virtual std::unique_ptr<TensorWriter> writer(const TableSets& tables) const = 0;
};

/// Reads the blocks of one tensor. Safe to use from many threads.
class TensorReader {
 public:
  virtual ~TensorReader() = default;
  /// Decodes a block of out.size() bytes. `corrupt` where the block breaks its format.
  [[nodiscard]] virtual Status read(base::ByteView block, base::ByteView base, std::span<std::byte> out) const = 0;
};

/// A tensor to look at: all of its bytes, and those of its base where it has one.
struct TensorView {
  TensorSchema schema = {};
  base::ByteView bytes = {};
  base::ByteView base = {};
  std::uint64_t block_elements = 0;          ///< of a block, at most; a multiple of the columns
  std::span<const std::uint8_t> finer = {};  ///< of each row, as in TensorBlock

  /// The block of this number.
  [[nodiscard]] TensorBlock block(std::uint64_t number) const noexcept;
};

class TensorCodec {
 public:
  virtual ~TensorCodec() = default;
  [[nodiscard]] virtual const CodecInfo& info() const noexcept = 0;
  /// True where writer and reader use the bytes of a base.
  [[nodiscard]] virtual bool needs_base() const noexcept { return false; }
  /// True where a reader's elements are near to those that were written, and not the same. Such a codec is chosen by
  /// what may be lost, never by a look.
  [[nodiscard]] virtual bool lossy() const noexcept { return false; }
  /// Null where the codec is not for such a tensor, or is lossy.
  [[nodiscard]] virtual std::unique_ptr<TensorTrial> look(const TensorView& tensor) const = 0;
  /// Every field of the preamble is checked.
  [[nodiscard]] virtual Result<std::unique_ptr<TensorReader>> open(base::ByteView preamble, const TensorSchema& schema,
                                                                   const TableSets& tables) const = 0;
};

/// All tensor codecs of this build, one row each, in the order in which they are tried.
[[nodiscard]] std::span<const TensorCodec* const> tensor_registry() noexcept;
/// The codec that takes the fewest bytes for a tensor, and what its look found.
struct CodecChoice {
  const TensorCodec* codec = nullptr;
  std::unique_ptr<TensorTrial> trial = {};
};
/// Of these, which look in their order; none where none of them is for the tensor.
[[nodiscard]] CodecChoice choose_codec(std::span<const TensorCodec* const> codecs, const TensorView& tensor);

/// Null when this build has no tensor codec of that id.
[[nodiscard]] const TensorCodec* find_tensor_codec(std::uint32_t id) noexcept;

}  // namespace attar::codec
