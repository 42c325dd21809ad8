#include "engine/corpus_file.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/checked.h"
#include "base/progress.h"
#include "data/line_reader.h"

namespace attar::engine {
namespace {

constexpr std::size_t most_examples = 10;
constexpr std::size_t write_bytes = 1 << 20;

Result<data::CorpusLayout> find_layout(const data::InputFile& file) {
  data::LineReader lines(file, 64ULL << 20);
  for (;;) {
    ATTAR_ASSIGN(const auto line, lines.next());
    if (!line) return file.fail(ErrorCode::invalid_data, "holds no documents; give one a line");
    if (data::is_blank(*line)) continue;
    return data::layout_of(file.spooled() ? "" : file.name(), *line);
  }
}

}  // namespace

Result<CorpusFile> CorpusFile::open(const std::filesystem::path& path, const CorpusOptions& options,
                                    bool fields_of_another) {
  ATTAR_ASSIGN(data::InputFile file, data::InputFile::open(path));
  CorpusFile out(std::move(file));
  ATTAR_ASSIGN(out.layout_, find_layout(out.file_));
  if (out.layout_ == data::CorpusLayout::plain && !options.text_fields.empty() && !fields_of_another)
    return out.file_.fail(ErrorCode::invalid_argument, "is plain text, which has no fields; leave --text-field out");
  out.fields_ = options.text_fields;
  out.counts_.bytes = out.file_.size();
  return out;
}

Status CorpusFile::read(base::ThreadPool& pool, Progress& progress, const Visit& visit, const Take& take) {
  while (readers_.size() < pool.size()) readers_.push_back(reader());
  data::LineBlocks blocks(file_);
  data::LineBlock block;
  progress.stage("reading", file_.size());
  for (;;) {
    ATTAR_TRY(base::check_cancelled(progress));
    ATTAR_ASSIGN(const bool more, blocks.next(block));
    if (!more) break;
    if (block.first_number + block.lines.size() > most_lines)
      return file_.fail(ErrorCode::over_limit, fmt::format("has more than {} lines; split it", most_lines));
    const std::size_t pieces = base::ceil_div(block.lines.size(), piece_lines);
    visit_block(block, pieces, pool, visit);
    ATTAR_TRY(take(block, pieces));
    progress.advance(block.lines.back().whole.end() - block.lines.front().whole.begin());
  }
  counted_ = true;
  if (counts_.documents == 0 && counts_.skipped != 0)
    return file_.fail(ErrorCode::invalid_data,
                      fmt::format("no line has a text: line {} {}; name the field with --text-field",
                                  counts_.first_skipped.front().line, counts_.first_skipped.front().reason));
  return {};
}

void CorpusFile::visit_block(const data::LineBlock& block, std::size_t pieces, base::ThreadPool& pool,
                             const Visit& visit) {
  skipped_.resize(std::max(skipped_.size(), pieces));
  documents_.assign(pieces, 0);
  pool.run(pieces, [&](std::size_t piece, unsigned worker) {
    data::TextOfLine& reader = readers_[worker];
    const std::size_t end = std::min((piece + 1) * piece_lines, block.lines.size());
    for (std::size_t line = piece * piece_lines; line < end; ++line) {
      const std::string_view text = block.lines[line].text;
      if (data::is_blank(text)) continue;
      if (const auto found = reader.read(text)) {
        ++documents_[piece];
        visit(piece, line, *found, worker, reader);
      } else {
        skipped_[piece].push_back({.line = block.first_number + line, .reason = reader.reason()});
      }
    }
  });
  for (std::size_t piece = 0; piece < pieces; ++piece) {
    if (!counted_) {
      counts_.documents += documents_[piece];
      counts_.skipped += skipped_[piece].size();
      for (SkippedLine& line : skipped_[piece])
        if (counts_.first_skipped.size() < most_examples) counts_.first_skipped.push_back(std::move(line));
    }
    skipped_[piece].clear();
  }
  if (!counted_) lines_ += block.lines.size();
}

Status copy_lines(const data::InputFile& file, const std::filesystem::path& output, Progress& progress,
                  const std::function<bool(std::uint64_t number)>& keep) {
  if (output.empty()) return {};
  ATTAR_ASSIGN(base::AtomicFile out, base::AtomicFile::create(output));
  data::LineBlocks blocks(file);
  data::LineBlock block;
  std::string kept;
  progress.stage("writing", file.size());
  for (;;) {
    ATTAR_TRY(base::check_cancelled(progress));
    ATTAR_ASSIGN(const bool more, blocks.next(block));
    if (!more) break;
    for (std::size_t line = 0; line < block.lines.size(); ++line)
      if (keep(block.first_number - 1 + line)) kept += block.lines[line].whole;
    if (kept.size() >= write_bytes) {
      ATTAR_TRY(out.write(std::as_bytes(std::span(kept))));
      kept.clear();
    }
    progress.advance(block.lines.back().whole.end() - block.lines.front().whole.begin());
  }
  ATTAR_TRY(out.write(std::as_bytes(std::span(kept))));
  return out.commit();
}

}  // namespace attar::engine
