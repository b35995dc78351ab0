#include "server/model/compute_backend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir {
namespace {

using testing::HasSubstr;

TEST(InitializeTorchTest, SaysWhatComputesAndFindsNoSlowBlas) {
  const ComputeBackend backend = InitializeTorch();
  EXPECT_THAT(backend.description, HasSubstr("LibTorch "));
  EXPECT_FALSE(backend.slow_blas) << backend.description;
}

}  // namespace
}  // namespace weir
