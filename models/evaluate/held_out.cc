#include "models/evaluate/held_out.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "models/data/accidents.h"
#include "models/data/fashion_mnist.h"
#include "models/data/flats.h"

namespace weir {
namespace {

HeldOut FromTable(Table table) {
  return {.input = std::string(reinterpret_cast<const char*>(table.features.data()),
                               table.features.size() * sizeof(float)),
          .truth = std::move(table.truth)};
}

}  // namespace

absl::StatusOr<HeldOut> LoadHeldOut(std::string_view family, const std::string& fashion_directory) {
  if (family == "fashion") {
    WEIR_ASSIGN_OR_RETURN(const FashionImages images,
                          ReadFashionMnist(fashion_directory, FashionSplit::kTest));
    return HeldOut{.input = std::string(images.pixels.begin(), images.pixels.end()),
                   .truth = std::vector<float>(images.labels.begin(), images.labels.end())};
  }
  if (family == "flats") return FromTable(GenerateFlats(kFlatsHeldOutRows, kFlatsHeldOutSeed));
  if (family == "accidents") {
    return FromTable(GenerateAccidents(kAccidentsHeldOutRows, kAccidentsHeldOutSeed));
  }
  return absl::NotFoundError(
      absl::StrCat("there are no held-out rows for the family \"", std::string(family), "\""));
}

}  // namespace weir
