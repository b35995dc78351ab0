#include "models/evaluate/held_out.h"

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "models/data/fashion_mnist.h"

namespace weir {
namespace {

TEST(HeldOutTest, EveryFamilyHasTenThousandRowsOfItsInput) {
  for (const auto& [family, row_bytes] :
       {std::pair("fashion", 784), std::pair("flats", 14 * 4), std::pair("accidents", 28 * 4)}) {
    const auto held_out = LoadHeldOut(family, kFashionMnistDirectory);
    ASSERT_TRUE(held_out.ok()) << held_out.status();
    EXPECT_EQ(held_out->rows(), 10'000) << family;
    EXPECT_EQ(held_out->row_bytes(), static_cast<size_t>(row_bytes)) << family;
    EXPECT_EQ(held_out->Rows(9'990, 10).size(), 10u * row_bytes) << family;
  }
}

TEST(HeldOutTest, AnUnknownFamilyIsNotFound) {
  const auto held_out = LoadHeldOut("horses", kFashionMnistDirectory);
  EXPECT_TRUE(absl::IsNotFound(held_out.status()));
  EXPECT_EQ(held_out.status().message(), "there are no held-out rows for the family \"horses\"");
}

}  // namespace
}  // namespace weir
