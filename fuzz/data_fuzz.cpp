// Hostile input files: whatever the bytes, opening and reading them ends in rows or in a typed error.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/progress.h"
#include "base/threads.h"
#include "data/source.h"
#include "data/survey.h"
#include "data/text_lines.h"

namespace {

using namespace attar;

/// What the last byte of an input may ask for; "" lets the first bytes choose.
constexpr std::array<std::string_view, 13> formats{"npy",    "fvecs", "bvecs", "ivecs", "fbin", "u8bin", "i8bin",
                                                   "f16bin", "ibin",  "jsonl", "",      "ids",  "qrels"};

/// A file in memory under a name that this process can open.
class MemoryFile {
 public:
  MemoryFile(const std::uint8_t* data, std::size_t size) : descriptor_(::memfd_create("attar-fuzz", MFD_CLOEXEC)) {
    if (descriptor_ < 0 || ::write(descriptor_, data, size) != static_cast<ssize_t>(size)) std::abort();
  }
  ~MemoryFile() { ::close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  [[nodiscard]] std::filesystem::path path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

/// An error must say something; rows must be where the source says.
void read_vectors(const std::filesystem::path& path, std::string_view format) {
  const auto source = data::open_vectors(path, {.format = std::string(format)});
  if (!source) {
    if (source.error().message.empty()) std::abort();
    return;
  }
  if ((*source)->rows() == 0 || (*source)->dims() == 0) std::abort();
  static base::ThreadPool pool(1);
  base::SilentProgress progress;
  const auto found = data::survey(**source, {.refuse_zero_rows = true}, pool, progress);
  std::vector<float> last((*source)->dims());
  const auto status = (*source)->read((*source)->rows() - 1, last);
  if (found && !status) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  // The choice stands at the end, so that the magic of a format stays at the start of the file.
  const std::string_view format = formats[data[size - 1] % formats.size()];
  const MemoryFile file(data, size - 1);
  if (format == "ids") {
    const auto lines = static_cast<std::uint64_t>(std::count(data, data + size - 1, std::uint8_t{'\n'}));
    const auto ids = data::read_ids(file.path(), lines);
    if (ids && ids->size() != lines) std::abort();
  } else if (format == "qrels") {
    const auto judgements = data::read_qrels(file.path());
    if (judgements && judgements->empty()) std::abort();
  } else {
    read_vectors(file.path(), format);
  }
  return 0;
}
