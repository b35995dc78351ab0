// Runs each task alone and at once, on the thread that brings it.
#ifndef WEIR_SERVER_BATCHING_DIRECT_SERVABLE_H_
#define WEIR_SERVER_BATCHING_DIRECT_SERVABLE_H_

#include <cstdint>
#include <memory>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "server/model/model.h"
#include "server/model/servable.h"

namespace weir {

class DirectServable : public Servable {
 public:
  using Load =
      absl::FunctionRef<absl::StatusOr<std::unique_ptr<Model>>(const ModelSettings& settings)>;

  // Calls `load` once, with settings that live as long as the servable.
  static absl::StatusOr<std::shared_ptr<Servable>> Create(ModelSettings settings, int64_t version,
                                                          Load load);

  const ModelSettings& settings() const override { return settings_; }
  int64_t version() const override { return version_; }
  void Submit(Task task) override;
  ServableCounts counts() const override { return {}; }
  std::string Description() const override { return "direct"; }

 private:
  DirectServable(ModelSettings settings, int64_t version)
      : settings_(std::move(settings)), version_(version) {}

  const ModelSettings settings_;
  const int64_t version_;
  std::unique_ptr<Model> model_;  // Set once, by Create.
};

}  // namespace weir

#endif  // WEIR_SERVER_BATCHING_DIRECT_SERVABLE_H_
