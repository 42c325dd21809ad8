#include "text/encoder/model_files.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/file.h"

namespace attar::text {

bool FolderFiles::has(const std::string& name) const {
  std::error_code ignored;
  return std::filesystem::exists(folder_ / name, ignored);
}

Result<std::string> FolderFiles::read(const std::string& name, std::uint64_t most) const {
  using base::MappedFile;
  ATTAR_ASSIGN(const MappedFile file, MappedFile::open(folder_ / name, MappedFile::Mode::copy));
  if (file.bytes().size() > most)
    return std::unexpected(Error{.code = ErrorCode::over_limit,
                                 .message = fmt::format("is larger than the {} bytes that Attar reads of it", most),
                                 .file = path_of(name)});
  return std::string(base::as_text(file.bytes()));
}

Result<std::shared_ptr<const nn::WeightSource>> FolderFiles::weights() const {
  return nn::SafetensorsWeights::open(folder_ / "model.safetensors");
}

}  // namespace attar::text
