// A model repository that a test changes while a server serves it.
#ifndef WEIR_TESTS_CHANGING_REPOSITORY_H_
#define WEIR_TESTS_CHANGING_REPOSITORY_H_

#include <string>

namespace weir {

// In a directory of the running test's own. Paths are relative to it.
class ChangingRepository {
 public:
  ChangingRepository();

  // Puts a model that ships with weir there. Only small batches of it are warmed up, so that
  // loading takes a moment and not seconds.
  void Add(const std::string& model);

  // Makes a version of `model` out of the first version of a model that ships with weir. It appears
  // as a whole.
  void AddVersion(const std::string& model, int version, const std::string& shipped_model);

  void Write(const std::string& path, const std::string& text);
  void Touch(const std::string& path);
  void Remove(const std::string& path);

  const std::string& root() const { return root_; }
  std::string Path(const std::string& path) const { return root_ + "/" + path; }

 private:
  const std::string root_;
};

}  // namespace weir

#endif  // WEIR_TESTS_CHANGING_REPOSITORY_H_
