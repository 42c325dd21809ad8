#include "plan/trial.h"

#include <algorithm>

#include "certify/truth.h"

namespace attar::plan {
namespace {

constexpr std::uint64_t chunk_bytes = 4u << 20;

}  // namespace

Status stream_rows(const data::VectorSource& source, Metric metric, base::Progress& progress,
                   const std::function<Status(const codec::Chunk&)>& take) {
  const std::uint64_t dims = source.dims();
  const std::uint64_t step = std::max<std::uint64_t>(1, chunk_bytes / (dims * sizeof(float)));
  std::vector<float> values;
  for (std::uint64_t first = 0; first < source.rows(); first += step) {
    ATTAR_TRY(base::check_cancelled(progress));
    const std::uint64_t rows = std::min(step, source.rows() - first);
    values.resize(rows * dims);
    ATTAR_TRY(source.read(first, values));
    ATTAR_TRY(certify::prepare_rows(metric, values, source.dims(), first, source.name()));
    ATTAR_TRY(take({values, source.dims(), first}));
    progress.advance(rows);
  }
  return {};
}

Result<std::unique_ptr<Trial>> Trial::encode(const codec::Codec& codec, const codec::Trained& trained,
                                             const codec::Option& option, const data::VectorSource& base,
                                             const codec::Schema& schema, std::uint64_t memory_bytes,
                                             base::ThreadPool& pool, base::Progress& progress) {
  std::unique_ptr<Trial> out(new Trial);
  out->codec_ = &codec;
  out->option_ = option;
  ATTAR_ASSIGN(const auto model, trained.build(option.params));
  base::MemorySink model_sink;
  ATTAR_TRY(model->save(model_sink));
  out->model_bytes_ = std::move(model_sink).release();

  base::MemorySink memory;
  base::Sink* sink = &memory;
  if (option.codes_bytes > memory_bytes) {
    ATTAR_ASSIGN(auto scratch, base::TemporaryFile::create());
    out->scratch_.emplace(std::move(scratch));
    sink = &*out->scratch_;
  }
  ATTAR_ASSIGN(const auto encoder, codec.encoder(model, schema, *sink, pool));
  ATTAR_TRY(
      stream_rows(base, schema.metric, progress, [&](const codec::Chunk& chunk) { return encoder->append(chunk); }));
  ATTAR_TRY(encoder->finish());
  if (out->scratch_) {
    ATTAR_ASSIGN(auto mapped, base::MappedFile::open(out->scratch_->path()));
    out->mapped_.emplace(std::move(mapped));
    out->codes_ = out->mapped_->bytes();
  } else {
    out->memory_ = std::move(memory).release();
    out->codes_ = out->memory_;
  }
  // The view reads what a reader of the file will read: the saved model, not the one in memory.
  const auto& info = codec.info();
  const auto section = [&](base::ByteView bytes, std::string name) {
    return format::SectionReader::trusted(bytes, std::move(name), info.id, info.wire_max);
  };
  ATTAR_ASSIGN(auto loaded, codec.load(section(out->model_bytes_, "model"), schema, {}));
  ATTAR_ASSIGN(out->view_, codec.open(section(out->codes_, "codes"), std::move(loaded), schema, {}));
  return out;
}

Result<std::vector<std::uint32_t>> Trial::search(std::span<const float> queries, std::uint32_t dims, std::uint32_t k,
                                                 index::Look look, std::span<const std::uint32_t> own_rows,
                                                 base::ThreadPool& pool) const {
  ATTAR_ASSIGN(const auto lists,
               index::flat_search(*view_, queries, dims, {.k = k, .look = look, .skip = own_rows}, pool));
  std::vector<std::uint32_t> out(lists.size() * k, certify::no_row);
  for (std::size_t q = 0; q < lists.size(); ++q)
    for (std::size_t i = 0; i < lists[q].size() && i < k; ++i) out[q * k + i] = lists[q][i].row;
  return out;
}

}  // namespace attar::plan
