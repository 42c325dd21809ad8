#include "engine/near_reader.h"

#include <algorithm>

namespace attar::engine {
namespace {

constexpr std::size_t most_pieces = data::LineBlocks::most_lines / CorpusFile::piece_lines;

}  // namespace

Result<NearReader> NearReader::make(const DedupOptions& options) {
  const bool words = options.shingles.unit == Shingles::Unit::words;
  const text::ShingleKind kind{.unit = words ? text::ShingleKind::Unit::words : text::ShingleKind::Unit::characters,
                               .size = options.shingles.size};
  NearReader out(kind, options.keep == Keep::longest);
  if (options.near == 0) return out;
  ATTAR_ASSIGN(out.near_, text::NearClusters::make({.threshold = options.near,
                                                    .miss = options.miss,
                                                    .most_values = options.permutations,
                                                    .memory = options.corpus.memory_bytes}));
  return out;
}

Status NearReader::read(CorpusFile& corpus, base::ThreadPool& pool, Progress& progress) {
  while (tools_.size() < pool.size()) tools_.push_back({.shingler = text::Shingler(kind_), .set = {}, .signature = {}});
  pieces_.resize(most_pieces);
  const auto visit = [this](std::size_t piece, std::size_t line, std::string_view text, unsigned worker,
                            const data::TextOfLine&) { take_text(piece, line, text, worker); };
  return corpus.read(pool, progress, visit, [&](const data::LineBlock& block, std::size_t pieces) -> Status {
    const auto first_line = static_cast<std::uint32_t>(block.first_number - 1);
    clusters_.grow(first_line + block.lines.size());
    fates_.resize(clusters_.size());
    if (with_lengths_) lengths_.resize(clusters_.size());
    for (std::size_t piece = 0; piece < pieces; ++piece) name_documents(pieces_[piece], first_line);
    if (near_) pool.run(pieces, [&](std::size_t piece, unsigned worker) { sketch(pieces_[piece], tools_[worker]); });
    for (std::size_t piece = 0; piece < pieces; ++piece) {
      if (near_) ATTAR_TRY(keep_sketches(pieces_[piece], first_line));
      pieces_[piece].documents.clear();
      pieces_[piece].units.clear();
    }
    return {};
  });
}

void NearReader::take_text(std::size_t piece, std::size_t line, std::string_view text, unsigned worker) {
  Piece& out = pieces_[piece];
  const std::size_t first = out.units.size();
  tools_[worker].shingler.units(text, out.units);
  const auto units = std::span(out.units).subspan(first);
  out.documents.push_back({.line = static_cast<std::uint32_t>(line),
                           .first_unit = static_cast<std::uint32_t>(first),
                           .units = static_cast<std::uint32_t>(units.size()),
                           .name = text::name_of(units, text),
                           .length = static_cast<std::uint32_t>(std::min<std::size_t>(text.size(), 0xffff'ffff))});
}

/// In the order of lines: the first of equal texts is the one that is sketched.
void NearReader::name_documents(Piece& piece, std::uint32_t first_line) {
  for (Document& document : piece.documents) {
    const std::uint32_t line = first_line + document.line, first = names_.first_with(document.name, line);
    fates_[line] = first == line ? Fate::near : Fate::exact;
    document.sketched = first == line && document.units != 0;
    if (first != line) clusters_.join(first, line);
    if (with_lengths_) lengths_[line] = document.length;
  }
}

void NearReader::sketch(Piece& piece, Tools& tools) const {
  piece.sets.clear();
  piece.sizes.clear();
  piece.bands.clear();
  tools.signature.resize(near_->hash().padded());
  const text::BandLayout layout = near_->layout();
  for (const Document& document : piece.documents) {
    if (!document.sketched) continue;
    const auto set = tools.set.of(std::span(piece.units).subspan(document.first_unit, document.units), kind_.size);
    near_->hash().sign(set, tools.signature);
    piece.bands.resize(piece.bands.size() + layout.bands);
    text::hash_bands(tools.signature, layout, std::span(piece.bands).last(layout.bands));
    piece.sizes.push_back(static_cast<std::uint32_t>(set.size()));
    piece.sets.insert(piece.sets.end(), set.begin(), set.end());
  }
}

Status NearReader::keep_sketches(const Piece& piece, std::uint32_t first_line) {
  std::size_t next = 0, place = 0;
  const std::size_t bands = near_->layout().bands;
  for (const Document& document : piece.documents) {
    if (!document.sketched) continue;
    const std::size_t size = piece.sizes[next];
    ATTAR_TRY(near_->add(first_line + document.line, std::span(piece.sets).subspan(place, size),
                         std::span(piece.bands).subspan(next * bands, bands)));
    place += size;
    ++next;
  }
  return {};
}

Result<text::NearCounts> NearReader::join(base::ThreadPool& pool, Progress& progress) {
  if (near_) return near_->join(clusters_, pool, progress);
  clusters_.flatten();
  return text::NearCounts{};
}

}  // namespace attar::engine
