#include "filter/column_copy.h"

#include "filter/support.h"

namespace attar::filter {
namespace {

constexpr ColumnType types[] = {ColumnType::integer, ColumnType::floating, ColumnType::boolean, ColumnType::date,
                                ColumnType::time,    ColumnType::string,   ColumnType::strings};

TEST(ColumnCopy, SomeRowsAreWhatAColumnOfThemAloneWouldBe) {
  base::Random random(5);
  for (const ColumnType type : types)
    for (const bool nulls : {false, true})
      for (const std::size_t rows : {1u, 64u, 300u}) {
        SCOPED_TRACE(testing::Message() << type_name(type) << ", " << rows << " rows, nulls " << nulls);
        const Plain plain = random_column(random, type, rows, nulls, 70'000);
        const auto bytes = plain.section();
        const auto column = Column::open(section_of(bytes), rows);
        ASSERT_TRUE(column);
        Plain left{.name = plain.name, .type = type, .sorted = plain.sorted};
        std::vector<std::uint32_t> numbers;
        for (std::uint32_t row = 0; row < rows; ++row) {
          if (row + 1 < rows && random.below(3) == 0) continue;
          numbers.push_back(row);
          if (is_numeric(type)) left.keys.push_back(plain.keys[row]);
          if (type == ColumnType::string) left.strings.push_back(plain.strings[row]);
          if (type == ColumnType::strings) left.lists.push_back(plain.lists[row]);
        }
        const auto copied = copy_column(*column, numbers);
        ASSERT_TRUE(copied) << copied.error().describe();
        EXPECT_EQ(*copied, left.section());
      }
}

}  // namespace
}  // namespace attar::filter
