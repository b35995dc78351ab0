// What it costs to judge an answer: bazel run //loadgen/inputs:request_set_benchmark
#include <cstdlib>
#include <iostream>
#include <string>

#include "absl/strings/str_format.h"
#include "base/clock.h"
#include "loadgen/inputs/request_set.h"
#include "loadgen/inputs/test_models.h"
#include "weir/v1/predictor.pb.h"

namespace weir {
namespace {

constexpr int kAnswers = 2'000'000;

// As servers give it.
std::string Answer(const v1::ModelDescription& model, int rows) {
  v1::PredictResponse response;
  response.mutable_model()->set_name(model.name());
  response.mutable_model()->set_version(1);
  if (model.family() == "fashion") {
    v1::Classification& classification = *response.add_classifications();
    classification.set_output_name(model.outputs(0).name());
    for (int row = 0; row < rows; ++row) {
      v1::ScoredClass& best = *classification.add_rows()->add_classes();
      best.set_index(9);
      best.set_label("Ankle boot");
      best.set_score(0.987);
    }
  } else {
    v1::Tensor& output = *response.add_outputs();
    output.set_name(model.outputs(0).name());
    output.set_data_type(v1::TYPE_FP32);
    output.add_shape(rows);
    output.add_shape(1);
    for (int row = 0; row < rows; ++row) output.mutable_data()->append("\0\0\x80\x4b", 4);
  }
  v1::Timings& timings = *response.mutable_timings();
  timings.set_queue_ns(12'345);
  timings.set_assemble_ns(1'234);
  timings.set_inference_ns(23'456);
  timings.set_total_ns(45'678);
  timings.set_batch_rows(rows);
  return response.SerializeAsString();
}

void Measure(const v1::ModelDescription& model, int rows) {
  v1::LoadTraffic traffic;
  traffic.set_rows(rows);
  const absl::StatusOr<RequestSet> set = RequestSet::Create(traffic, model, {});
  if (!set.ok()) {
    std::cerr << set.status() << "\n";
    std::exit(1);
  }
  const std::string answer = Answer(model, rows);
  Quality quality;
  const int answers = kAnswers / rows;
  const absl::Time begin = MonotonicNow();
  for (int i = 0; i < answers; ++i) set->Judge(i % set->size(), answer, quality);
  const double ns = absl::ToDoubleNanoseconds(MonotonicNow() - begin) / answers;
  std::cout << absl::StrFormat("%-14s %2d rows: %6.1f ns an answer, %5.1f ns a row\n", model.name(),
                               rows, ns, ns / rows);
}

}  // namespace
}  // namespace weir

int main() {
  for (const weir::v1::ModelDescription& model : {weir::FashionModel(), weir::FlatsModel()}) {
    for (const int rows : {1, 8, 64}) weir::Measure(model, rows);
  }
}
