#include "server/model/formats.h"

#include "absl/strings/str_cat.h"
#include "server/model/torchscript_model.h"

namespace weir {
namespace {

struct Format {
  const char* backend;
  LoadModelFn load;
};

constexpr Format kFormats[] = {
    {"pytorch", LoadTorchScriptModel},
};

}  // namespace

absl::StatusOr<std::unique_ptr<Model>> LoadModel(const ModelSettings& settings,
                                                 const std::string& path) {
  for (const Format& format : kFormats) {
    if (settings.backend == format.backend) return format.load(settings, path);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("backend \"", settings.backend, "\" is not supported; expected \"pytorch\""));
}

}  // namespace weir
