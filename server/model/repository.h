// The models of a directory tree, kept in line with it while requests run.
#ifndef WEIR_SERVER_MODEL_REPOSITORY_H_
#define WEIR_SERVER_MODEL_REPOSITORY_H_

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/model/catalog.h"
#include "server/model/managed_model.h"
#include "server/model/reconciler.h"
#include "server/model/repository_inbox.h"

namespace weir {

// Thread-safe. One thread of its own carries out every change, one after the other: the models at
// the start, the operators' commands, what polling finds. It also destroys what was replaced, once
// the last request that holds it is done. Loading itself is left to a thread of low priority. A
// model that does not load is reported and disturbs no other.
class Repository {
 public:
  struct Options {
    std::string root;
    std::vector<std::string> models;  // Empty: all of the repository, also those that come later.
    absl::Duration poll_interval = absl::ZeroDuration();  // Zero: look for changes on demand only.
  };

  // Called exactly once: on the repository's thread, or with UNAVAILABLE on that of Stop or of a
  // caller after it.
  using Done = RepositoryInbox::Done;

  // An error if the root cannot be read, or if a named model is not in it. Loads nothing yet.
  static absl::StatusOr<std::unique_ptr<Repository>> Open(Options options,
                                                          MakeServable make_servable);

  ~Repository();  // Stop and Join; what nobody holds is destroyed.

  // Begins to load, to poll and to obey; once. On the repository's thread, `on_change` is called
  // whenever what of a model can answer may have changed, and `on_loaded` when all models have been
  // tried: FAILED_PRECONDITION if none of them can answer, UNAVAILABLE after Stop.
  void Start(std::function<void(const ModelStatus&)> on_change, Done on_loaded);

  // From now on nothing changes any more, but for the load that is running; does not wait for it.
  // All commands are answered with UNAVAILABLE. What serves goes on serving.
  void Stop() { inbox_->Close(); }

  // Waits, after Stop, for the load that is running: nothing is called back any more. From one
  // thread.
  void Join();

  // See Reconciler for what they do. They return at once.
  void Load(absl::string_view model, Done done);
  void Unload(absl::string_view model, Done done);
  void Reload(Done done);

  const Catalog& catalog() const { return catalog_; }
  absl::StatusOr<std::shared_ptr<Servable>> Find(absl::string_view model, int64_t version) const {
    return catalog_.Find(model, version);
  }

 private:
  Repository(Options options, MakeServable make_servable);

  void Run(Done on_loaded);
  void LoadEntered(Done on_loaded);
  void Obey(RepositoryInbox::Command command);
  void Poll();
  // Destroys what nobody uses any more.
  void Bury(std::vector<RetiredLoad> loads);

  const Options options_;
  const std::shared_ptr<RepositoryInbox> inbox_ = std::make_shared<RepositoryInbox>();
  Catalog catalog_;
  std::function<void(const ModelStatus&)> on_change_;  // Set before the thread starts.
  // Once the thread runs, they are for it alone.
  Reconciler reconciler_;
  absl::Status last_poll_;
  std::thread thread_;
};

}  // namespace weir

#endif  // WEIR_SERVER_MODEL_REPOSITORY_H_
