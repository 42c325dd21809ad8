// Small sets of vectors, read whole.
#include "attar/vectors.h"

#include "data/source.h"
#include "engine/input.h"

namespace attar {

Result<Vectors> read_vectors(const std::filesystem::path& path, const InputOptions& options, std::uint64_t max_bytes) {
  ATTAR_ASSIGN(const auto source, data::open_vectors(path, {.field = options.field, .format = options.format}));
  return engine::read_all(*source, max_bytes);
}

}  // namespace attar
