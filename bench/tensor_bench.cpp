// Packing and unpacking the tensors of a file in memory, after a round that is not timed: medians of the seconds by the
// clock and of the processor, as JSON.
//   tensor_bench FILE [--block SIZE] [--threads N] [--rounds N]
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <nlohmann/json.hpp>
#include <string_view>

#include "attar/budget.h"
#include "base/hash.h"
#include "engine/tensor_frames.h"
#include "engine/tensor_sources.h"

namespace {

using namespace attar;

struct Settings {
  std::string file;
  std::uint64_t block = 256u << 10;
  unsigned threads = 1, rounds = 5;
};

struct Packed {
  std::vector<format::TensorEntry> entries;
  std::vector<std::byte> frames;
  codec::TableSets tables;
};

struct Times {
  std::vector<double> clock, processor;
};

template <class Call>
void timed(Times& times, const Call& call) {
  const auto started = std::chrono::steady_clock::now();
  const std::clock_t before = std::clock();
  call();
  times.processor.push_back(static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC);
  times.clock.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count());
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

[[noreturn]] void stop(const std::string& why) {
  fmt::print(stderr, "tensor_bench: {}\n", why);
  std::exit(2);
}

template <class T>
T checked(Result<T> result) {
  if (!result) stop(result.error().describe());
  return *std::move(result);
}

// Memory that stays from round to round: what is timed is packing, not the kernel's handing out of pages.
class KeptSink final : public base::Sink {
 public:
  explicit KeptSink(std::vector<std::byte>& to) : to_(to) { to_.clear(); }
  [[nodiscard]] Status write(base::ByteView bytes) override {
    to_.insert(to_.end(), bytes.begin(), bytes.end());
    return {};
  }

 private:
  std::vector<std::byte>& to_;
};

void pack(const data::TensorFile& file, const Settings& settings, base::ThreadPool& pool, Packed& out) {
  out.entries.clear();
  out.tables = {};
  base::SilentProgress progress;
  std::vector<codec::TensorView> views;
  std::vector<std::unique_ptr<codec::TensorTrial>> trials;
  for (const data::FileTensor& tensor : file.tensors()) {
    const engine::TensorCut cut = engine::cut_tensor(tensor, settings.block);
    views.push_back({.schema = cut.schema, .bytes = file.bytes_of(tensor), .block_elements = cut.block_elements});
    format::TensorEntry entry = engine::entry_of(tensor, cut);
    entry.checksum = base::checksum(views.back().bytes);
    codec::CodecChoice choice = codec::choose_codec(codec::tensor_registry(), views.back());
    entry.codec_id = choice.codec->info().id;
    choice.trial->share(out.tables);
    trials.push_back(std::move(choice.trial));
    out.entries.push_back(std::move(entry));
  }
  out.tables.finish();
  KeptSink sink(out.frames);
  engine::FrameRoom room;
  for (std::size_t i = 0; i < views.size(); ++i) {
    out.entries[i].frame_offset = out.frames.size();
    out.entries[i].frame_bytes =
        checked(engine::write_frame(*trials[i]->writer(out.tables), views[i], sink, pool, progress, room));
  }
}

void unpack(const Packed& packed, std::span<std::byte> out, base::ThreadPool& pool) {
  const auto frames = format::SectionReader::trusted(packed.frames, "frames", 0, 1);
  std::size_t at = 0;
  for (const format::TensorEntry& entry : packed.entries) {
    const auto frame = checked(engine::FrameReader::open(frames, entry, packed.tables));
    if (const Status read = frame.read(pool, out.subspan(at, entry.bytes())); !read) stop(read.error().describe());
    at += entry.bytes();
  }
}

Settings parse(int count, char** values) {
  Settings out;
  for (int i = 1; i < count; ++i) {
    const std::string_view word = values[i];
    const auto number = [&] { return i + 1 < count ? std::strtoull(values[++i], nullptr, 10) : 0; };
    if (word == "--block" && i + 1 < count)
      out.block = static_cast<std::uint64_t>(checked(parse_budget(values[++i])).value);
    else if (word == "--threads")
      out.threads = static_cast<unsigned>(number());
    else if (word == "--rounds")
      out.rounds = static_cast<unsigned>(number());
    else
      out.file = word;
  }
  if (out.file.empty() || out.block < 4096 || out.rounds == 0)
    stop("usage: tensor_bench FILE [--block SIZE] [--threads N] [--rounds N]");
  return out;
}

}  // namespace

int main(int count, char** values) {
  const Settings settings = parse(count, values);
  const data::TensorFile file = checked(data::TensorFile::open(settings.file));
  base::ThreadPool pool(settings.threads);
  std::uint64_t bytes = 0;
  for (const data::FileTensor& tensor : file.tensors()) bytes += tensor.bytes;
  std::vector<std::byte> back(bytes);
  Packed packed;
  Times encoding, decoding;
  pack(file, settings, pool, packed);
  unpack(packed, back, pool);
  for (unsigned round = 0; round < settings.rounds; ++round) {
    timed(encoding, [&] { pack(file, settings, pool, packed); });
    timed(decoding, [&] { unpack(packed, back, pool); });
  }
  const nlohmann::ordered_json line = {{"bytes", bytes},
                                       {"packed_bytes", packed.frames.size()},
                                       {"block", settings.block},
                                       {"threads", settings.threads},
                                       {"encode_seconds", median(encoding.clock)},
                                       {"encode_cpu", median(encoding.processor)},
                                       {"decode_seconds", median(decoding.clock)},
                                       {"decode_cpu", median(decoding.processor)}};
  fmt::print("{}\n", line.dump());
}
