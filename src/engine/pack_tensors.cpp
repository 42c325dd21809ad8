// Packing files of tensors without loss: every tensor by the codec that takes the fewest bytes.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <map>
#include <optional>
#include <utility>

#include "attar/tensors.h"
#include "base/hash.h"
#include "engine/input.h"
#include "engine/tensor_frames.h"
#include "engine/tensor_sources.h"
#include "engine/tensor_state.h"
#include "format/tensors.h"
#include "format/writer.h"

namespace attar {
namespace {

using format::SectionKind;

constexpr std::uint64_t least_block = 4u << 10;

class TensorPacking {
 public:
  TensorPacking(const std::filesystem::path& input, const PackTensorsOptions& options)
      : input_(input), options_(options), pool_(options.threads), progress_(engine::or_silent(options.progress)) {}

  Result<PackTensorsReport> run(const std::filesystem::path& output) {
    const auto started = std::chrono::steady_clock::now();
    ATTAR_TRY(check_options());
    ATTAR_ASSIGN(sources_, engine::open_tensor_sources(input_));
    for (const engine::TensorSource& source : sources_) report_.source_bytes += source.file.bytes().size();
    list();
    ATTAR_TRY(sum_up());
    share();
    ATTAR_TRY(find_base());
    ATTAR_TRY(look());
    ATTAR_TRY(write(output));
    report();
    report_.path = output.string();
    report_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    return report_;
  }

 private:
  /// A tensor of the sources, and how it is packed.
  struct Item {
    codec::TensorView view;
    format::TensorEntry entry;
    std::size_t first;                       ///< the item whose frame it shares: itself where it has one of its own
    std::optional<std::uint32_t> base = {};  ///< number of the base's tensor that it may be coded against
    engine::CodecChoice choice = {};
  };

  [[nodiscard]] Status check_options() const {
    if (options_.block_bytes >= least_block && options_.block_bytes <= format::most_block_bytes) return {};
    return fail(ErrorCode::invalid_argument, fmt::format("block_bytes is {}; take {} to {}, as 65536",
                                                         options_.block_bytes, least_block, format::most_block_bytes));
  }

  void list() {
    for (std::size_t s = 0; s < sources_.size(); ++s) {
      const data::TensorFile& file = sources_[s].file;
      if (!file.note().empty()) report_.notes.push_back(file.note());
      for (const data::FileTensor& tensor : file.tensors()) {
        const engine::TensorCut cut = engine::cut_tensor(tensor, options_.block_bytes);
        Item item{.view = {.schema = cut.schema, .bytes = file.bytes_of(tensor), .block_elements = cut.block_elements},
                  .entry = engine::entry_of(tensor, cut),
                  .first = items_.size()};
        item.entry.source = static_cast<std::uint32_t>(s);
        items_.push_back(std::move(item));
      }
    }
  }

  Status sum_up() {
    progress_.stage("reading tensors", items_.size());
    constexpr std::size_t together = 64;
    for (std::size_t first = 0; first < items_.size(); first += together) {
      ATTAR_TRY(base::check_cancelled(progress_));
      const std::size_t count = std::min(together, items_.size() - first);
      pool_.run(count, [&](std::size_t i, unsigned) {
        items_[first + i].entry.checksum = base::checksum(items_[first + i].view.bytes);
      });
      progress_.advance(count);
    }
    return {};
  }

  // Tensors of the same bytes and cut share a frame: tied weights, and files that a folder holds twice.
  void share() {
    std::map<std::pair<std::uint64_t, std::uint64_t>, std::vector<std::size_t>> seen;
    for (std::size_t i = 0; i < items_.size(); ++i) {
      Item& item = items_[i];
      auto& others = seen[{item.entry.checksum, item.view.bytes.size()}];
      const auto same = std::ranges::find_if(others, [&](std::size_t o) {
        const codec::TensorView& other = items_[o].view;
        return other.schema.element == item.view.schema.element && other.schema.columns == item.view.schema.columns &&
               std::memcmp(other.bytes.data(), item.view.bytes.data(), item.view.bytes.size()) == 0;
      });
      if (same == others.end()) {
        others.push_back(i);
        continue;
      }
      item.first = *same;
      ++report_.shared_tensors;
    }
  }

