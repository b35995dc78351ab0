// Brings what is served in line with what lies in the repository: decides which models to load, to
// change and to drop. What one model then does is in managed_model.h.
#ifndef WEIR_SERVER_MODEL_RECONCILER_H_
#define WEIR_SERVER_MODEL_RECONCILER_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/model/catalog.h"
#include "server/model/managed_model.h"
#include "server/model/model_directory.h"

namespace weir {

// For one thread. Every method returns when its work is done; UNAVAILABLE says that it was told to
// stop by hooks.stopping before that.
class Reconciler {
 public:
  // `models`: those to serve, or all of the repository if empty. `catalog` must outlive it.
  Reconciler(std::string root, std::vector<std::string> models, Catalog& catalog, ModelHooks hooks);

  // Enters the models to serve into the catalog, as loading. An error if the repository cannot be
  // read or lacks one of those that are named.
  absl::Status Enter();

  // Loads what was entered. What fails is in the catalog.
  void LoadEntered();

  // Carries out what has changed on disk: models that are new (if all are to be served) or gone,
  // versions that came or went, files that were written. An unloaded model is left alone, and what
  // failed is tried again only when its files have changed. An error only if the repository cannot
  // be read, and then nothing is done.
  absl::Status Reload() { return Look(/*settled_only=*/false); }

  // The same, but only for what is as it was at the poll before: files that are being copied wait.
  absl::Status Poll() { return Look(/*settled_only=*/true); }

  // Loads a model of the repository, or loads it anew. NOT_FOUND if there is none of that name,
  // FAILED_PRECONDITION with the reason if anything of it fails.
  absl::Status Load(absl::string_view model);

  // Stops serving a model, until Load. NOT_FOUND if it was not served.
  absl::Status Unload(absl::string_view model);

  // The servable of a load that was handed to hooks.retire is destroyed.
  void Forget(absl::string_view model, int64_t load_id);

 private:
  // A directory at the last poll, or none; while it waits to settle.
  using Seen = std::optional<ModelDirectory>;

  absl::Status Look(bool settled_only);
  absl::Status LookAt(const std::string& name, bool present, bool settled_only);
  bool IsWanted(const std::string& name) const;
  absl::StatusOr<ModelDirectory> Read(const std::string& name) const;
  absl::Status Update(const std::string& name, ManagedModel::Scope scope);
  ManagedModel& GetOrAdd(const std::string& name);

  const std::string root_;
  const std::vector<std::string> models_to_serve_;
  Catalog& catalog_;
  const ModelHooks hooks_;
  // Once here, a model stays: its failures are counted from the start of the server on.
  std::map<std::string, std::unique_ptr<ManagedModel>, std::less<>> models_;
  std::map<std::string, Seen> unsettled_;
};

}  // namespace weir

#endif  // WEIR_SERVER_MODEL_RECONCILER_H_
