// The text of any file that calls itself config.pbtxt.
#include <cstddef>
#include <cstdint>

#include "server/model/model_settings.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const auto settings = weir::ParseModelConfig(text, "fuzz", "fuzz/config.pbtxt");
  if (settings.ok()) {
    weir::SelectVersions(settings->version_policy, {1, 2, 3}).status().IgnoreError();
  }
  return 0;
}
