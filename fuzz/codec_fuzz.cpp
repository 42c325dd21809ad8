// Opens hostile bytes as a model and as codes, then scans, scores and decodes them. The last four bytes choose the
// codec, the shape and what the rest is: a patch of a sound pack (so that mutations get past the first check of sizes),
// or the two sections themselves.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <tuple>
#include <vector>

#include "base/random.h"
#include "codec/registry.h"

namespace {

using namespace attar;
using Bytes = std::vector<std::byte>;

constexpr Metric metrics[] = {Metric::cosine, Metric::inner_product, Metric::l2};

struct Sections {
  Bytes model;
  Bytes codes;
};

format::SectionReader section(const codec::Codec& codec, const Bytes& bytes, const char* name) {
  return format::SectionReader::trusted(bytes, name, codec.info().id, codec.info().wire_max);
}

Bytes released(base::MemorySink&& sink) { return std::move(sink).release(); }

// Every option that the codec offers for a few random rows.
std::vector<Sections> sound_packs(const codec::Codec& codec, const codec::Schema& schema) {
  base::ThreadPool pool(1);
  base::Random random(schema.rows * 1000 + schema.dims);
  std::vector<float> rows(schema.rows * schema.dims);
  for (float& value : rows) value = static_cast<float>(random.normal());
  const codec::Chunk chunk{rows, schema.dims, 0};
  std::vector<Sections> out;
  const auto trainer = codec.trainer(schema, {.pool = &pool, .seed = 1});
  if (!trainer || !(*trainer)->feed(chunk)) std::abort();
  const auto trained = (*trainer)->finish();
  if (!trained) std::abort();
  for (const std::uint64_t budget : {rows.size() / 2 + 400, 16 * rows.size() + 100'000})
    for (const codec::Option& option : (*trained)->options({.bytes = budget})) {
      const auto model = (*trained)->build(option.params);
      base::MemorySink saved, codes;
      if (!model || !(*model)->save(saved)) std::abort();
      const auto encoder = codec.encoder(*model, schema, codes, pool);
      if (!encoder || !(*encoder)->append(chunk) || !(*encoder)->finish()) std::abort();
      out.push_back({released(std::move(saved)), released(std::move(codes))});
    }
  return out;
}

const std::vector<Sections>& sound_packs_once(const codec::Codec& codec, const codec::Schema& schema) {
  static std::map<std::tuple<std::uint32_t, std::uint64_t, std::uint32_t, Metric>, std::vector<Sections>> made;
  const auto [it, fresh] = made.try_emplace({codec.info().id, schema.rows, schema.dims, schema.metric});
  if (fresh) it->second = sound_packs(codec, schema);
  return it->second;
}

// Triples of a place (two bytes) and a value to put there; model first, then codes.
void patch(Sections& sections, std::span<const std::uint8_t> input) {
  const std::size_t size = sections.model.size() + sections.codes.size();
  for (; size != 0 && input.size() >= 3; input = input.subspan(3)) {
    const std::size_t place = (input[0] | std::size_t{input[1]} << 8) % size;
    const auto value = static_cast<std::byte>(input[2]);
    if (place < sections.model.size())
      sections.model[place] = value;
    else
      sections.codes[place - sections.model.size()] = value;
  }
}

void use(const codec::View& view, const codec::Schema& schema) {
  std::vector<float> decoded(schema.rows * schema.dims);
  (void)view.verify({0, schema.rows});
  (void)view.decode({0, schema.rows}, decoded);
  if (view.scorable() == nullptr) return;
  std::vector<float> queries(3 * schema.dims);
  for (std::size_t i = 0; i < queries.size(); ++i) queries[i] = static_cast<float>(i % 17) - 8.0f;
  const auto scorer = view.scorable()->prepare({queries, schema.dims});
  if (!scorer) std::abort();  // the queries are sound
  std::vector<codec::TopK> top(3, codec::TopK(4));
  (*scorer)->scan({0, schema.rows}, {}, top);
  (*scorer)->scan({schema.rows / 3, schema.rows}, {}, top);
  for (const codec::TopK& best : top)
    for (const codec::Hit& hit : best.sorted())
      if (hit.row >= schema.rows) std::abort();
  const std::uint32_t rows[] = {0, static_cast<std::uint32_t>(schema.rows - 1)};
  std::vector<float> scores(6);
  (*scorer)->score(rows, scores);
  if (!view.scorable()->walks()) return;
  (*scorer)->expect_rows(rows, 0);
  (*scorer)->score_first(2, rows, std::span(scores).first(2));
  std::vector<codec::Partial> partials = {{.row = rows[0]}, {.row = rows[1]}};
  (*scorer)->expect_rows(rows, 1);
  (*scorer)->finish_rows(2, partials);
  for (const codec::Partial& row : partials)
    if (row.score != row.score) std::abort();  // a walk keeps rows in order of their scores
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 4) return 0;
  const std::uint8_t* choice = data + size - 4;
  const auto codecs = codec::registry();
  const codec::Codec& codec = *codecs[choice[0] % codecs.size()];
  const codec::Schema schema{
      .rows = 1u + choice[1] % 3 * 33, .dims = 1u + choice[1] / 3 % 5 * 9, .metric = metrics[choice[2] % 3]};
  const std::span input(data, size - 4);
  Sections sections;
  if (choice[3] % 4 != 0) {
    const std::vector<Sections>& sound = sound_packs_once(codec, schema);
    if (sound.empty()) return 0;
    sections = sound[choice[3] / 4 % sound.size()];
    patch(sections, input);
  } else {
    const auto bytes = std::as_bytes(input);
    const std::size_t model = std::min<std::size_t>(bytes.size(), choice[3] * std::size_t{choice[2]} / 4);
    sections = {{bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(model)},
                {bytes.begin() + static_cast<std::ptrdiff_t>(model), bytes.end()}};
  }
  auto model = codec.load(section(codec, sections.model, "model"), schema, {});
  if (!model) return 0;
  const auto view = codec.open(section(codec, sections.codes, "codes"), *std::move(model), schema, {});
  if (view) use(**view, schema);
  return 0;
}
