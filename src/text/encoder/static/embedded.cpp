// The table that the library carries: the bytes of english-1.table, put into it by the assembler.
#include <mutex>
#include <optional>

#include "text/encoder/static/static_encoder.h"

// NOLINTNEXTLINE(hicpp-no-assembler): no compiler of C++23 reads a file of some megabytes into an array in reasonable
// time.
asm(".section .rodata\n"
    ".balign 64\n"
    ".hidden attar_encoder_table\n"
    ".global attar_encoder_table\n"
    "attar_encoder_table:\n"
    ".incbin \"" ATTAR_ENCODER_TABLE
    "\"\n"
    ".hidden attar_encoder_table_end\n"
    ".global attar_encoder_table_end\n"
    "attar_encoder_table_end:\n"
    ".byte 0\n"
    ".previous\n");

extern "C" {
extern const std::byte attar_encoder_table[];
extern const std::byte attar_encoder_table_end[];
}

namespace attar::text {

Result<const StaticEncoder*> embedded_encoder() {
  static std::once_flag once;
  static std::optional<Result<std::unique_ptr<StaticEncoder>>> made;
  std::call_once(once, [] { made.emplace(StaticEncoder::make({attar_encoder_table, attar_encoder_table_end})); });
  if (!*made) return std::unexpected(made->error());
  return (*made)->get();
}

}  // namespace attar::text
