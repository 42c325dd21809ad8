#include "text/likeness/likeness.h"

#include <fmt/format.h>
#include <zstd.h>

namespace attar::text {
namespace {

constexpr int level = 15;

std::unexpected<Error> no_memory() {
  return fail(ErrorCode::over_limit, "zstd has no memory; close other programs, or give fewer threads");
}

}  // namespace

void LikenessTarget::Free::operator()(void* dictionary) const noexcept {
  ZSTD_freeCDict(static_cast<ZSTD_CDict*>(dictionary));
}

Result<LikenessTarget> LikenessTarget::make(std::string_view texts) {
  // Behind a line feed nothing is taken for a dictionary with tables of its own.
  const std::string content = fmt::format("\n{}", texts.substr(0, most_target));
  LikenessTarget out;
  out.dictionary_.reset(ZSTD_createCDict(content.data(), content.size(), level));
  if (!out.dictionary_) return no_memory();
  return out;
}

void Likeness::Free::operator()(void* context) const noexcept { ZSTD_freeCCtx(static_cast<ZSTD_CCtx*>(context)); }

Result<Likeness::Context> Likeness::make_context(const void* dictionary) {
  Context out(ZSTD_createCCtx());
  if (!out) return no_memory();
  auto* const context = static_cast<ZSTD_CCtx*>(out.get());
  std::size_t status = ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level);
  if (!ZSTD_isError(status)) status = ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
  if (!ZSTD_isError(status)) status = ZSTD_CCtx_setParameter(context, ZSTD_c_dictIDFlag, 0);
  if (!ZSTD_isError(status) && dictionary != nullptr)
    status = ZSTD_CCtx_refCDict(context, static_cast<const ZSTD_CDict*>(dictionary));
  if (ZSTD_isError(status)) return no_memory();
  return out;
}

Result<Likeness> Likeness::make(const LikenessTarget& target) {
  Likeness out;
  ATTAR_ASSIGN(out.alone_, make_context(nullptr));
  ATTAR_ASSIGN(out.given_, make_context(target.dictionary_.get()));
  out.buffer_.resize(ZSTD_compressBound(most_read));
  return out;
}

Result<std::size_t> Likeness::size_by(const Context& context, std::string_view text) {
  const std::size_t size =
      ZSTD_compress2(static_cast<ZSTD_CCtx*>(context.get()), buffer_.data(), buffer_.size(), text.data(), text.size());
  if (ZSTD_isError(size)) return no_memory();
  return size;
}

Result<double> Likeness::distance(std::string_view text) {
  text = text.substr(0, most_read);
  ATTAR_ASSIGN(const std::size_t alone, size_by(alone_, text));
  ATTAR_ASSIGN(const std::size_t given, size_by(given_, text));
  return static_cast<double>(given) / static_cast<double>(alone);
}

}  // namespace attar::text
