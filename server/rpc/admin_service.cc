#include "server/rpc/admin_service.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/names.h"
#include "server/model/model_settings.h"
#include "server/model/servable.h"
#include "server/rpc/messages.h"
#include "server/rpc/unary_call.h"
#include "weir/v1/admin.pb.h"

namespace weir {
namespace {

// Names of directories and the words of libraries may be anything; a protobuf string may not.
std::string ToUtf8(const std::string& text) { return IsUtf8(text) ? text : absl::CHexEscape(text); }

v1::VersionState::State ToProto(LoadState state) {
  switch (state) {
    case LoadState::kLoading:
      return v1::VersionState::LOADING;
    case LoadState::kReady:
      return v1::VersionState::READY;
    case LoadState::kUnloading:
      return v1::VersionState::UNLOADING;
    case LoadState::kFailed:
      return v1::VersionState::FAILED;
    case LoadState::kUnloaded:
      return v1::VersionState::UNLOADED;
  }
  return v1::VersionState::STATE_UNSPECIFIED;
}

void ToProto(const ServableCounts& counts, v1::VersionCounts& out) {
  out.set_executed_rows(counts.executed_rows);
  out.set_executed_batches(counts.executed_batches);
  out.set_expired_executed_rows(counts.expired_executed_rows);
  out.set_failed_rows(counts.failed_rows);
  out.set_queue_full_rows(counts.queue_full_rows);
  out.set_unreachable_deadline_rows(counts.unreachable_deadline_rows);
  out.set_expired_rows(counts.expired_rows);
  out.set_cancelled_rows(counts.cancelled_rows);
  out.set_queued_rows(counts.queued_rows);
}

void ToProto(const ModelStatus& model, v1::ModelState& out) {
  out.set_name(ToUtf8(model.name));
  out.set_reason(ToUtf8(model.reason));
  out.set_load_failures(model.load_failures);
  for (const VersionStatus& version : model.versions) {
    v1::VersionState& state = *out.add_versions();
    state.set_version(version.version);
    state.set_state(ToProto(version.state));
    state.set_reason(ToUtf8(version.reason));
    state.set_execution(version.execution);
    if (!version.execution.empty()) ToProto(version.counts, *state.mutable_counts());
  }
}

template <typename Tensors>
void ToProto(const std::vector<TensorSpec>& specs, Tensors& out) {
  for (const TensorSpec& spec : specs) {
    v1::TensorDescription& tensor = *out.Add();
    tensor.set_name(ToUtf8(spec.name));
    tensor.set_data_type(spec.type);
    tensor.mutable_dims()->Add(spec.dims.begin(), spec.dims.end());
    for (const std::string& label : spec.labels) tensor.add_labels(ToUtf8(label));
  }
}

void ToProto(const ModelSettings& settings, v1::ModelDescription& out) {
  out.set_name(ToUtf8(settings.name));
  out.set_family(ToUtf8(settings.family));
  out.set_variant(ToUtf8(settings.variant));
  out.set_max_batch_size(settings.max_batch_rows);
  ToProto(settings.inputs, *out.mutable_inputs());
  ToProto(settings.outputs, *out.mutable_outputs());
  if (settings.slo_latency != absl::InfiniteDuration()) {
    out.set_slo_latency_us(absl::ToInt64Microseconds(settings.slo_latency));
  }
  for (const auto& [metric, value] : settings.quality) {
    (*out.mutable_quality())[ToUtf8(metric)] = value;
  }
}

void ToProto(const Catalog& catalog, const ModelStatus& model, v1::ModelState& out) {
  ToProto(model, out);
  const absl::StatusOr<std::shared_ptr<Servable>> newest = catalog.Find(model.name, 0);
  if (newest.ok()) ToProto((*newest)->settings(), *out.mutable_description());
}

template <typename Response>
void ListModelsIn(const Catalog& catalog, Response& response) {
  for (const ModelStatus& model : catalog.List()) ToProto(catalog, model, *response.add_models());
}

// What could never be the name of a model's directory. Whether it is one is the repository's to
// know: it makes no path of a name that it has not seen among the directories.
absl::Status CheckName(const std::string& name) {
  if (name.empty()) return absl::InvalidArgumentError("name is empty");
  if (name == "." || name == ".." || absl::string_view(name).find('/') != name.npos) {
    return absl::InvalidArgumentError(absl::StrCat("\"", Printable(name), "\" is a path"));
  }
  return absl::OkStatus();
}

// What tells one method from another: its messages, its name, and what it does. `response` lives
// until `done` has been called.
struct ListModels {
  using Request = v1::ListModelsRequest;
  using Response = v1::ListModelsResponse;
  static constexpr char kPath[] = "/weir.v1.Admin/ListModels";

