// For tests: a directory of their own, deleted with what is in it.
#ifndef WEIR_SERVER_STATS_STATS_DIRECTORY_H_
#define WEIR_SERVER_STATS_STATS_DIRECTORY_H_

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace weir {

class StatsDirectory {
 public:
  StatsDirectory() {
    std::string path = testing::TempDir() + "/stats-XXXXXX";
    path_ = mkdtemp(path.data());
  }
  ~StatsDirectory() { std::filesystem::remove_all(path_); }
  StatsDirectory(const StatsDirectory&) = delete;
  StatsDirectory& operator=(const StatsDirectory&) = delete;

  const std::string& path() const { return path_; }

  std::vector<std::string> Files(absl::string_view suffix) const {
    std::vector<std::string> paths;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) {
      if (absl::EndsWith(entry.path().string(), suffix)) paths.push_back(entry.path().string());
    }
    return paths;
  }

  // Fails the test if there is not just one.
  std::string OnlyFile(absl::string_view suffix) const {
    const std::vector<std::string> files = Files(suffix);
    EXPECT_EQ(files.size(), 1u);
    return files.empty() ? "" : files[0];
  }

 private:
  std::string path_;
};

}  // namespace weir

#endif  // WEIR_SERVER_STATS_STATS_DIRECTORY_H_
