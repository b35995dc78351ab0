#include "tests/faults/prometheus.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(PrometheusTest, ACounterThatBeganAnewWentOnFromZero) {
  EXPECT_EQ(IncreaseOver({}), 0);
  EXPECT_EQ(IncreaseOver({7}), 0) << "what came before is not known";
  EXPECT_EQ(IncreaseOver({7, 7, 9}), 2);
  EXPECT_EQ(IncreaseOver({7, 9, 1, 4}), 6);
  EXPECT_EQ(IncreaseOver({7, 9, 0, 0}), 2);
}

}  // namespace
}  // namespace weir
