#include "data/gguf.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <numeric>
#include <type_traits>
#include <utility>

#include "base/checked.h"
#include "data/input_file.h"
#include "data/utf8.h"

namespace attar::data {
namespace {

using base::ByteReader;
using base::ByteView;

constexpr std::uint32_t oldest_version = 2, newest_version = 3;
constexpr std::string_view header_ends = "ends inside its GGUF header; copy it again";
constexpr std::uint64_t least_text = sizeof(std::uint64_t);                           // its length
constexpr std::uint64_t least_array = sizeof(std::uint32_t) + sizeof(std::uint64_t);  // type and count

template <class T>
double number_of(const std::byte* from) noexcept {
  return static_cast<double>(base::load<T>(from));
}

template <class T>
std::optional<std::int64_t> whole_of(const std::byte* from) noexcept {
  if constexpr (std::is_integral_v<T>) {
    const T value = base::load<T>(from);
    if (std::in_range<std::int64_t>(value)) return static_cast<std::int64_t>(value);
  }
  return std::nullopt;
}

// A type of values; those that are no numbers have no functions, those without a fixed size no bytes.
struct ValueRow {
  std::uint64_t bytes = 0;
  double (*number)(const std::byte*) noexcept = nullptr;
  std::optional<std::int64_t> (*whole)(const std::byte*) noexcept = nullptr;
};

template <class T>
constexpr ValueRow number_row() noexcept {
  return {.bytes = sizeof(T), .number = number_of<T>, .whole = whole_of<T>};
}

constexpr std::array<ValueRow, 13> value_rows{number_row<std::uint8_t>(),
                                              number_row<std::int8_t>(),
                                              number_row<std::uint16_t>(),
                                              number_row<std::int16_t>(),
                                              number_row<std::uint32_t>(),
                                              number_row<std::int32_t>(),
                                              number_row<float>(),
                                              ValueRow{.bytes = 1},
                                              ValueRow{},
                                              ValueRow{},
                                              number_row<std::uint64_t>(),
                                              number_row<std::int64_t>(),
                                              number_row<double>()};

const ValueRow& row_of(GgufValueType type) noexcept { return value_rows[static_cast<std::size_t>(type)]; }

std::unexpected<Error> bad(std::string_view what, std::string_view name, std::string_view why) {
  return fail(ErrorCode::invalid_data, fmt::format("its {} {} {}", what, in_quotes(name), why));
}

Result<std::string_view> read_text(ByteReader& reader) {
  ATTAR_ASSIGN(const auto length, reader.read<std::uint64_t>());
  ATTAR_ASSIGN(const ByteView bytes, reader.take(length));
  return base::as_text(bytes);
}

Result<std::string_view> read_name(ByteReader& reader, std::string_view what, std::uint64_t longest) {
  ATTAR_ASSIGN(const std::string_view name, read_text(reader));
  if (name.size() > longest)
    return fail(ErrorCode::over_limit, fmt::format("has a {} of {} bytes, more than {}", what, name.size(), longest));
  if (!is_gguf_name(name)) return bad(what, name, "is empty or no UTF-8");
  return name;
}

Result<GgufValueType> read_type(ByteReader& reader, std::string_view key) {
  ATTAR_ASSIGN(const auto number, reader.read<std::uint32_t>());
  if (number >= value_rows.size()) return bad("key", key, fmt::format("has a value of the unknown type {}", number));
  return static_cast<GgufValueType>(number);
}

// Goes over values, which are checked on the way.
class ValueWalk {
 public:
  ValueWalk(ByteReader& reader, std::string_view key) : reader_(reader), key_(key) {}

  Status pass(GgufValueType type, std::uint64_t count, std::uint64_t depth) {
    if (type == GgufValueType::text) return pass_texts(count);
    if (type == GgufValueType::array) return pass_arrays(count, depth);
    ATTAR_ASSIGN(const std::uint64_t bytes, base::checked_mul(count, row_of(type).bytes));
    ATTAR_ASSIGN(const ByteView values, reader_.take(bytes));
    if (type == GgufValueType::boolean &&
        std::ranges::any_of(values, [](std::byte value) { return value > std::byte{1}; }))
      return bad("key", key_, "has a truth value that is neither 0 nor 1");
    return {};
  }

 private:
  // Many that cannot be there are refused before the first.
  Status expect(std::uint64_t count, std::uint64_t least) {
    if (count <= reader_.remaining() / least) return {};
    return fail(ErrorCode::truncated, std::string(header_ends));
  }

