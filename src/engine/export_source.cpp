#include "engine/export_source.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/checked.h"
#include "data/input_file.h"
#include "data/utf8.h"
#include "engine/tensor_state.h"
#include "format/layout.h"

namespace attar::engine {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view config_name = "config.json";
constexpr std::uint64_t largest_config = 1u << 20;
constexpr std::string_view raw_type = "bytes";  // of files that are none of tensors, and types that are not known

// Anything but a text under the key is as good as none.
std::string model_type_of(std::string_view json) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  std::string_view found;
  if (parser.parse(json.data(), json.size()).get(root) != simdjson::SUCCESS) return {};
  if (root["model_type"].get(found) != simdjson::SUCCESS || !data::is_utf8(found)) return {};
  return std::string(found);
}

std::string model_type_beside(const fs::path& folder) {
  const auto file = data::InputFile::open(folder / config_name);
  if (!file || file->size() > largest_config) return {};
  const auto text = file->read_first(largest_config);
  return text ? model_type_of(*text) : std::string();
}

bool is_config(std::string_view path) {
  return path == config_name || path.ends_with(std::string("/") + std::string(config_name));
}

bool is_gguf(base::ByteView bytes) noexcept { return base::as_text(bytes).starts_with(data::gguf_magic); }

Result<bool> is_packed(const fs::path& input) {
  ATTAR_ASSIGN(const auto file, data::InputFile::open(input));
  ATTAR_ASSIGN(const std::string head, file.read_first(8));
  return format::starts_as_artifact(std::as_bytes(std::span(head)));
}

}  // namespace

Result<ExportSource> ExportSource::open(const fs::path& input, const fs::path& base) {
  ExportSource out;
  std::error_code error;
  const bool folder = fs::is_directory(input, error);
  bool packed = false;
  if (!folder) {
    ATTAR_ASSIGN(packed, is_packed(input));
  }
  if (packed) {
    ATTAR_ASSIGN(out.artifact_, TensorArtifact::State::open(input, {}, base));
    base::ThreadPool pool(1);
    ATTAR_TRY(out.list_artifact(pool));
  } else {
    if (!base.empty())
      return fail(ErrorCode::invalid_argument, "a base was given for an input that is no artifact; leave it out");
    ATTAR_ASSIGN(out.files_, open_tensor_sources(input));
    ATTAR_TRY(out.list_files());
  }
  if (out.model_type_.empty()) out.model_type_ = model_type_beside(folder ? input : input.parent_path());
  if (out.tensors_.empty())
    return std::unexpected(Error{.code = ErrorCode::invalid_data,
                                 .message = out.notes_.empty() ? "holds no tensors" : out.notes_.front(),
                                 .file = input.string()});
  return out;
}

Status ExportSource::list_files() {
  for (const TensorSource& source : files_) {
    const data::TensorFile& file = source.file;
    if (file.format() == data::TensorFormat::bytes) {
      add_unknown_file(source.path, file.note());
      if (is_config(source.path) && file.bytes().size() <= largest_config && model_type_.empty())
        model_type_ = model_type_of(base::as_text(file.bytes()));
      continue;
    }
    const bool gguf = file.format() == data::TensorFormat::gguf;
    if (gguf && metadata_.empty()) {
      ATTAR_ASSIGN(metadata_, data::parse_gguf_metadata(file.bytes()));
    }
    for (const data::FileTensor& tensor : file.tensors()) {
      ATTAR_TRY(add(places_.size(), tensor.name, tensor.type, tensor.shape, tensor.bytes, gguf));
      places_.emplace_back(&file, &tensor);
    }
  }
  return {};
}