  static void Run(Repository& repository, const Request& /*request*/, Response& response,
                  Repository::Done done) {
    ListModelsIn(repository.catalog(), response);
    std::move(done)(absl::OkStatus());
  }
};

struct LoadModel {
  using Request = v1::LoadModelRequest;
  using Response = v1::LoadModelResponse;
  static constexpr char kPath[] = "/weir.v1.Admin/LoadModel";

  static void Run(Repository& repository, const Request& request, Response& response,
                  Repository::Done done) {
    if (const absl::Status status = CheckName(request.name()); !status.ok()) {
      return std::move(done)(status);
    }
    repository.Load(request.name(), [&repository, &request, &response,
                                     done = std::move(done)](const absl::Status& status) mutable {
      const Catalog& catalog = repository.catalog();
      const std::optional<ModelStatus> model = catalog.Describe(request.name());
      if (model.has_value()) ToProto(catalog, *model, *response.mutable_model());
      std::move(done)(status);
    });
  }
};

struct UnloadModel {
  using Request = v1::UnloadModelRequest;
  using Response = v1::UnloadModelResponse;
  static constexpr char kPath[] = "/weir.v1.Admin/UnloadModel";

  static void Run(Repository& repository, const Request& request, Response& /*response*/,
                  Repository::Done done) {
    if (const absl::Status status = CheckName(request.name()); !status.ok()) {
      return std::move(done)(status);
    }
    repository.Unload(request.name(), std::move(done));
  }
};

struct ReloadRepository {
  using Request = v1::ReloadRepositoryRequest;
  using Response = v1::ReloadRepositoryResponse;
  static constexpr char kPath[] = "/weir.v1.Admin/ReloadRepository";

  static void Run(Repository& repository, const Request& /*request*/, Response& response,
                  Repository::Done done) {
    repository.Reload(
        [&repository, &response, done = std::move(done)](const absl::Status& status) mutable {
          ListModelsIn(repository.catalog(), response);
          std::move(done)(status);
        });
  }
};

}  // namespace

template <typename Method>
class AdminCall : public UnaryCall {
 public:
  AdminCall(AdminService& service, CallLoop& loop)
      : UnaryCall(loop, service.gate_), service_(service) {}

 private:
  bool Read(absl::string_view request) override {
    const absl::Status status = Parse(request, request_);
    if (!status.ok()) Answer(status, {});
    return status.ok();
  }

  bool Begin() override {
    // The answer may be out, and the call gone, before Run returns.
    Method::Run(service_.repository_, request_, response_,
                [this](const absl::Status& status) { Answer(status, Serialize(response_)); });
    return false;
  }

  AdminService& service_;
  typename Method::Request request_;
  typename Method::Response response_;
};

void AdminService::AddTo(CallLoop& loop, Methods& methods) {
  const auto add = [&](auto method) {
    using Method = decltype(method);
    methods.Add(Method::kPath, [this, &loop] { return new AdminCall<Method>(*this, loop); });
  };
  add(ListModels());
  add(LoadModel());
  add(UnloadModel());
  add(ReloadRepository());
}

}  // namespace weir
