// The models of a directory tree and which of their versions can answer:
//
//   <root>/<model>/config.pbtxt
//   <root>/<model>/<version>/model.pt
#ifndef WEIR_SERVER_MODEL_REPOSITORY_H_
#define WEIR_SERVER_MODEL_REPOSITORY_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "server/model/servable.h"

namespace weir {

// Thread-safe. A model that does not load is reported and disturbs no other.
class Repository {
 public:
  // Makes version `version` of a model out of the file at `path`.
  using MakeServable = std::function<absl::StatusOr<std::shared_ptr<Servable>>(
      ModelSettings settings, int64_t version, const std::string& path)>;

  enum class State { kLoading, kReady, kFailed };

  struct ModelStatus {
    std::string name;
    State state = State::kLoading;
    std::vector<int64_t> versions;  // Those that can answer, ascending.
    std::string error;              // Why a model failed, or why some of its versions did.
  };

  // Finds the models below `root`: those named in `models`, or all of them if that is empty. An
  // error if the root is no directory, or if a named model is not in it. Loads nothing yet.
  static absl::StatusOr<std::unique_ptr<Repository>> Open(const std::string& root,
                                                          const std::vector<std::string>& models,
                                                          MakeServable make_servable);

  // Loads every model, one after the other, and calls `on_loaded` after each with its new status.
  void Load(const std::function<void(const ModelStatus&)>& on_loaded) ABSL_LOCKS_EXCLUDED(mu_);

  // Makes Load return after the model that it is at. From any thread.
  void StopLoading() ABSL_LOCKS_EXCLUDED(mu_);

  // The named version, or the newest one if `version` is 0. NOT_FOUND if it is not served here,
  // UNAVAILABLE if its model is loading or failed to load. A caller keeps a servable alive for as
  // long as it holds it, so that a version can be replaced while requests run.
  absl::StatusOr<std::shared_ptr<Servable>> Find(absl::string_view model, int64_t version) const
      ABSL_LOCKS_EXCLUDED(mu_);

  // In the order of their names.
  std::vector<ModelStatus> List() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Entry {
    State state = State::kLoading;
    std::map<int64_t, std::shared_ptr<Servable>> versions;
    std::string error;
  };

  Repository(std::string root, MakeServable make_servable);

  Entry LoadModel(const std::string& name) const;
  static ModelStatus Describe(const std::string& name, const Entry& entry);

  const std::string root_;
  const MakeServable make_servable_;
  mutable absl::Mutex mu_;
  bool stop_loading_ ABSL_GUARDED_BY(mu_) = false;
  // The names are fixed by Open.
  std::map<std::string, Entry, std::less<>> models_ ABSL_GUARDED_BY(mu_);
};

}  // namespace weir

#endif  // WEIR_SERVER_MODEL_REPOSITORY_H_
