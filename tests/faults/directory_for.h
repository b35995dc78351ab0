// Where programs that are run as tests, and by hand, put their files.
#ifndef WEIR_TESTS_FAULTS_DIRECTORY_FOR_H_
#define WEIR_TESTS_FAULTS_DIRECTORY_FOR_H_

#include <cstdlib>
#include <filesystem>
#include <string>

namespace weir {

// What the environment variable says, as Bazel sets it for tests, or else `otherwise`. Makes it.
inline std::string DirectoryFor(const char* variable, const std::string& otherwise) {
  const char* const given = std::getenv(variable);
  std::string directory = given != nullptr ? given : otherwise;
  std::filesystem::create_directories(directory);
  return directory;
}

}  // namespace weir

#endif  // WEIR_TESTS_FAULTS_DIRECTORY_FOR_H_
