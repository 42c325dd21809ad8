// Original vectors, from the user's file or from the artifact itself, as one kind of source.
#include <fmt/format.h>

#include "engine/artifact_state.h"

namespace attar::engine {
namespace {

// Rows kept in an artifact, decoded as they are read.
class KeptRows final : public data::VectorSource {
 public:
  explicit KeptRows(const Artifact::State& state) : state_(state), name_(state.reader.path() + " (originals)") {}

  std::uint64_t rows() const noexcept override { return state_.schema.rows; }
  std::uint32_t dims() const noexcept override { return state_.schema.dims; }
  data::ElementType element() const noexcept override { return data::ElementType::f32; }
  const std::string& name() const noexcept override { return name_; }
  Status read(std::uint64_t first, std::span<float> out) const override {
    const codec::Range range{first, first + out.size() / dims()};
    ATTAR_TRY(state_.originals->view->verify(range));
    return state_.originals->view->decode(range, out);
  }

 private:
  const Artifact::State& state_;
  std::string name_;
};

}  // namespace

Result<std::unique_ptr<data::VectorSource>> originals_of(const Artifact::State& state,
                                                         const std::filesystem::path& base, const InputOptions& input) {
  if (base.empty()) {
    if (state.originals) {
      state.expect_scans();
      return std::make_unique<KeptRows>(state);
    }
    return fail(ErrorCode::invalid_argument,
                "this needs the original vectors: name their file with --base, or pack with --keep-originals f16");
  }
  ATTAR_ASSIGN(auto source, data::open_vectors(base, {.field = input.field, .format = input.format}));
  if (source->rows() != state.schema.rows || source->dims() != state.schema.dims)
    return std::unexpected(Error{
        .code = ErrorCode::invalid_data,
        .message = fmt::format("holds {} rows of {} dimensions, the artifact {} of {}; name the file that was packed",
                               source->rows(), source->dims(), state.schema.rows, state.schema.dims),
        .file = source->name()});
  return source;
}

}  // namespace attar::engine
