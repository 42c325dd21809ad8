// A corpus, read block by block by many threads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string_view>
#include <vector>

#include "attar/corpus.h"
#include "base/file.h"
#include "base/threads.h"
#include "data/line_blocks.h"
#include "data/text_of_line.h"

namespace attar::engine {

/// Lines are numbered by 32 bits from 0; the last value is reserved.
inline constexpr std::uint64_t most_lines = 0xffff'fffe;

class CorpusFile {
 public:
  /// Fields of the text are for records. Plain text is refused beside them, unless they are meant for another corpus.
  [[nodiscard]] static Result<CorpusFile> open(const std::filesystem::path& path, const CorpusOptions& options,
                                               bool fields_of_another = false);

  /// Lines a piece. Those of one are read one after the other, by one thread.
  static constexpr std::size_t piece_lines = 256;

  /// Takes the text of line `line` of the block, which lives as long as the call; `reader` has read it.
  using Visit = std::function<void(std::size_t piece, std::size_t line, std::string_view text, unsigned worker,
                                   const data::TextOfLine& reader)>;
  /// Takes a block whose texts were visited.
  using Take = std::function<Status(const data::LineBlock& block, std::size_t pieces)>;

  /// Visits the texts of all lines, block by block, on the pool; take() comes after each block. The first pass counts.
  [[nodiscard]] Status read(base::ThreadPool& pool, Progress& progress, const Visit& visit, const Take& take);

  [[nodiscard]] const CorpusCounts& counts() const noexcept { return counts_; }
  [[nodiscard]] std::uint64_t lines() const noexcept { return lines_; }
  [[nodiscard]] const data::InputFile& file() const noexcept { return file_; }
  /// A reader of single lines.
  [[nodiscard]] data::TextOfLine reader() const { return {layout_, fields_}; }

 private:
  explicit CorpusFile(data::InputFile file) : file_(std::move(file)) {}

  void visit_block(const data::LineBlock& block, std::size_t pieces, base::ThreadPool& pool, const Visit& visit);

  data::InputFile file_;
  data::CorpusLayout layout_ = data::CorpusLayout::plain;
  std::vector<std::string> fields_;
  std::vector<data::TextOfLine> readers_;          // one a worker
  std::vector<std::vector<SkippedLine>> skipped_;  // by piece
  std::vector<std::uint64_t> documents_;           // by piece
  CorpusCounts counts_;
  std::uint64_t lines_ = 0;
  bool counted_ = false;
};

/// Copies the lines for which keep(number) holds, numbers from 0, whole; an empty path: nowhere.
[[nodiscard]] Status copy_lines(const data::InputFile& file, const std::filesystem::path& output, Progress& progress,
                                const std::function<bool(std::uint64_t number)>& keep);

}  // namespace attar::engine
