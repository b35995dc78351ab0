// Whether two servers around the same model say the same.
#ifndef WEIR_BENCH_SAME_ANSWERS_H_
#define WEIR_BENCH_SAME_ANSWERS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "bench/image_inputs.h"
#include "bench/python_load.h"
#include "bench/server_under_test.h"

namespace weir {

// Asks both about the first of `inputs`, the Python service at each of `paths`. An error where
// probabilities differ by more than rounding.
absl::Status CheckSameAnswers(const ServerUnderTest& server, PythonLoad& python,
                              const std::vector<std::string>& paths,
                              const std::vector<ImageInput>& inputs);

}  // namespace weir

#endif  // WEIR_BENCH_SAME_ANSWERS_H_
