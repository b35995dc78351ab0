// One model of the repository over time: which loads of its versions serve, which failed, and which
// are on their way out.
#ifndef WEIR_SERVER_MODEL_MANAGED_MODEL_H_
#define WEIR_SERVER_MODEL_MANAGED_MODEL_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/model/catalog.h"
#include "server/model/model_directory.h"
#include "server/model/servable.h"

namespace weir {

// Loads version `version` of a model from the file at `path`, and warms it up.
using MakeServable = std::function<absl::StatusOr<std::shared_ptr<Servable>>(
    ModelSettings settings, int64_t version, const std::string& path)>;

// A load that nobody uses any more, on its way to the thread that shall destroy it.
struct RetiredLoad {
  std::string model;
  int64_t load_id = 0;
  std::shared_ptr<Servable> servable;
};

// What the models of a repository share.
struct ModelHooks {
  MakeServable make_servable;
  // Called on whatever thread gives back a replaced servable last; must be thread-safe.
  std::function<void(RetiredLoad)> retire;
  std::function<bool()> stopping;  // Asked before each load.
  // After each change to what can answer, or to why something cannot.
  std::function<void(const ModelStatus&)> on_change;
};

// For one thread. All it does is published in the catalog as it happens.
class ManagedModel {
 public:
  enum class Scope { kChanged, kAll };

  // `catalog` and `hooks` must outlive the model.
  ManagedModel(std::string name, std::string directory, Catalog& catalog, const ModelHooks& hooks);

  // Serves what `found`, the directory as it is now, and its configuration ask for: loads aside the
  // versions that are new or whose files changed since they were last tried (with kAll, each one),
  // then switches in one step. Where a load fails, its version goes on as it was before; while a
  // version that is asked for does not serve at all, those that served before it go on too. An
  // error tells what failed, UNAVAILABLE that it was told to stop.
  absl::Status Update(const ModelDirectory& found, Scope scope);

  // Takes note of why the directory cannot be read. What serves goes on.
  absl::Status CannotRead(const absl::Status& why);

  // Stops serving: because an operator wants it, or because the model is no longer in the
  // repository.
  void Unload() { Leave(Catalog::Absence::kUnloaded); }
  void Remove() { Leave(Catalog::Absence::kRemoved); }

  // A load that was retired is destroyed.
  void Forget(int64_t load_id);

  // Whether `found` is the directory as it was when Update last saw it.
  bool IsAsTried(const ModelDirectory& found) const { return tried_ == found; }
  bool unloaded() const { return absence_ == Catalog::Absence::kUnloaded; }
  bool removed() const { return absence_ == Catalog::Absence::kRemoved; }

 private:
  // A version as it was last tried.
  struct Load {
    FileFingerprints settings_files;
    FileFingerprints files;
    std::string reason;                  // Why that failed, else empty.
    int64_t load_id = 0;                 // Of the servable.
    std::shared_ptr<Servable> servable;  // From then, or from an earlier try; may be null.
    absl::Time loaded;                   // When the servable was, by the calendar.
    absl::Duration load_duration;
  };

  struct LeavingLoad {
    int64_t version = 0;
    int64_t load_id = 0;
    std::weak_ptr<const Servable> servable;
  };

  absl::StatusOr<std::vector<int64_t>> SelectFrom(const ModelDirectory& found,
                                                  const ModelSettings& settings) const;
  bool IsTried(int64_t version, const ModelDirectory& found) const;
  Load Try(int64_t version, const ModelDirectory& found, const ModelSettings& settings);
  void Switch(const std::vector<int64_t>& selected, std::map<int64_t, Load> tried);
  void Replace(std::map<int64_t, Load> next);
  void Leave(Catalog::Absence absence);
  absl::Status Refuse(const absl::Status& why);
  absl::Status Failures() const;
  void CountFailure(const std::string& subject, const std::string& reason);
  void Publish(const std::vector<int64_t>& loading = {});
  Catalog::Model Describe(const std::vector<int64_t>& loading) const;
  ModelStatus Announce();

  const std::string name_;
  const std::string directory_;
  Catalog& catalog_;
  const ModelHooks& hooks_;

  std::optional<ModelDirectory> tried_;  // By Update.
  std::map<int64_t, Load> loads_;
  std::vector<LeavingLoad> leaving_;
  std::vector<int64_t> unloaded_versions_;  // What was served before Unload.
  Catalog::Absence absence_ = Catalog::Absence::kLoading;
  std::string reason_;
  int64_t load_failures_ = 0;
  int64_t last_load_id_ = 0;
};

}  // namespace weir

#endif  // WEIR_SERVER_MODEL_MANAGED_MODEL_H_
