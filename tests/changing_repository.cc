#include "tests/changing_repository.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/files.h"
#include "tests/serving_fixture.h"

namespace weir {
namespace {

namespace fs = std::filesystem;

// The folders that a test sees are made of links.
fs::path Shipped(const std::string& path) {
  return fs::canonical(absl::StrCat(kShippedModels, "/", path));
}

}  // namespace

ChangingRepository::ChangingRepository()
    : root_(absl::StrCat(testing::TempDir(), "/",
                         testing::UnitTest::GetInstance()->current_test_info()->name())) {
  fs::remove_all(root_);
  fs::create_directories(root_);
}

void ChangingRepository::Add(const std::string& model) {
  fs::copy(Shipped(model + "/config.pbtxt").parent_path(), Path(model),
           fs::copy_options::recursive);
  const std::string config = *ReadFile(Path(model + "/config.pbtxt"));
  Write(model + "/config.pbtxt",
        absl::StrReplaceAll(config, {{"max_batch_size: 64", "max_batch_size: 4"}}));
}

void ChangingRepository::AddVersion(const std::string& model, int version,
                                    const std::string& shipped_model) {
  const std::string aside = absl::StrCat(Path(model), "/.aside");
  fs::remove_all(aside);
  fs::create_directories(aside);
  fs::copy_file(Shipped(shipped_model + "/1/model.pt"), aside + "/model.pt");
  fs::rename(aside, absl::StrCat(Path(model), "/", version));
}

void ChangingRepository::Write(const std::string& path, const std::string& text) {
  fs::create_directories(fs::path(Path(path)).parent_path());
  std::ofstream(Path(path)) << text;
}

void ChangingRepository::Touch(const std::string& path) {
  fs::last_write_time(Path(path), fs::file_time_type::clock::now());
}

void ChangingRepository::Remove(const std::string& path) { fs::remove_all(Path(path)); }

}  // namespace weir