  Status pass_texts(std::uint64_t count) {
    ATTAR_TRY(expect(count, least_text));
    for (std::uint64_t i = 0; i < count; ++i) ATTAR_TRY(read_text(reader_));
    return {};
  }

  Status pass_arrays(std::uint64_t count, std::uint64_t depth) {
    if (depth == GgufLimits::deepest_array)
      return fail(ErrorCode::over_limit, fmt::format("has arrays more than {} deep at its key {}",
                                                     GgufLimits::deepest_array, in_quotes(key_)));
    ATTAR_TRY(expect(count, least_array));
    for (std::uint64_t i = 0; i < count; ++i) {
      ATTAR_ASSIGN(const GgufValueType type, read_type(reader_, key_));
      ATTAR_ASSIGN(const auto elements, reader_.read<std::uint64_t>());
      ATTAR_TRY(pass(type, elements, depth + 1));
    }
    return {};
  }

  ByteReader& reader_;
  std::string_view key_;
};

Result<GgufEntry> read_entry(ByteReader& reader, ByteView file) {
  const std::uint64_t begin = reader.position();
  GgufEntry out;
  ATTAR_ASSIGN(out.key, read_name(reader, "key", GgufLimits::longest_key));
  ATTAR_ASSIGN(out.type, read_type(reader, out.key));
  out.element = out.type;
  if (out.type == GgufValueType::array) {
    ATTAR_ASSIGN(out.element, read_type(reader, out.key));
    ATTAR_ASSIGN(out.count, reader.read<std::uint64_t>());
  }
  const std::uint64_t value = reader.position();
  ATTAR_TRY(ValueWalk(reader, out.key).pass(out.element, out.count, 1));
  out.bytes = file.subspan(value, reader.position() - value);
  out.raw = file.subspan(begin, reader.position() - begin);
  return out;
}

Status read_shape(ByteReader& reader, GgufTensor& tensor) {
  ATTAR_ASSIGN(const auto axes, reader.read<std::uint32_t>());
  if (axes > GgufLimits::most_axes)
    return fail(ErrorCode::over_limit, fmt::format("its tensor {} has {} axes, more than {}", in_quotes(tensor.name),
                                                   axes, GgufLimits::most_axes));
  ATTAR_ASSIGN(tensor.shape, reader.read_array<std::uint64_t>(axes));
  std::ranges::reverse(tensor.shape);
  const auto count = element_count(tensor.shape);
  if (!count ||
      std::ranges::any_of(tensor.shape, [](std::uint64_t length) { return !std::in_range<std::int64_t>(length); }))
    return bad("tensor", tensor.name, "has more than 2^63 elements");
  tensor.count = *count;
  return {};
}

// All but the place of its bytes, whose number is found where the type is known.
Result<GgufTensor> read_tensor_info(ByteReader& reader, std::uint64_t& bytes) {
  GgufTensor out;
  ATTAR_ASSIGN(out.name, read_name(reader, "tensor", GgufLimits::longest_name));
  ATTAR_TRY(read_shape(reader, out));
  ATTAR_ASSIGN(out.type, reader.read<std::uint32_t>());
  ATTAR_ASSIGN(out.offset, reader.read<std::uint64_t>());
  out.known = find_ggml_type(out.type);
  bytes = 0;
  if (out.known == nullptr) return out;
  const auto size = ggml_bytes(*out.known, out.shape);
  if (!size)
    return bad("tensor", out.name,
               fmt::format("has rows that are no whole blocks of {} ({} values), or too many", out.known->name,
                           out.known->values));
  bytes = *size;
  return out;
}

Result<std::uint64_t> alignment_of(const Gguf& content) {
  const GgufEntry* entry = content.find(gguf_alignment_key);
  if (entry == nullptr) return content.alignment;
  const auto value = entry->type == GgufValueType::u32 ? entry->whole() : std::nullopt;
  if (!value || !is_gguf_alignment(static_cast<std::uint64_t>(*value)))
    return bad("key", entry->key,
               fmt::format("is no power of two up to {} in 32 bits without a sign", GgufLimits::largest_alignment));
  return static_cast<std::uint64_t>(*value);
}

// The numbers of named things in the order of their names; no name may stand there twice.
template <class T, class Name>
Result<std::vector<std::uint32_t>> sorted_by_name(const std::vector<T>& things, Name name, std::string_view what) {
  std::vector<std::uint32_t> out(things.size());
  std::iota(out.begin(), out.end(), 0u);
  const auto name_of = [&](std::uint32_t i) { return things[i].*name; };
  std::ranges::sort(out, {}, name_of);
  if (const auto twice = std::ranges::adjacent_find(out, {}, name_of); twice != out.end())
    return bad(what, name_of(*twice), "stands there twice");
  return out;
}

// Ends where the next begins, for nobody knows its size. What has no elements has no bytes, whatever its type.
bool is_open_ended(const GgufTensor& tensor) noexcept { return tensor.known == nullptr && tensor.count != 0; }

// Gives each tensor its bytes; `sizes` has their number where it is known.
Status place_tensors(Gguf& content, std::vector<std::uint64_t>& sizes) {
  std::vector<std::uint32_t> order(content.tensors.size());
  std::iota(order.begin(), order.end(), 0u);
  for (const std::uint32_t i : order)
    if (is_open_ended(content.tensors[i])) sizes[i] = std::numeric_limits<std::uint64_t>::max();
  std::ranges::sort(order, {}, [&](std::uint32_t i) { return std::pair(content.tensors[i].offset, sizes[i]); });
  const std::uint64_t whole = content.data.size();
  std::uint64_t end = 0;
  for (std::size_t at = 0; at < order.size(); ++at) {
    GgufTensor& tensor = content.tensors[order[at]];
    std::uint64_t size = sizes[order[at]];
    if (tensor.offset % content.alignment != 0)
      return bad("tensor", tensor.name, fmt::format("lies at {}, no multiple of {}", tensor.offset, content.alignment));
    if (is_open_ended(tensor)) {
      const std::uint64_t next = at + 1 < order.size() ? content.tensors[order[at + 1]].offset : whole;
      size = std::min(next, whole) - std::min(tensor.offset, whole);
    }
    if (tensor.offset > whole || size > whole - tensor.offset)
      return fail(ErrorCode::truncated, fmt::format("ends before its tensor {}: {} bytes of data, of which it needs "
                                                    "those from {} on; copy it again",
                                                    in_quotes(tensor.name), whole, tensor.offset));
    if (size != 0 && tensor.offset < end) return bad("tensor", tensor.name, "overlaps another");
    if (size == 0 && tensor.count != 0) return bad("tensor", tensor.name, "has no bytes of its own");
    end = std::max(end, tensor.offset + size);
    tensor.bytes = content.data.subspan(tensor.offset, size);
  }
  return {};
}

Status check_version(std::uint32_t version) {
  if (version >= oldest_version && version <= newest_version) return {};
  // Of a file in the other byte order the upper half of the number is set, the lower is not.
  if ((version & 0xffff) == 0 && version != 0)
    return fail(ErrorCode::unsupported, "is a GGUF file of a big-endian machine; convert it to little-endian first");
  if (version < oldest_version)
    return fail(ErrorCode::too_old, fmt::format("is of GGUF version {}; convert it to version 3", version));
  return fail(ErrorCode::too_new, fmt::format("is of GGUF version {}; this build reads 2 and 3", version));
}

// All before the tensors, whose number is found.
Result<Gguf> read_metadata(ByteReader& reader, ByteView file, std::uint64_t& tensors) {
  Gguf out;
  ATTAR_ASSIGN(const ByteView magic, reader.take(gguf_magic.size()));
  if (base::as_text(magic) != gguf_magic) return fail(ErrorCode::invalid_data, "is no GGUF file");
  ATTAR_ASSIGN(out.version, reader.read<std::uint32_t>());
  ATTAR_TRY(check_version(out.version));
  ATTAR_ASSIGN(tensors, reader.read<std::uint64_t>());
  ATTAR_ASSIGN(const auto entries, reader.read<std::uint64_t>());
  if (tensors > GgufLimits::most_tensors || entries > GgufLimits::most_entries)
    return fail(ErrorCode::over_limit, fmt::format("announces {} tensors and {} keys, more than {} and {}", tensors,
                                                   entries, GgufLimits::most_tensors, GgufLimits::most_entries));
  for (std::uint64_t i = 0; i < entries; ++i) {
    ATTAR_ASSIGN(GgufEntry entry, read_entry(reader, file));
    out.metadata.push_back(entry);
  }
  return out;
}

Result<Gguf> read_header(ByteReader& reader, ByteView file, std::vector<std::uint64_t>& sizes) {
  std::uint64_t tensors = 0;
  ATTAR_ASSIGN(Gguf out, read_metadata(reader, file, tensors));
  for (std::uint64_t i = 0; i < tensors; ++i) {
    ATTAR_ASSIGN(GgufTensor tensor, read_tensor_info(reader, sizes.emplace_back()));
    out.tensors.push_back(std::move(tensor));
  }
  return out;
}

Error in_header(Error error) {
  if (error.code == ErrorCode::truncated) error.message = header_ends;
  return error;
}

}  // namespace

std::uint64_t gguf_value_bytes(GgufValueType type) noexcept { return row_of(type).bytes; }

bool is_gguf_alignment(std::uint64_t alignment) noexcept {
  return std::has_single_bit(alignment) && alignment <= GgufLimits::largest_alignment;
}

bool is_gguf_name(std::string_view text) noexcept {
  return !text.empty() && is_utf8(text) && text.find('\0') == std::string_view::npos;
}

std::optional<std::string_view> GgufEntry::text() const noexcept {
  if (type != GgufValueType::text) return std::nullopt;
  return base::as_text(bytes.subspan(least_text));
}

std::optional<bool> GgufEntry::boolean() const noexcept {
  if (type != GgufValueType::boolean) return std::nullopt;
  return bytes[0] != std::byte{0};
}

std::optional<std::int64_t> GgufEntry::whole() const noexcept {
  const auto read = row_of(type).whole;
  return read != nullptr ? read(bytes.data()) : std::nullopt;
}

std::optional<double> GgufEntry::number() const noexcept {
  const auto read = row_of(type).number;
  return read != nullptr ? std::optional(read(bytes.data())) : std::nullopt;
}

std::optional<std::vector<std::string_view>> GgufEntry::texts() const {
  if (type != GgufValueType::array || element != GgufValueType::text) return std::nullopt;
  std::vector<std::string_view> out;
  out.reserve(count);
  ByteView rest = bytes;
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto length = base::load<std::uint64_t>(rest.data());
    out.push_back(base::as_text(rest.subspan(least_text, length)));
    rest = rest.subspan(least_text + length);
  }
  return out;
}