Status ExportSource::list_artifact(base::ThreadPool& pool) {
  if (!artifact_->sources()) return std::unexpected(artifact_->sources().error());
  const auto& sources = *artifact_->sources();
  std::vector<bool> gguf;
  for (const format::SourceEntry& source : sources) {
    gguf.push_back(is_gguf(source.pieces.front()));
    if (!gguf.back() || !metadata_.empty()) continue;
    ATTAR_ASSIGN(metadata_, data::parse_gguf_metadata(source.pieces.front()));
  }
  for (std::size_t i = 0; i < artifact_->tensors.size(); ++i) {
    const format::TensorEntry& tensor = artifact_->tensors[i];
    const std::string& path = sources[tensor.source].path;
    if (tensor.type == raw_type && !gguf[tensor.source]) {
      add_unknown_file(path, {});
      if (!is_config(path) || tensor.bytes() > largest_config || !model_type_.empty()) continue;
      ATTAR_ASSIGN(const auto text, artifact_->whole(i, pool));
      model_type_ = model_type_of(base::as_text(text));
      continue;
    }
    ATTAR_TRY(add(i, tensor.name, tensor.type, tensor.shape, tensor.bytes(), gguf[tensor.source]));
  }
  return {};
}

// A note for those whose tensors were to be expected.
void ExportSource::add_unknown_file(const std::string& path, const std::string& why) {
  if (!why.empty())
    notes_.push_back(why);
  else if (path.ends_with(".safetensors") || path.ends_with(".gguf") || path.ends_with(".npy"))
    notes_.push_back(fmt::format("{}: left out, for it was packed as bytes", path));
}

Status ExportSource::add(std::size_t number, const std::string& name, const std::string& type,
                         std::span<const std::uint64_t> shape, std::uint64_t bytes, bool of_gguf) {
  const ValueKind* kind = find_value_kind(type);
  if (kind == nullptr)
    return fail(ErrorCode::unsupported,
                of_gguf ? fmt::format("tensor {} has a type that this build does not know", data::in_quotes(name))
                        : fmt::format("tensor {} is of type {}, which GGUF has not; convert it to I64 or F32 first",
                                      data::in_quotes(name), data::in_quotes(type)));
  const auto count = data::element_count(shape);
  const auto expected =
      data::ggml_bytes({.number = 0, .name = {}, .values = kind->values, .bytes = kind->bytes}, shape);
  if (!count || expected != bytes)
    return fail(ErrorCode::corrupt,
                fmt::format("tensor {} has {} bytes, which its shape and type deny", data::in_quotes(name), bytes));
  tensors_.push_back({.name = name,
                      .kind = kind,
                      .shape = {shape.begin(), shape.end()},
                      .values = *count,
                      .bytes = bytes,
                      .number = number});
  return {};
}

std::uint64_t ExportSource::bytes() const noexcept {
  std::uint64_t out = 0;
  for (const ExportTensor& tensor : tensors_) out += tensor.bytes;
  return out;
}

Status ExportSource::read(const ExportTensor& tensor, base::ThreadPool& pool, const Take& take) const {
  const std::uint64_t slab = slab_values / tensor.kind->values * tensor.kind->bytes;
  if (artifact_ == nullptr) {
    const auto& [file, place] = places_[tensor.number];
    const base::ByteView bytes = file->bytes_of(*place);
    for (std::uint64_t at = 0; at < bytes.size(); at += slab)
      ATTAR_TRY(take(bytes.subspan(at, std::min(slab, bytes.size() - at))));
    return {};
  }
  std::vector<std::byte> room;
  const auto gather = [&](base::ByteView bytes) -> Status {
    while (!bytes.empty()) {
      const std::uint64_t part = std::min<std::uint64_t>(slab - room.size(), bytes.size());
      room.insert(room.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(part));
      bytes = bytes.subspan(part);
      if (room.size() < slab) continue;
      ATTAR_TRY(take(room));
      room.clear();
    }
    return {};
  };
  ATTAR_TRY(artifact_->stream(tensor.number, pool, gather));
  return room.empty() ? Status{} : take(room);
}

}  // namespace attar::engine