  // Opens the base and matches its tensors: first those of the same bytes, then those of the same name.
  Status find_base() {
    if (options_.base.empty()) return {};
    ATTAR_ASSIGN(base_, TensorArtifact::State::open(options_.base, {}, {}));
    if (base_->depth() >= options_.most_depth) {
      report_.notes.push_back(fmt::format("{}: {} artifacts lie below it already, so that this one is packed whole",
                                          options_.base.string(), base_->depth()));
      base_.reset();
      return {};
    }
    std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint32_t> by_bytes;
    std::map<std::string_view, std::uint32_t> by_name;
    for (std::uint32_t i = 0; i < base_->tensors.size(); ++i) {
      by_bytes.try_emplace({base_->tensors[i].checksum, base_->tensors[i].bytes()}, i);
      by_name.try_emplace(base_->tensors[i].name, i);
    }
    for (std::size_t i = 0; i < items_.size(); ++i) {
      Item& item = items_[i];
      const auto same = by_bytes.find({item.entry.checksum, item.view.bytes.size()});
      const auto named = by_name.find(item.entry.name);
      if (item.first != i || item.entry.count == 0) continue;
      if (same != by_bytes.end() && fits(item, same->second))
        item.base = same->second;
      else if (named != by_name.end() && fits(item, named->second))
        item.base = named->second;
    }
    return {};
  }

  [[nodiscard]] bool fits(const Item& item, std::uint32_t number) const {
    const format::TensorEntry& other = base_->tensors[number];
    return other.element_bytes == item.entry.element_bytes && other.count == item.entry.count &&
           other.bytes() <= base_->limits.max_tensor_bytes;
  }

  // Every codec looks at every tensor; then those that won take their places in the tables, in order.
  Status look() {
    progress_.stage("looking at tensors", items_.size());
    const std::size_t together = std::size_t{4} * pool_.size();
    for (std::size_t first = 0; first < items_.size(); first += together) {
      ATTAR_TRY(base::check_cancelled(progress_));
      const std::size_t count = std::min(together, items_.size() - first);
      pool_.run(count, [&](std::size_t i, unsigned) {
        if (!items_[first + i].base) look_at(items_[first + i], first + i);
      });
      for (std::size_t i = first; i < first + count; ++i)
        if (items_[i].base) ATTAR_TRY(look_with_base(items_[i], i));
      progress_.advance(count);
    }
    for (Item& item : items_)
      if (item.choice.trial) item.choice.trial->share(tables_);
    tables_.finish();
    return {};
  }

  Status look_with_base(Item& item, std::size_t number) {
    ATTAR_ASSIGN(const std::vector<std::byte> bytes, base_->whole(*item.base, pool_));
    if (std::ranges::equal(bytes, item.view.bytes)) {
      item.entry.codec_id = 0;
      item.entry.wire_version = 0;
      item.entry.base = item.base;
      ++report_.base_tensors;
      return {};
    }
    item.view.base = bytes;
    look_at(item, number);
    item.view.base = {};
    if (item.choice.codec->needs_base()) {
      item.entry.base = item.base;
      ++report_.delta_tensors;
    }
    return {};
  }

  static void look_at(Item& item, std::size_t number) {
    if (item.first != number) return;
    item.choice = engine::choose_codec(item.view);
    item.entry.codec_id = item.choice.codec->info().id;
    item.entry.wire_version = item.choice.codec->info().wire_max;
  }

  Status write(const std::filesystem::path& output) {
    ATTAR_ASSIGN(format::ArtifactWriter writer, format::ArtifactWriter::create(output, {.certificate_bytes = 0}));
    ATTAR_TRY(writer.add({.kind = SectionKind::sources}, format::encode_sources(source_entries())));
    base::ByteWriter tables;
    tables_.save(tables);
    ATTAR_TRY(writer.add({.kind = SectionKind::tables}, tables.bytes()));
    if (report_.base_tensors + report_.delta_tensors != 0) {
      report_.depth = base_->depth() + 1;
      ATTAR_TRY(writer.add({.kind = SectionKind::base},
                           format::encode_base({.content = base_->reader.content_digest(), .depth = report_.depth})));
    }
    ATTAR_ASSIGN(base::Sink * frames, writer.begin({.kind = SectionKind::frames}));
    ATTAR_TRY(write_frames(*frames));
    ATTAR_TRY(writer.end());
    std::vector<format::TensorEntry> entries;
    for (const Item& item : items_) entries.push_back(item.entry);
    ATTAR_TRY(writer.add({.kind = SectionKind::tensors, .wire_version = format::tensors_wire_version},
                         format::encode_tensors(entries)));
    ATTAR_ASSIGN(report_.bytes, writer.final_bytes());
    return writer.finish();
  }

