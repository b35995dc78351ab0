// Which versions of which models can answer, and what is known of the others.
#ifndef WEIR_SERVER_MODEL_CATALOG_H_
#define WEIR_SERVER_MODEL_CATALOG_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/model/servable.h"

namespace weir {

// What has become of one load of a version.
enum class LoadState {
  kLoading,
  kReady,
  kUnloading,  // Takes no more requests and finishes those that it has.
  kFailed,
  kUnloaded,  // On an operator's demand.
};

struct VersionStatus {
  int64_t version = 0;
  LoadState state = LoadState::kLoading;
  // Why it failed. Of a ready version: why its changed files could not be loaded; it serves as it
  // was before.
  std::string reason;
  std::string execution;  // Servable::Description of a version that is loaded.
  ServableCounts counts;
};

struct ModelStatus {
  // Ascending. A version stands here twice while one load of it takes over from another.
  std::vector<int64_t> ReadyVersions() const;

  std::string name;
  std::vector<VersionStatus> versions;
  std::string reason;         // Why the last change to the model as a whole was refused.
  int64_t load_failures = 0;  // Of versions and configurations, since the server started.
};

// Thread-safe. Requests read it; only the repository's thread writes.
class Catalog {
 public:
  // One load of one version.
  struct Version {
    int64_t number = 0;
    LoadState state = LoadState::kLoading;
    std::string reason;
    std::shared_ptr<Servable> servable;       // Of one that is ready.
    std::weak_ptr<const Servable> unloading;  // Of one that finishes what it has.
    absl::Time loaded;                        // By the calendar, of one that is ready.
    absl::Duration load_duration;
  };

  // Why a model does not answer at a time when none of its versions is ready.
  enum class Absence { kLoading, kFailed, kUnloaded, kRemoved };

  struct Model {
    std::vector<Version> versions;  // Ascending.
    Absence absence = Absence::kLoading;
    std::string reason;
    int64_t load_failures = 0;
  };

  // The named version, or the newest ready one if `version` is 0. NOT_FOUND if it is not served
  // here, UNAVAILABLE if it is loading, failed to load or was unloaded. A caller keeps a servable
  // alive for as long as it holds it, so that a version can be replaced while requests run.
  absl::StatusOr<std::shared_ptr<Servable>> Find(absl::string_view model, int64_t version) const
      ABSL_LOCKS_EXCLUDED(mu_);

  // All that is known, by the names.
  std::map<std::string, Model, std::less<>> Models() const ABSL_LOCKS_EXCLUDED(mu_);

  bool Has(absl::string_view model) const ABSL_LOCKS_EXCLUDED(mu_);

  // In the order of their names.
  std::vector<ModelStatus> List() const ABSL_LOCKS_EXCLUDED(mu_);
  std::optional<ModelStatus> Describe(absl::string_view model) const ABSL_LOCKS_EXCLUDED(mu_);

  // Replaces all that is known of a model, in one step: a request finds what was before or what is
  // now, never something between or nothing.
  void Publish(const std::string& name, Model model) ABSL_LOCKS_EXCLUDED(mu_);
  void Remove(absl::string_view name) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  mutable absl::Mutex mu_;
  std::map<std::string, Model, std::less<>> models_ ABSL_GUARDED_BY(mu_);
};

}  // namespace weir

#endif  // WEIR_SERVER_MODEL_CATALOG_H_
