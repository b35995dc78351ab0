// The windows of all models, and how pushes feed them.
#ifndef WEIR_GATEWAY_MODEL_WINDOWS_H_
#define WEIR_GATEWAY_MODEL_WINDOWS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/push.h"
#include "gateway/window.h"

namespace weir {

struct ModelEntry {
  ModelWindows windows;
  uint32_t owners = 0;  // Feeds.
};

// What of a boot's pushes goes into which windows.
struct ModelFeed {
  struct Requests {
    uint32_t index;  // In the dictionary.
    std::map<std::string, ModelEntry>::iterator model;
    bool ok;  // They ended with the code OK.
  };
  struct Durations {
    uint32_t log_linear;  // Which.
    std::map<std::string, ModelEntry>::iterator model;
  };

  std::vector<Requests> requests;
  std::vector<Durations> durations;
};

// Of models whose requests' durations are pushed; requests alone have none. Reading is thread-safe
// while nobody writes.
class ModelWindowsMap {
 public:
  // Lines of /metrics that a model has, with quantiles of its windows.
  static constexpr int64_t kLinesPerModel = kWindowQuantiles.size() * kWindows.size();
  int64_t num_lines() const { return kLinesPerModel * static_cast<int64_t>(models_.size()); }

  // How many lines Connect would add.
  int64_t NewLines(const SeriesDictionary& dictionary) const;

  ModelFeed Connect(const SeriesDictionary& dictionary);
  void Disconnect(ModelFeed& feed);

  // What happened between two pushes of a boot that share a dictionary.
  void AddDifference(absl::Time now, const ModelFeed& feed, const Push& before, const Push& after);

  // The same of any two pushes of a boot. `before` may be null.
  void AddDifference(absl::Time now, const ModelFeed& feed_before, const Push* before,
                     const ModelFeed& feed, const Push& after);

  void Advance(absl::Time now);

  const std::map<std::string, ModelEntry>& models() const { return models_; }

 private:
  std::map<std::string, ModelEntry> models_;  // Those with any feed.
  std::vector<SparseCounts::Entry> scratch_;
};

}  // namespace weir

#endif  // WEIR_GATEWAY_MODEL_WINDOWS_H_
