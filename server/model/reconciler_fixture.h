// A reconciler of fake models for tests, on the test's own thread.
#ifndef WEIR_SERVER_MODEL_RECONCILER_FIXTURE_H_
#define WEIR_SERVER_MODEL_RECONCILER_FIXTURE_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "server/model/catalog.h"
#include "server/model/reconciler.h"
#include "server/model/repository_fixture.h"

namespace weir {

inline constexpr char kAll[] = "version_policy { all {} }";

// What is retired waits for Bury.
class ReconcilerTest : public testing::Test {
 protected:
  void Open(const std::vector<std::string>& models = {}) {
    reconciler_ = std::make_unique<Reconciler>(
        disk_.root(), models, catalog_,
        ModelHooks{.make_servable = loader_.Make(),
                   .retire = [this](RetiredLoad load) { retired_.push_back(std::move(load)); },
                   .stopping = [this] { return stopping_; },
                   .on_change =
                       [this](const ModelStatus& model) {
                         changes_.push_back(absl::StrCat(
                             model.name, ":", absl::StrJoin(model.ReadyVersions(), ",")));
                       }});
  }

  void OpenAndLoad(const std::vector<std::string>& models = {}) {
    Open(models);
    ASSERT_TRUE(reconciler_->Enter().ok());
    reconciler_->LoadEntered();
    loader_.loaded.clear();
    changes_.clear();
  }

  void Bury() {
    for (const RetiredLoad& load : std::exchange(retired_, {})) {
      reconciler_->Forget(load.model, load.load_id);
    }
  }

  void Reload() { EXPECT_TRUE(reconciler_->Reload().ok()); }
  void Poll() { EXPECT_TRUE(reconciler_->Poll().ok()); }
  std::string State(const std::string& model) { return Show(catalog_, model); }
  std::shared_ptr<Servable> Hold(const std::string& model) { return *catalog_.Find(model, 0); }

  RepositoryOnDisk disk_;
  FakeLoader loader_{disk_};
  std::vector<RetiredLoad> retired_;  // Outlives what may still be retired.
  Catalog catalog_;
  std::vector<std::string> changes_;  // "model:ready versions"
  bool stopping_ = false;
  std::unique_ptr<Reconciler> reconciler_;
};

}  // namespace weir

#endif  // WEIR_SERVER_MODEL_RECONCILER_FIXTURE_H_
