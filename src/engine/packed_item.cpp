#include "engine/packed_item.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <string_view>
#include <utility>

#include "engine/trim.h"
#include "tensor/refined/refined.h"

namespace attar::engine {
namespace {

bool fits(const PackedItem& item, const TensorArtifact::State& base, std::uint32_t number) {
  const format::TensorEntry& other = base.tensors[number];
  return other.element_bytes == item.entry.element_bytes && other.count == item.entry.count &&
         other.codec_id != tensor::refined::codec_id && other.bytes() <= base.limits.max_tensor_bytes;
}

}  // namespace

std::vector<PackedItem> list_items(const std::vector<TensorSource>& sources, std::uint64_t block_bytes,
                                   std::vector<std::string>& notes) {
  std::vector<PackedItem> out;
  for (std::size_t s = 0; s < sources.size(); ++s) {
    const data::TensorFile& file = sources[s].file;
    if (!file.note().empty()) notes.push_back(file.note());
    for (const data::FileTensor& tensor : file.tensors()) {
      const TensorCut cut = cut_tensor(tensor, block_bytes);
      PackedItem item{
          .view = {.schema = cut.schema, .bytes = file.bytes_of(tensor), .block_elements = cut.block_elements},
          .entry = entry_of(tensor, cut),
          .first = out.size()};
      item.entry.source = static_cast<std::uint32_t>(s);
      out.push_back(std::move(item));
    }
  }
  return out;
}

std::uint64_t share_frames(std::vector<PackedItem>& items) {
  std::uint64_t shared = 0;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::vector<std::size_t>> seen;
  for (std::size_t i = 0; i < items.size(); ++i) {
    PackedItem& item = items[i];
    auto& others = seen[{item.entry.checksum, item.view.bytes.size()}];
    const auto same = std::ranges::find_if(others, [&](std::size_t o) {
      const codec::TensorView& other = items[o].view;
      return same_rows(items[o].kept_rows, item.kept_rows) && other.schema.element == item.view.schema.element &&
             other.schema.columns == item.view.schema.columns &&
             std::memcmp(other.bytes.data(), item.view.bytes.data(), item.view.bytes.size()) == 0;
    });
    if (same == others.end()) {
      others.push_back(i);
      continue;
    }
    item.first = *same;
    ++shared;
  }
  return shared;
}

void match_base(std::vector<PackedItem>& items, const TensorArtifact::State& base) {
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint32_t> by_bytes;
  std::map<std::string_view, std::uint32_t> by_name;
  for (std::uint32_t i = 0; i < base.tensors.size(); ++i) {
    by_bytes.try_emplace({base.tensors[i].checksum, base.tensors[i].bytes()}, i);
    by_name.try_emplace(base.tensors[i].name, i);
  }
  for (std::size_t i = 0; i < items.size(); ++i) {
    PackedItem& item = items[i];
    const auto same = by_bytes.find({item.entry.checksum, item.view.bytes.size()});
    const auto named = by_name.find(item.entry.name);
    if (item.first != i || item.entry.count == 0) continue;
    if (same != by_bytes.end() && fits(item, base, same->second))
      item.base = same->second;
    else if (named != by_name.end() && fits(item, base, named->second))
      item.base = named->second;
  }
}

void take_frame_of(const format::TensorEntry& other, format::TensorEntry& entry) {
  entry.codec_id = other.codec_id;
  entry.wire_version = other.wire_version;
  entry.frame_offset = other.frame_offset;
  entry.frame_bytes = other.frame_bytes;
  entry.block_elements = other.block_elements;
  entry.base = other.base;
  entry.checksum = other.checksum;
}

}  // namespace attar::engine
