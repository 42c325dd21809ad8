#include "data/tensor_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/checked.h"
#include "data/gguf.h"
#include "data/npy.h"
#include "data/safetensors.h"
#include "data/zip.h"

namespace attar::data {
namespace {

struct FloatFields {
  std::string_view type;
  unsigned exponent_bits, mantissa_bits;
};

constexpr std::array float_fields = {
    FloatFields{"F64", 11, 52}, FloatFields{"F32", 8, 23},    FloatFields{"BF16", 8, 7},
    FloatFields{"F16", 5, 10},  FloatFields{"F8_E5M2", 5, 2}, FloatFields{"F8_E4M3", 4, 3},
    FloatFields{"<f8", 11, 52}, FloatFields{"<f4", 8, 23},    FloatFields{"<f2", 5, 10}};

// numpy's own names for the types of safetensors.
struct NumpyName {
  std::string_view type, descr;
};
constexpr std::array numpy_names = {NumpyName{"BOOL", "|b1"}, NumpyName{"U8", "|u1"},  NumpyName{"I8", "|i1"},
                                    NumpyName{"U16", "<u2"},  NumpyName{"I16", "<i2"}, NumpyName{"U32", "<u4"},
                                    NumpyName{"I32", "<i4"},  NumpyName{"U64", "<u8"}, NumpyName{"I64", "<i8"},
                                    NumpyName{"F16", "<f2"},  NumpyName{"F32", "<f4"}, NumpyName{"F64", "<f8"}};

void set_fields(FileTensor& tensor) {
  const auto* found = std::ranges::find(float_fields, std::string_view(tensor.type), &FloatFields::type);
  if (found == float_fields.end()) return;
  tensor.exponent_bits = found->exponent_bits;
  tensor.mantissa_bits = found->mantissa_bits;
}

Result<std::vector<FileTensor>> safetensors_of(base::ByteView file) {
  ATTAR_ASSIGN(const std::vector<Tensor> read, parse_safetensors(file));
  std::vector<FileTensor> out;
  for (const Tensor& tensor : read) {
    FileTensor own{.name = tensor.name, .type = std::string(tensor_type_name(tensor.type))};
    own.element_bytes = static_cast<unsigned>(tensor_type_bytes(tensor.type));
    own.shape = tensor.shape;
    own.offset = tensor.bytes.empty() ? file.size() : static_cast<std::uint64_t>(tensor.bytes.data() - file.data());
    own.bytes = tensor.bytes.size();
    set_fields(own);
    out.push_back(std::move(own));
  }
  std::ranges::stable_sort(out, {}, &FileTensor::offset);
  return out;
}

Result<std::vector<FileTensor>> gguf_of(base::ByteView file) {
  ATTAR_ASSIGN(const Gguf read, parse_gguf(file));
  std::vector<FileTensor> out;
  for (const GgufTensor& tensor : read.tensors) {
    FileTensor own{.name = std::string(tensor.name), .type = "bytes"};
    own.offset = tensor.bytes.empty() ? file.size() : static_cast<std::uint64_t>(tensor.bytes.data() - file.data());
    own.bytes = tensor.bytes.size();
    own.shape = tensor.shape;
    if (tensor.known != nullptr && own.bytes % tensor.known->bytes == 0) {
      own.type = tensor.known->name;
      own.element_bytes = tensor.known->bytes;
    }
    set_fields(own);
    out.push_back(std::move(own));
  }
  std::ranges::stable_sort(out, {}, &FileTensor::offset);
  return out;
}

// "<f4": the bytes of one element; nothing for objects and structures.
std::optional<unsigned> npy_bytes(std::string_view descr) {
  if (descr.size() < 3 || descr.size() > 4 || std::string_view("<|").find(descr[0]) == std::string_view::npos ||
      std::string_view("biufcV").find(descr[1]) == std::string_view::npos)
    return std::nullopt;
  unsigned bytes = 0;
  for (const char digit : descr.substr(2)) {
    if (digit < '0' || digit > '9') return std::nullopt;
    bytes = bytes * 10 + static_cast<unsigned>(digit - '0');
  }
  return bytes == 0 ? std::nullopt : std::optional(bytes);
}

Result<std::vector<FileTensor>> npy_of(base::ByteView file, std::string name) {
  ATTAR_ASSIGN(const NpyHeaderPlace place, npy_header_place(file.first(std::min<std::size_t>(file.size(), 12))));
  base::ByteReader in(file);
  ATTAR_TRY(in.take(place.start));
  ATTAR_ASSIGN(const base::ByteView text, in.take(place.length));
  ATTAR_ASSIGN(const NpyHeader header, parse_npy_header(base::as_text(text)));
  const auto bytes = npy_bytes(header.descr);
  if (!bytes) return fail(ErrorCode::unsupported, fmt::format("its elements are {}", in_quotes(header.descr)));
  FileTensor out{.name = std::move(name), .type = header.descr, .element_bytes = *bytes, .shape = header.shape};
  std::uint64_t size = *bytes;
  for (const std::uint64_t axis : header.shape) {
    ATTAR_ASSIGN(size, base::checked_mul(size, axis));
  }
  // Rows of an array in Fortran's order are its columns.
  if (header.fortran_order) std::ranges::reverse(out.shape);
  if (size != in.remaining()) return fail(ErrorCode::invalid_data, "its shape does not fill the file");
  out.offset = in.position();
  out.bytes = size;
  set_fields(out);
  return std::vector{std::move(out)};
}

// An index holds no other shapes (FORMAT.md, "Tensors section").
Status check_shapes(std::span<const FileTensor> tensors) {
  constexpr std::size_t most_axes = 8;
  for (const FileTensor& tensor : tensors) {
    if (tensor.shape.size() > most_axes)
      return fail(ErrorCode::over_limit, fmt::format("{} has more than {} axes", in_quotes(tensor.name), most_axes));
    if (std::ranges::any_of(tensor.shape, [](std::uint64_t length) { return length >> 63 != 0; }))
      return fail(ErrorCode::over_limit, fmt::format("{} has an axis of 2^63 or more", in_quotes(tensor.name)));
  }
  return {};
}

// A member that is a whole .npy file as it is.
std::optional<FileTensor> array_of(base::ByteView file, const ZipMember& member) {
  constexpr std::string_view ending = ".npy";
  if (member.method != 0 || member.encrypted || !member.name.ends_with(ending)) return std::nullopt;
  const base::ByteView bytes = file.subspan(member.offset, member.bytes);
  if (!base::as_text(bytes).starts_with(npy_magic)) return std::nullopt;
  auto read = npy_of(bytes, member.name.substr(0, member.name.size() - ending.size()));
  if (!read || !check_shapes(*read)) return std::nullopt;
  FileTensor out = std::move(read->front());
  out.offset += member.offset;
  return out;
}

// Nothing for a zip without an .npy, which is another kind of file.
Result<std::optional<std::vector<FileTensor>>> npz_of(base::ByteView file, std::string& note) {
  ATTAR_ASSIGN(const std::vector<ZipMember> members, parse_zip(file));
  const auto is_npy = [](const ZipMember& member) { return member.name.ends_with(".npy"); };
  if (std::ranges::none_of(members, is_npy)) return std::nullopt;
  std::vector<FileTensor> out;
  std::uint64_t arrays = 0, as_bytes = 0;
  for (const ZipMember& member : members) {
    if (member.stored == 0) continue;
    auto array = array_of(file, member);
    if (is_npy(member)) ++(array ? arrays : as_bytes);
    FileTensor own{.name = member.name, .type = "bytes", .shape = {member.stored}, .bytes = member.stored};
    own.offset = member.offset;
    out.push_back(array ? *std::move(array) : std::move(own));
  }
  if (as_bytes != 0)
    note = fmt::format(
        "{} of {} arrays are taken as bytes, for they are deflated or none that can be read; np.savez, "
        "rather than np.savez_compressed, leaves more to save",
        as_bytes, arrays + as_bytes);
  return out;
}

FileTensor whole(base::ByteView file, std::string name) {
  return {.name = std::move(name), .type = "bytes", .shape = {file.size()}, .bytes = file.size()};
}

// A header of JSON behind its length: nothing else looks like it by chance.
bool looks_like_safetensors(base::ByteView file) noexcept {
  return file.size() >= 9 && base::load<std::uint64_t>(file.data()) <= file.size() - 8 && file[8] == std::byte{'{'};
}

}  // namespace

std::string_view tensor_format_name(TensorFormat format) noexcept {
  constexpr std::array<std::string_view, 5> names = {"safetensors", "gguf", "npy", "npz", "bytes"};
  return names[static_cast<std::size_t>(format)];
}

Result<TensorFile> TensorFile::open(const std::filesystem::path& path) {
  ATTAR_ASSIGN(base::MappedFile file, base::MappedFile::open(path));
  TensorFile out(std::move(file));
  const base::ByteView bytes = out.bytes();
  std::optional<Result<std::vector<FileTensor>>> read;
  if (looks_like_safetensors(bytes)) {
    out.format_ = TensorFormat::safetensors;
    read = safetensors_of(bytes);
  } else if (base::as_text(bytes).starts_with(gguf_magic)) {
    out.format_ = TensorFormat::gguf;
    read = gguf_of(bytes);
  } else if (base::as_text(bytes).starts_with(npy_magic)) {
    out.format_ = TensorFormat::npy;
    read = npy_of(bytes, path.stem().string());
  } else if (base::as_text(bytes).starts_with(zip_magic)) {
    out.format_ = TensorFormat::npz;
    auto arrays = npz_of(bytes, out.note_);
    if (!out.note_.empty()) out.note_ = fmt::format("{}: {}", out.path(), out.note_);
    if (!arrays) {
      read = std::unexpected(std::move(arrays).error());
    } else if (*arrays) {
      read = **std::move(arrays);
    }
  }
  if (read && *read)
    if (const Status checked = check_shapes(**read); !checked) read = std::unexpected(checked.error());
  if (read && *read) {
    out.tensors_ = **std::move(read);
    return out;
  }
  if (read)
    out.note_ = fmt::format("{}: taken as bytes, for as {} it cannot be read: {}", out.path(),
                            tensor_format_name(out.format_), (*read).error().message);
  out.format_ = TensorFormat::bytes;
  if (!bytes.empty()) out.tensors_.push_back(whole(bytes, path.filename().string()));
  return out;
}

std::string npy_header_of(std::string_view type, unsigned element_bytes, std::uint64_t count,
                          std::span<const std::uint64_t> shape) {
  const auto* found = std::ranges::find(numpy_names, type, &NumpyName::type);
  std::string descr = found != numpy_names.end() ? std::string(found->descr) : fmt::format("|V{}", element_bytes);
  if (npy_bytes(type) == element_bytes) descr = type;
  std::uint64_t product = 1;
  for (const std::uint64_t axis : shape)
    if (__builtin_mul_overflow(product, axis, &product)) product = ~std::uint64_t{0};
  // Blocks of quantized numbers have fewer elements than the shape says.
  const std::string axes = product == count ? fmt::format("{}", fmt::join(shape, ", ")) : fmt::format("{}", count);
  const bool one = product != count || shape.size() == 1;
  std::string text =
      fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}{}), }}", descr, axes, one ? "," : "");
  constexpr std::size_t alignment = 64, head = 10;
  text.append((alignment - (head + text.size() + 1) % alignment) % alignment, ' ');
  text += '\n';
  std::string out(npy_magic);
  out += {'\1', '\0', static_cast<char>(text.size() & 0xff), static_cast<char>(text.size() >> 8)};
  return out + text;
}

}  // namespace attar::data