  Status write_frames(base::Sink& sink) {
    std::uint64_t total = 0, at = 0;
    for (std::size_t i = 0; i < items_.size(); ++i)
      if (items_[i].first == i && !items_[i].entry.is_base()) total += items_[i].view.bytes.size();
    progress_.stage("packing tensors", total);
    for (std::size_t i = 0; i < items_.size(); ++i) {
      Item& item = items_[i];
      if (item.first == i) {
        if (item.entry.is_base()) continue;
        std::vector<std::byte> base_bytes;
        if (item.entry.base) {
          ATTAR_ASSIGN(base_bytes, base_->whole(*item.base, pool_));
          item.view.base = base_bytes;
        }
        ATTAR_ASSIGN(item.entry.frame_bytes,
                     engine::write_frame(*item.choice.trial->writer(tables_), item.view, sink, pool_, progress_));
        item.view.base = {};
        item.entry.frame_offset = at;
        at += item.entry.frame_bytes;
        continue;
      }
      const format::TensorEntry& other = items_[item.first].entry;
      item.entry.codec_id = other.codec_id;
      item.entry.wire_version = other.wire_version;
      item.entry.frame_offset = other.frame_offset;
      item.entry.frame_bytes = other.frame_bytes;
      item.entry.block_elements = other.block_elements;
      item.entry.base = other.base;
    }
    return {};
  }

  [[nodiscard]] std::vector<format::SourceEntry> source_entries() const {
    std::vector<format::SourceEntry> out;
    for (const engine::TensorSource& source : sources_) {
      const base::ByteView bytes = source.file.bytes();
      format::SourceEntry own{.path = source.path, .bytes = bytes.size(), .pieces = {}};
      std::uint64_t at = 0;
      const auto piece = [&](std::uint64_t end) {
        const base::ByteView part = bytes.subspan(at, end - at);
        own.pieces.emplace_back(part.begin(), part.end());
      };
      for (const data::FileTensor& tensor : source.file.tensors()) {
        piece(tensor.offset);
        at = tensor.offset + tensor.bytes;
      }
      piece(bytes.size());
      out.push_back(std::move(own));
    }
    return out;
  }

  void report() {
    report_.sources = sources_.size();
    report_.tensors = items_.size();
    std::map<std::string, TensorTypeShare> types;
    for (std::size_t i = 0; i < items_.size(); ++i) {
      TensorTypeShare& own = types[items_[i].entry.type];
      own.type = items_[i].entry.type;
      ++own.tensors;
      own.bytes += items_[i].entry.bytes();
      if (items_[i].first == i) own.packed_bytes += items_[i].entry.frame_bytes;
    }
    for (auto& [name, own] : types) report_.types.push_back(std::move(own));
  }

  const std::filesystem::path& input_;
  const PackTensorsOptions& options_;
  base::ThreadPool pool_;
  Progress& progress_;
  std::vector<engine::TensorSource> sources_;
  std::vector<Item> items_;
  std::unique_ptr<const TensorArtifact::State> base_;
  codec::TableSets tables_;
  PackTensorsReport report_;
};

}  // namespace

Result<PackTensorsReport> pack_tensors(const std::filesystem::path& input, const std::filesystem::path& output,
                                       const PackTensorsOptions& options) {
  return TensorPacking(input, options).run(output);
}

bool holds_tensors(const std::filesystem::path& input) {
  constexpr std::array<std::string_view, 2> endings = {".safetensors", ".gguf"};
  const auto is_one = [&](const std::filesystem::path& path) {
    return std::ranges::find(endings, path.extension().string()) != endings.end();
  };
  std::error_code error;
  if (!std::filesystem::is_directory(input, error)) return is_one(input);
  for (auto it = std::filesystem::directory_iterator(input, error);
       !error && it != std::filesystem::directory_iterator(); it.increment(error))
    if (is_one(it->path())) return true;
  return false;
}

}  // namespace attar
