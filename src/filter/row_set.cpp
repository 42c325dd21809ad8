#include "filter/row_set.h"

#include <roaring/roaring.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>

namespace attar::filter {
namespace {

// The portable form of Roaring bitmaps is public and frozen, and words go into it and come out of it at the speed of
// memory, where the library's own calls take rows one by one. https://github.com/RoaringBitmap/RoaringFormatSpec
constexpr std::uint32_t cookie_plain = 12346;  // no containers of runs
constexpr std::uint32_t cookie_runs = 12347;   // low 16 bits; the high ones are containers − 1
constexpr std::uint32_t most_in_array = 4096;  // rows of a container; with more it is a bitmap
constexpr std::uint32_t least_with_offsets = 4;
constexpr std::size_t container_words = 1024;
constexpr std::size_t bitmap_bytes = container_words * 8;

class Writer {
 public:
  explicit Writer(std::size_t bytes) : bytes_(bytes) {}
  template <class T>
  void write(T value) noexcept {
    std::memcpy(bytes_.data() + at_, &value, sizeof value);
    at_ += sizeof value;
  }
  void write(std::span<const std::uint64_t> words) noexcept {
    std::memset(bytes_.data() + at_, 0, bitmap_bytes);
    std::memcpy(bytes_.data() + at_, words.data(), words.size_bytes());
    at_ += bitmap_bytes;
  }
  [[nodiscard]] const char* data() const noexcept { return bytes_.data(); }

 private:
  std::vector<char> bytes_;
  std::size_t at_ = 0;
};

struct Container {
  std::uint16_t key = 0;
  std::uint32_t rows = 0;
  std::span<const std::uint64_t> words;

  [[nodiscard]] std::size_t bytes() const noexcept { return rows > most_in_array ? bitmap_bytes : 2 * rows; }
};

void write_rows(Writer& out, std::span<const std::uint64_t> words) {
  for (std::size_t i = 0; i < words.size(); ++i)
    for (std::uint64_t word = words[i]; word != 0; word &= word - 1)
      out.write(static_cast<std::uint16_t>(i * 64 + static_cast<unsigned>(std::countr_zero(word))));
}

template <class T>
T load(const char* from) noexcept {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

void set_range(std::uint64_t* words, std::uint32_t first, std::uint32_t last) noexcept {
  for (std::uint32_t row = first; row <= last;) {
    const std::uint32_t end = std::min(last, row | 63);
    words[row / 64] |= (~std::uint64_t{0} >> (63 - (end - row))) << (row % 64);
    row = end + 1;
  }
}

// Fills the words of one container; returns where the next one begins.
const char* read_container(const char* from, bool runs, std::uint32_t rows, std::uint64_t* words, std::size_t room) {
  if (runs) {
    const auto count = load<std::uint16_t>(from);
    from += 2;
    for (std::uint32_t i = 0; i < count; ++i, from += 4) {
      const std::uint32_t first = load<std::uint16_t>(from);
      set_range(words, first, first + load<std::uint16_t>(from + 2));
    }
    return from;
  }
  if (rows > most_in_array) {
    std::memcpy(words, from, std::min(room, container_words) * 8);
    return from + bitmap_bytes;
  }
  for (std::uint32_t i = 0; i < rows; ++i, from += 2) {
    const std::uint32_t row = load<std::uint16_t>(from);
    words[row / 64] |= 1ull << (row % 64);
  }
  return from;
}

}  // namespace

struct RowSet::Bitmap {
  explicit Bitmap(roaring_bitmap_t* made) : set(made) {
    if (set == nullptr) throw std::bad_alloc();
  }
  ~Bitmap() { roaring_bitmap_free(set); }
  Bitmap(const Bitmap&) = delete;
  Bitmap& operator=(const Bitmap&) = delete;