std::optional<std::vector<double>> GgufEntry::numbers() const {
  const ValueRow& row = row_of(element);
  if (type != GgufValueType::array || row.number == nullptr) return std::nullopt;
  std::vector<double> out(count);
  for (std::uint64_t i = 0; i < count; ++i) out[i] = row.number(bytes.data() + i * row.bytes);
  return out;
}

const GgufEntry* Gguf::find(std::string_view key) const noexcept {
  const auto at = std::ranges::find(metadata, key, &GgufEntry::key);
  return at != metadata.end() ? &*at : nullptr;
}

const GgufTensor* Gguf::tensor(std::string_view name) const noexcept {
  const auto at = std::ranges::lower_bound(by_name, name, {}, [&](std::uint32_t i) { return tensors[i].name; });
  return at != by_name.end() && tensors[*at].name == name ? &tensors[*at] : nullptr;
}

std::string_view Gguf::architecture() const noexcept {
  const GgufEntry* entry = find("general.architecture");
  return entry != nullptr ? entry->text().value_or("") : "";
}

Result<std::vector<GgufEntry>> parse_gguf_metadata(base::ByteView header) {
  ByteReader reader(header);
  std::uint64_t tensors = 0;
  auto content = read_metadata(reader, header, tensors);
  if (!content) return std::unexpected(in_header(std::move(content).error()));
  ATTAR_TRY(sorted_by_name(content->metadata, &GgufEntry::key, "key"));
  ATTAR_TRY(alignment_of(*content));
  return std::move(content->metadata);
}

