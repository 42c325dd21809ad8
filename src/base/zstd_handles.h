// Who frees what zstd makes.
#pragma once

#include <zstd.h>

#include <memory>

namespace attar::base {

struct FreeZstd {
  void operator()(ZSTD_CCtx* context) const noexcept { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const noexcept { ZSTD_freeDCtx(context); }
  void operator()(ZSTD_CDict* dictionary) const noexcept { ZSTD_freeCDict(dictionary); }
  void operator()(ZSTD_DDict* dictionary) const noexcept { ZSTD_freeDDict(dictionary); }
};

/// `T` is one of zstd's contexts and digested dictionaries.
template <class T>
using ZstdHandle = std::unique_ptr<T, FreeZstd>;

}  // namespace attar::base
