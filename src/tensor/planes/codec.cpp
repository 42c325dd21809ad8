// Elements of any kind, a plane for each of their bytes. spec.md has the bytes.
#include <zstd.h>

#include <algorithm>
#include <utility>

#include "base/checked.h"
#include "base/zstd_handles.h"
#include "codec/tensors.h"

namespace attar::tensor {
namespace planes {
namespace {

enum class Way : std::uint8_t { stored = 0, constant = 1, zstd = 2 };

constexpr int level = 6;  // higher ones gain little on planes and take several times as long
constexpr int level_of_a_look = 1;
// Floats seldom come to planes: a look at one byte in so many tells when they do.
constexpr std::uint64_t sample_bytes = 1u << 20, least_sample = 1u << 14, sample_share = 256;

void put(std::vector<std::byte>& out, base::ByteView bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

void write_plane(base::ByteView plane, ZSTD_CCtx* context, int zstd_level, std::vector<std::byte>& work,
                 std::vector<std::byte>& out) {
  if (!plane.empty() && std::ranges::all_of(plane, [&](std::byte b) { return b == plane.front(); })) {
    out.push_back(static_cast<std::byte>(Way::constant));
    out.push_back(plane.front());
    return;
  }
  work.resize(ZSTD_compressBound(plane.size()));
  const std::size_t size = ZSTD_compressCCtx(context, work.data(), work.size(), plane.data(), plane.size(), zstd_level);
  if (ZSTD_isError(size) != 0 || size + sizeof(std::uint32_t) >= plane.size()) {
    out.push_back(static_cast<std::byte>(Way::stored));
    put(out, plane);
    return;
  }
  const auto length = static_cast<std::uint32_t>(size);
  out.push_back(static_cast<std::byte>(Way::zstd));
  put(out, std::as_bytes(std::span(&length, 1)));
  put(out, base::ByteView(work).first(size));
}

class Writer final : public codec::TensorWriter {
 public:
  explicit Writer(unsigned width, int zstd_level = level) : width_(width), level_(zstd_level) {}

  [[nodiscard]] std::vector<std::byte> preamble() const override { return {}; }

  void write(const codec::TensorBlock& block, std::vector<std::byte>& out) const override {
    const std::size_t count = block.elements.size() / width_;
    // A thread keeps its own: tables taken anew for every block take as long as coding a small one.
    thread_local std::vector<std::byte> plane, work;
    thread_local const base::ZstdHandle<ZSTD_CCtx> context(ZSTD_createCCtx());
    plane.resize(count);
    for (unsigned p = 0; p < width_; ++p) {
      for (std::size_t i = 0; i < count; ++i) plane[i] = block.elements[i * width_ + p];
      write_plane(plane, context.get(), level_, work, out);
    }
  }

 private:
  unsigned width_;
  int level_;
};

// Elements from all over the tensor, in a few stretches: its first rows are often like no others.
std::vector<std::byte> sample(const codec::TensorView& tensor, std::uint64_t count) {
  constexpr std::uint64_t most_stretches = 64, stretch_bytes = 2048;
  const std::uint64_t width = tensor.schema.element.bytes;
  const std::uint64_t stretches = std::clamp<std::uint64_t>(count * width / stretch_bytes, 2, most_stretches);
  const std::uint64_t each = count / stretches;
  std::vector<std::byte> out;
  if (count == tensor.schema.count || each == 0) {
    put(out, tensor.bytes.first(count * width));
    return out;
  }
  for (std::uint64_t i = 0; i < stretches; ++i) {
    const std::uint64_t length = i + 1 < stretches ? each : count - each * (stretches - 1);
    const std::uint64_t at = i * (tensor.schema.count - length) / (stretches - 1);
    put(out, tensor.bytes.subspan(at * width, length * width));
  }
  return out;
}

class Trial final : public codec::TensorTrial {
 public:
  explicit Trial(const codec::TensorView& tensor) : width_(tensor.schema.element.bytes) {
    const std::uint64_t bytes = tensor.schema.element.is_float()
                                    ? std::clamp(tensor.schema.bytes() / sample_share, least_sample, sample_bytes)
                                    : sample_bytes;
    const std::uint64_t count = std::min(tensor.schema.count, std::max<std::uint64_t>(bytes / width_, 1));
    std::vector<std::byte> block;
    const std::vector<std::byte> taken = sample(tensor, count);
    Writer(width_, level_of_a_look).write({.elements = taken}, block);
    const double scale = count == 0 ? 0 : static_cast<double>(tensor.schema.count) / static_cast<double>(count);
    bytes_ = scale * static_cast<double>(block.size());
  }

  [[nodiscard]] double bytes() const override { return bytes_; }
  void share(codec::TableSets& /*tables*/) override {}
  [[nodiscard]] std::unique_ptr<codec::TensorWriter> writer(const codec::TableSets& /*tables*/) const override {
    return std::make_unique<Writer>(width_);
  }

 private:
  unsigned width_;
  double bytes_ = 0;
};

class Reader final : public codec::TensorReader {
 public:
  explicit Reader(unsigned width) : width_(width) {}

  [[nodiscard]] Status read(base::ByteView block, base::ByteView /*base*/, std::span<std::byte> out) const override {
    base::ByteReader in(block);
    std::vector<std::byte> plane(out.size() / width_);
    for (unsigned p = 0; p < width_; ++p) {
      ATTAR_TRY(read_plane(in, plane));
      for (std::size_t i = 0; i < plane.size(); ++i) out[i * width_ + p] = plane[i];
    }
    if (in.remaining() != 0) return fail(ErrorCode::corrupt, "a block goes on after its last plane");
    return {};
  }

 private:
  static Status read_plane(base::ByteReader& in, std::span<std::byte> plane) {
    ATTAR_ASSIGN(const auto way, in.read<std::uint8_t>());
    switch (static_cast<Way>(way)) {
      case Way::stored: {
        ATTAR_ASSIGN(const base::ByteView bytes, in.take(plane.size()));
        std::ranges::copy(bytes, plane.begin());
        return {};
      }
      case Way::constant: {
        ATTAR_ASSIGN(const auto byte, in.read<std::uint8_t>());
        std::ranges::fill(plane, static_cast<std::byte>(byte));
        return {};
      }
      case Way::zstd: {
        ATTAR_ASSIGN(const auto length, in.read<std::uint32_t>());
        ATTAR_ASSIGN(const base::ByteView bytes, in.take(length));
        const std::size_t size = ZSTD_decompress(plane.data(), plane.size(), bytes.data(), bytes.size());
        if (ZSTD_isError(size) != 0 || size != plane.size())
          return fail(ErrorCode::corrupt, "a plane is no zstd frame of its length");
        return {};
      }
    }
    return fail(ErrorCode::too_new, "a plane is coded in a way of a later version");
  }

  unsigned width_;
};

class PlanesCodec final : public codec::TensorCodec {
 public:
  [[nodiscard]] const codec::CodecInfo& info() const noexcept override {
    static constexpr codec::CodecInfo row = {
        .id = 0x0402, .name = "planes", .summary = "lossless: elements of any kind, a plane for each of their bytes"};
    return row;
  }

  [[nodiscard]] std::unique_ptr<codec::TensorTrial> look(const codec::TensorView& tensor) const override {
    return std::make_unique<Trial>(tensor);
  }

  [[nodiscard]] Result<std::unique_ptr<codec::TensorReader>> open(base::ByteView preamble,
                                                                  const codec::TensorSchema& schema,
                                                                  const codec::TableSets& /*tables*/) const override {
    if (!preamble.empty()) return fail(ErrorCode::corrupt, "a tensor of planes has a preamble");
    return std::make_unique<Reader>(schema.element.bytes);
  }
};

}  // namespace
}  // namespace planes

const codec::TensorCodec& planes_codec() noexcept {
  static const planes::PlanesCodec codec;
  return codec;
}

}  // namespace attar::tensor