  roaring_bitmap_t* set;
};

RowSet::RowSet() = default;

RowSet RowSet::from_words(std::span<const std::uint64_t> words) {
  std::vector<Container> containers;
  std::size_t bytes = 0;
  for (std::size_t first = 0; first < words.size(); first += container_words) {
    Container container{.key = static_cast<std::uint16_t>(first / container_words),
                        .words = words.subspan(first, std::min(container_words, words.size() - first))};
    for (const std::uint64_t word : container.words) container.rows += static_cast<std::uint32_t>(std::popcount(word));
    if (container.rows == 0) continue;
    bytes += container.bytes();
    containers.push_back(container);
  }
  if (containers.empty()) return {};
  const std::size_t head = 8 + 8 * containers.size();
  Writer out(head + bytes);
  out.write(cookie_plain);
  out.write(static_cast<std::uint32_t>(containers.size()));
  for (const Container& container : containers) {
    out.write(container.key);
    out.write(static_cast<std::uint16_t>(container.rows - 1));
  }
  std::size_t offset = head;
  for (const Container& container : containers) {
    out.write(static_cast<std::uint32_t>(offset));
    offset += container.bytes();
  }
  for (const Container& container : containers) {
    if (container.rows > most_in_array) {
      out.write(container.words);
    } else {
      write_rows(out, container.words);
    }
  }
  return RowSet(std::make_shared<Bitmap>(roaring_bitmap_portable_deserialize_safe(out.data(), head + bytes)));
}

RowSet RowSet::from_rows(std::span<const std::uint32_t> rows) {
  if (rows.empty()) return {};
  return RowSet(std::make_shared<Bitmap>(roaring_bitmap_of_ptr(rows.size(), rows.data())));
}

RowSet RowSet::all(std::uint64_t count) {
  if (count == 0) return {};
  return RowSet(std::make_shared<Bitmap>(roaring_bitmap_from_range(0, count, 1)));
}

std::uint64_t RowSet::count() const noexcept {
  return bitmap_ == nullptr ? 0 : roaring_bitmap_get_cardinality(bitmap_->set);
}

std::vector<std::uint64_t> RowSet::words(std::uint64_t rows) const {
  std::vector<std::uint64_t> out((rows + 63) / 64);
  if (bitmap_ == nullptr) return out;
  std::vector<char> bytes(roaring_bitmap_portable_size_in_bytes(bitmap_->set));
  roaring_bitmap_portable_serialize(bitmap_->set, bytes.data());
  const auto cookie = load<std::uint32_t>(bytes.data());
  const bool runs = (cookie & 0xffff) == cookie_runs;
  const std::uint32_t containers = runs ? (cookie >> 16) + 1 : load<std::uint32_t>(bytes.data() + 4);
  const char* flags = bytes.data() + 4;  // where there are runs: a bit a container
  const char* heads = runs ? flags + (containers + 7) / 8 : bytes.data() + 8;
  const char* from = heads + 4 * std::size_t{containers};
  if (!runs || containers >= least_with_offsets) from += 4 * std::size_t{containers};
  for (std::uint32_t i = 0; i < containers; ++i) {
    const auto key = load<std::uint16_t>(heads + 4 * std::size_t{i});
    const std::uint32_t count = load<std::uint16_t>(heads + 4 * std::size_t{i} + 2) + 1u;
    const bool is_run = runs && (flags[i / 8] >> (i % 8) & 1) != 0;
    const std::size_t at = key * container_words;
    from = read_container(from, is_run, count, out.data() + at, out.size() - at);
  }
  return out;
}

std::uint64_t RowSet::bytes() const noexcept {
  return bitmap_ == nullptr ? 0 : roaring_bitmap_portable_size_in_bytes(bitmap_->set);
}

RowSet RowSet::operator&(const RowSet& other) const {
  if (bitmap_ == nullptr || other.bitmap_ == nullptr) return {};
  return RowSet(std::make_shared<Bitmap>(roaring_bitmap_and(bitmap_->set, other.bitmap_->set)));
}

RowSet RowSet::operator|(const RowSet& other) const {
  if (bitmap_ == nullptr) return other;
  if (other.bitmap_ == nullptr) return *this;
  return RowSet(std::make_shared<Bitmap>(roaring_bitmap_or(bitmap_->set, other.bitmap_->set)));
}

RowSet RowSet::operator-(const RowSet& other) const {
  if (bitmap_ == nullptr || other.bitmap_ == nullptr) return *this;
  return RowSet(std::make_shared<Bitmap>(roaring_bitmap_andnot(bitmap_->set, other.bitmap_->set)));
}

bool RowSet::operator==(const RowSet& other) const {
  if (bitmap_ == nullptr || other.bitmap_ == nullptr) return count() == other.count();
  return roaring_bitmap_equals(bitmap_->set, other.bitmap_->set);
}

}  // namespace attar::filter