Result<Gguf> parse_gguf(base::ByteView file) {
  ByteReader reader(file);
  std::vector<std::uint64_t> sizes;
  auto content = read_header(reader, file, sizes);
  if (!content) return std::unexpected(in_header(std::move(content).error()));
  ATTAR_TRY(sorted_by_name(content->metadata, &GgufEntry::key, "key"));
  ATTAR_ASSIGN(content->by_name, sorted_by_name(content->tensors, &GgufTensor::name, "tensor"));
  ATTAR_ASSIGN(content->alignment, alignment_of(*content));
  std::uint64_t start = base::round_up(reader.position(), content->alignment);
  if (start > file.size()) {
    if (!content->tensors.empty())
      return fail(ErrorCode::truncated, "ends before the data of its tensors; copy it again");
    start = file.size();
  }
  content->header = file.first(start);
  content->data = file.subspan(start);
  ATTAR_TRY(place_tensors(*content, sizes));
  return content;
}

Result<GgufFile> GgufFile::open(const std::filesystem::path& path) {
  ATTAR_ASSIGN(base::MappedFile file, base::MappedFile::open(path));
  GgufFile out(std::move(file));
  auto content = parse_gguf(out.file_.bytes());
  if (!content) {
    content.error().file = out.path();
    return std::unexpected(std::move(content).error());
  }
  out.content_ = std::move(*content);
  return out;
}

}  // namespace attar::data
