// What a family of series may be called and be like.
#ifndef WEIR_GATEWAY_FAMILY_CHECK_H_
#define WEIR_GATEWAY_FAMILY_CHECK_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "gateway/series_dictionary.h"

namespace weir {

// Sets the type and merge rule from v1.MetricType and v1.GaugeMerge.
absl::Status SetTypes(int type, int merge, SeriesDictionary::Family& family);

// Names are names, and the gateway's own are free; what the catalogue has is as it has it.
absl::Status CheckFamily(const SeriesDictionary::Family& family, const DictionaryLimits& limits);

absl::Status CheckLabelValue(const SeriesDictionary::Family& family, absl::string_view name,
                             absl::string_view value, const DictionaryLimits& limits);

}  // namespace weir

#endif  // WEIR_GATEWAY_FAMILY_CHECK_H_
