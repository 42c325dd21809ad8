// make_plan() and pack(): from a file of vectors to a chosen plan, and to the artifact that carries it.
#include "attar/pack.h"

#include <fmt/format.h>

#include "data/text_lines.h"
#include "engine/input.h"
#include "engine/packing.h"
#include "format/ids.h"

namespace attar {
namespace {

Result<std::vector<std::byte>> encode_ids(const std::filesystem::path& path, std::uint64_t rows) {
  if (path.empty()) return std::vector<std::byte>{};
  ATTAR_ASSIGN(const auto ids, data::read_ids(path, rows));
  base::MemorySink sink;
  format::IdsWriter writer(sink);
  for (const std::string& id : ids) ATTAR_TRY(writer.append(id));
  ATTAR_TRY(writer.finish());
  return std::move(sink).release();
}

Result<filter::Meta> read_attributes(const PackOptions& options, std::uint64_t rows, Progress& progress) {
  if (!options.meta.empty())
    return filter::read_meta({.path = options.meta, .fields = options.meta_fields, .sorted = options.meta_sorted}, rows,
                             progress);
  if (!options.meta_fields.empty() || !options.meta_sorted.empty())
    return fail(ErrorCode::invalid_argument,
                "fields of attributes were named, but no file of them; name it, as with --meta");
  return filter::Meta{};
}

Result<engine::Material> gather(const std::filesystem::path& input, const PackOptions& options, base::ThreadPool& pool,
                                Progress& progress) {
  engine::Material out;
  ATTAR_ASSIGN(out.base, engine::open_base(input, options.input, options.metric, pool, progress));
  const data::VectorSource& rows = *out.base.rows;
  if (rows.rows() > OpenLimits{}.max_rows || rows.dims() > OpenLimits{}.max_dims)
    return fail(ErrorCode::over_limit,
                fmt::format("{}: {} rows of {} dimensions; one artifact holds at most {} rows of {}", rows.name(),
                            rows.rows(), rows.dims(), OpenLimits{}.max_rows, OpenLimits{}.max_dims));
  ATTAR_ASSIGN(out.ids, encode_ids(options.ids, rows.rows()));
  ATTAR_ASSIGN(out.meta, read_attributes(options, rows.rows(), progress));
  ATTAR_ASSIGN(out.queries,
               engine::pack_queries(options.queries, options.input.field, rows, options.metric, options.seed, pool));
  return out;
}

Result<PlanOutcome> run(const std::filesystem::path& input, const std::filesystem::path& output,
                        const PackOptions& options) {
  ATTAR_TRY(engine::check_pack(options, output));
  base::ThreadPool pool(options.threads);
  Progress& progress = engine::or_silent(options.progress);
  engine::Packing packing(output, options, pool, progress);
  ATTAR_ASSIGN(engine::Material material, gather(input, options, pool, progress));
  return packing.run(std::move(material));
}

}  // namespace

Result<PlanOutcome> make_plan(const std::filesystem::path& input, const PackOptions& options) {
  return run(input, {}, options);
}

Result<PlanOutcome> pack(const std::filesystem::path& input, const std::filesystem::path& output,
                         const PackOptions& options) {
  if (output.empty()) return fail(ErrorCode::invalid_argument, "name the file to write, such as docs.attar");
  return run(input, output, options);
}

}  // namespace attar
