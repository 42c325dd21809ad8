// The contract of every vector codec: train, price, encode, open, score. One implementation a folder of src/vector/.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "attar/limits.h"
#include "attar/result.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "base/threads.h"
#include "codec/scorer.h"
#include "codec/vectors.h"
#include "format/section.h"

namespace attar::codec {

struct CodecInfo {
  std::uint32_t id = 0;        ///< on the wire; never reused
  std::string_view name;       ///< the field's term, as users type it
  std::uint16_t wire_min = 1;  ///< oldest wire version that this build reads
  std::uint16_t wire_max = 1;  ///< newest, and the one that it writes
  std::string_view summary;    ///< one line for `attar plan` and the docs
  bool walks = false;          ///< its codes are made for walks over graphs (Scorable::walks)
};

/// `too_new` or `too_old` unless the codec reads this wire version; says what to do.
[[nodiscard]] Status check_wire_version(const CodecInfo& info, std::uint16_t version);

/// What a codec learned, ready for the wire: immutable, addressed by its digest, shared by segments.
class Model {
 public:
  virtual ~Model() = default;
  [[nodiscard]] virtual Status save(base::Sink& sink) const = 0;
};

/// What a codec knows after seeing a sample: it prices any number of options and builds the model of the one chosen.
class Trained {
 public:
  virtual ~Trained() = default;
  /// The options worth trying under the goal, each the largest rate of its kind that fits; empty when none does.
  [[nodiscard]] virtual std::vector<Option> options(const Goal& goal) const = 0;
  [[nodiscard]] virtual Result<std::shared_ptr<const Model>> build(const Params& params) const = 0;
  /// Options whose codes are laid out for a first look at a small part of each row, each the largest rate of its kind
  /// that fits. None where the codec has no such layout, or it would not help.
  [[nodiscard]] virtual std::vector<Option> layered(const Goal& /*goal*/) const { return {}; }
};

/// What training may use beside the rows.
struct TrainContext {
  base::ThreadPool* pool = nullptr;  ///< never null
  std::uint64_t seed = 0;
  QueryBatch queries = {};  ///< queries of the tune or train split, any number; may be empty
};

class Trainer {
 public:
  virtual ~Trainer() = default;
  /// Rows of the sample, in any chunking; memory stays bounded by the dimensions and the sample, not by the base.
  [[nodiscard]] virtual Status feed(const Chunk& chunk) = 0;
  [[nodiscard]] virtual Result<std::unique_ptr<Trained>> finish() = 0;
};

/// Writes the codes of all rows, in order, to its sink.
class Encoder {
 public:
  virtual ~Encoder() = default;
  [[nodiscard]] virtual Status append(const Chunk& chunk) = 0;
  /// Fails unless schema.rows rows were appended.
  [[nodiscard]] virtual Status finish() = 0;
};

/// Codes opened for reading. Const and safe to use from many threads at once.
class View {
 public:
  virtual ~View() = default;
  [[nodiscard]] virtual std::uint64_t size() const noexcept = 0;
  /// Checks the checksums of all that decoding and scoring these rows reads, neighbours that are scored along with
  /// them included (each block of a file once; the section remembers).
  [[nodiscard]] virtual Status verify(Range rows) const = 0;
  /// Reconstructs rows into out (rows.size() × dims).
  [[nodiscard]] virtual Status decode(Range rows, std::span<float> out) const = 0;
  /// Writes the codes of these rows, in this order, as an encoder under the same model had written them. They are
  /// verified, and below size(). `unsupported` where a row's codes do not stand apart from others'.
  [[nodiscard]] virtual Status copy(std::span<const std::uint32_t> /*rows*/, base::Sink& /*sink*/) const {
    return fail(ErrorCode::unsupported, "this codec's rows cannot be copied one by one");
  }
  /// Null when the codec cannot score its codes.
  [[nodiscard]] virtual const Scorable* scorable() const noexcept { return nullptr; }
};

class Codec {
 public:
  virtual ~Codec() = default;
  [[nodiscard]] virtual const CodecInfo& info() const noexcept = 0;
  [[nodiscard]] virtual Result<std::unique_ptr<Trainer>> trainer(const Schema& schema,
                                                                 const TrainContext& context) const = 0;
  /// Reads a model section written by save(); every field is checked.
  [[nodiscard]] virtual Result<std::shared_ptr<const Model>> load(const format::SectionReader& section,
                                                                  const Schema& schema,
                                                                  const OpenLimits& limits) const = 0;
  [[nodiscard]] virtual Result<std::unique_ptr<Encoder>> encoder(std::shared_ptr<const Model> model,
                                                                 const Schema& schema, base::Sink& sink,
                                                                 base::ThreadPool& pool) const = 0;
  [[nodiscard]] virtual Result<std::unique_ptr<View>> open(format::SectionReader codes,
                                                           std::shared_ptr<const Model> model, const Schema& schema,
                                                           const OpenLimits& limits) const = 0;
};

}  // namespace attar::codec
