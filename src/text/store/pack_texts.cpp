// Texts to their section: groups, a dictionary of what they share, frames.
#include <fmt/format.h>
#include <zdict.h>
#include <zstd.h>

#include <algorithm>
#include <memory>

#include "base/bytes.h"
#include "base/leb128.h"
#include "base/zstd_handles.h"
#include "text/store/layout.h"
#include "text/store/texts.h"

namespace attar::text {
namespace {

// The dictionary is trained on so much text, groups from all over it; more takes longer and gains next to nothing.
constexpr std::uint64_t most_sample_bytes = 8u << 20;
// Fewer bytes than these hold no more than their dictionary would.
constexpr std::uint64_t least_sample_bytes = 1u << 20;
constexpr std::size_t groups_between_checks = 256;

class Packing {
 public:
  Packing(std::span<const std::string_view> pieces, const TextPacking& packing, base::ThreadPool& pool,
          base::Progress& progress)
      : pieces_(pieces), packing_(packing), pool_(pool), progress_(progress) {}

  Result<std::vector<std::byte>> run() {
    ATTAR_TRY(cut());
    train();
    ATTAR_TRY(compress());
    return assemble();
  }

 private:
  Status cut() {
    std::uint64_t filled = 0;
    for (std::size_t i = 0; i < pieces_.size(); ++i) {
      const std::uint64_t size = pieces_[i].size();
      if (size >= most_content_bytes - 8)
        return fail(ErrorCode::over_limit, fmt::format("the text of row {} has {} bytes; at most {} are allowed", i,
                                                       size, most_content_bytes - 8));
      if (filled != 0 && filled + size > packing_.group_bytes) {
        group_ends_.push_back(static_cast<std::uint32_t>(i));
        filled = 0;
      }
      filled += size;
      bytes_ += size;
    }
    if (pieces_.empty()) return fail(ErrorCode::invalid_data, "there is no text to pack");
    group_ends_.push_back(static_cast<std::uint32_t>(pieces_.size()));
    return {};
  }

  [[nodiscard]] std::string content(std::size_t group) const {
    base::ByteWriter lengths;
    const std::size_t first = group == 0 ? 0 : group_ends_[group - 1], last = group_ends_[group];
    for (std::size_t i = first; i < last; ++i) base::write_leb128(lengths, pieces_[i].size());
    std::string out(base::as_text(lengths.bytes()));
    for (std::size_t i = first; i < last; ++i) out += pieces_[i];
    return out;
  }

  void train() {
    if (packing_.dictionary_bytes == 0 || bytes_ < least_sample_bytes) return;
    const std::size_t step = std::max<std::size_t>(1, static_cast<std::size_t>(bytes_ / most_sample_bytes));
    std::string samples;
    std::vector<std::size_t> sizes;
    for (std::size_t group = 0; group < group_ends_.size(); group += step) {
      const std::string one = content(group);
      samples += one;
      sizes.push_back(one.size());
    }
    dictionary_.resize(std::min(packing_.dictionary_bytes, most_dictionary_bytes));
    const std::size_t size = ZDICT_trainFromBuffer(dictionary_.data(), dictionary_.size(), samples.data(), sizes.data(),
                                                   static_cast<unsigned>(sizes.size()));
    // It refuses what has nothing in common: then there is none.
    dictionary_.resize(ZDICT_isError(size) != 0 ? 0 : size);
  }

  Status compress() {
    const std::size_t groups = group_ends_.size();
    frames_.resize(groups);
    progress_.stage("packing texts", bytes_);
    base::ZstdHandle<ZSTD_CDict> shared;
    if (!dictionary_.empty()) shared.reset(ZSTD_createCDict(dictionary_.data(), dictionary_.size(), packing_.level));
    std::vector<base::ZstdHandle<ZSTD_CCtx>> contexts(pool_.size());
    std::vector<Status> outcome(groups);
    for (std::size_t first = 0; first < groups; first += groups_between_checks) {
      ATTAR_TRY(base::check_cancelled(progress_));
      const std::size_t count = std::min(groups_between_checks, groups - first);
      pool_.run(count, [&](std::size_t i, unsigned worker) {
        if (!contexts[worker]) contexts[worker].reset(ZSTD_createCCtx());
        outcome[first + i] = compress_group(first + i, contexts[worker].get(), shared.get());
      });
      progress_.advance(count * bytes_ / groups);
    }
    for (Status& status : outcome) ATTAR_TRY(std::move(status));
    return {};
  }

  Status compress_group(std::size_t group, ZSTD_CCtx* context, const ZSTD_CDict* shared) {
    const std::string text = content(group);
    std::vector<std::byte>& frame = frames_[group];
    frame.resize(ZSTD_compressBound(text.size()));
    ZSTD_CCtx_reset(context, ZSTD_reset_session_and_parameters);
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, packing_.level);
    ZSTD_CCtx_setParameter(context, ZSTD_c_dictIDFlag, 0);
    if (shared != nullptr) ZSTD_CCtx_refCDict(context, shared);
    const std::size_t size = ZSTD_compress2(context, frame.data(), frame.size(), text.data(), text.size());
    if (ZSTD_isError(size) != 0)
      return fail(ErrorCode::over_limit, fmt::format("texts cannot be compressed: {}", ZSTD_getErrorName(size)));
    frame.resize(size);
    frame.shrink_to_fit();
    return {};
  }

  [[nodiscard]] std::vector<std::byte> assemble() const {
    std::size_t most_content = 0;
    for (std::size_t group = 0; group < group_ends_.size(); ++group)
      most_content =
          std::max<std::size_t>(most_content, ZSTD_getFrameContentSize(frames_[group].data(), frames_[group].size()));
    base::ByteWriter out;
    TextsHeader{.pieces = static_cast<std::uint32_t>(pieces_.size()),
                .groups = static_cast<std::uint32_t>(group_ends_.size()),
                .bytes = bytes_,
                .dictionary_bytes = static_cast<std::uint32_t>(dictionary_.size()),
                .most_content = static_cast<std::uint32_t>(most_content)}
        .write(out);
    out.write_bytes(std::as_bytes(std::span(dictionary_)));
    out.pad_to(8);
    std::uint64_t end = 0;
    for (const auto& frame : frames_) out.write(end += frame.size());
    out.write_array(std::span<const std::uint32_t>(group_ends_));
    out.pad_to(8);
    for (const auto& frame : frames_) out.write_bytes(frame);
    return std::move(out).release();
  }

  std::span<const std::string_view> pieces_;
  const TextPacking& packing_;
  base::ThreadPool& pool_;
  base::Progress& progress_;
  std::vector<std::uint32_t> group_ends_;
  std::uint64_t bytes_ = 0;
  std::vector<char> dictionary_;
  std::vector<std::vector<std::byte>> frames_;
};

}  // namespace

Result<std::vector<std::byte>> pack_texts(std::span<const std::string_view> pieces, const TextPacking& packing,
                                          base::ThreadPool& pool, base::Progress& progress) {
  return Packing(pieces, packing, pool, progress).run();
}

}  // namespace attar::text
