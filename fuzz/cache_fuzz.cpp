// Hostile records of a semantic cache, and the gates of hostile prompts. The first byte chooses: a file of nothing but
// the input, or the input's records with checksums that hold, so that mutations get past those.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/hash.h"
#include "cache/normal.h"
#include "cache/state.h"

namespace {

using namespace attar;
using namespace attar::cache;

constexpr std::uint32_t dims = 4;

State fresh() {
  return State({.error = 0.05,
                .seed = 1,
                .max_bytes = 1 << 20,
                .max_entries = 100,
                .dims = dims,
                .digest = std::string(64, 'a'),
                .encoder = "fuzz"});
}

// Each record: its kind, its size (two bytes), its payload.
std::vector<std::byte> with_checksums(base::ByteView input) {
  base::ByteWriter out;
  out.write_bytes(file_header());
  while (input.size() >= 3) {
    const std::size_t size = std::min<std::size_t>(base::load<std::uint16_t>(input.data() + 1), input.size() - 3);
    base::ByteWriter header;
    header.write(static_cast<std::uint32_t>(size));
    header.write(static_cast<std::uint32_t>(input[0]));
    out.write_bytes(header.bytes());
    out.write(base::checksum(header.bytes()));
    out.write(base::checksum(input.subspan(3, size)));
    out.write_bytes(input.subspan(3, size));
    input = input.subspan(3 + size);
  }
  return std::move(out).release();
}

void read(base::ByteView file) {
  if (!check_file_header(file)) return;
  State state = fresh();
  RecordCursor cursor(file);
  while (true) {
    const auto next = cursor.next(dims);
    if (!next || !*next || !state.apply(**next)) break;
  }
  const std::vector<std::int8_t> vector = {1, -2, 3, 4};
  (void)state.look(7, "a prompt", vector);
  (void)state.apply(state.plan_put(7, "a prompt", "an answer", Outcome::by_bytes, vector));
  (void)state.apply(state.plan_eviction(1000, 1));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto input = std::as_bytes(std::span(data + 1, size - 1));
  if (data[0] % 3 == 0) {
    read(input);
  } else if (data[0] % 3 == 1) {
    read(with_checksums(input));
  } else {
    const std::string_view text = base::as_text(input), half = text.substr(0, text.size() / 2);
    (void)gate_between(read_marks(text), read_marks(half));
    (void)normal_form(text);
  }
  return 0;
}
