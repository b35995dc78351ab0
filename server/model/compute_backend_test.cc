#include "server/model/compute_backend.h"

#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <thread>

namespace weir {
namespace {

using testing::HasSubstr;

TEST(InitializeTorchTest, SaysWhatComputesAndFindsNoSlowBlas) {
  const ComputeBackend backend = InitializeTorch();
  EXPECT_THAT(backend.description, HasSubstr("LibTorch "));
  EXPECT_FALSE(backend.slow_blas) << backend.description;
}

TEST(InitializeTorchTest, MayBeCalledAgain) {
  EXPECT_EQ(InitializeTorch().description, InitializeTorch().description);
}

TEST(InitializeTorchTest, BoundsWhatIsKeptForEachShape) {
  InitializeTorch();
  EXPECT_STREQ(getenv("LRU_CACHE_CAPACITY"), "128");
  // Not there in a LibTorch that has oneDNN inside.
  const auto capacity =
      reinterpret_cast<int (*)(int*)>(dlsym(RTLD_DEFAULT, "dnnl_get_primitive_cache_capacity"));
  if (capacity == nullptr) GTEST_SKIP();
  int primitives = 0;
  capacity(&primitives);
  EXPECT_EQ(primitives, 3072);
}

TEST(SetThreadsWithinOperationsTest, OnlyTheCallingThreadChanges) {
  InitializeTorch();
  EXPECT_EQ(at::get_num_threads(), 1);
  std::thread([] {
    SetThreadsWithinOperations(2);
    EXPECT_EQ(at::get_num_threads(), 2);
    std::thread([] { EXPECT_EQ(at::get_num_threads(), 1); }).join();
    SetThreadsWithinOperations(1);
    EXPECT_EQ(at::get_num_threads(), 1);
  }).join();
  EXPECT_EQ(at::get_num_threads(), 1);
}

}  // namespace
}  // namespace weir
