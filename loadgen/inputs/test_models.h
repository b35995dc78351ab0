// Descriptions of models, and traffic to them, for tests.
#ifndef WEIR_LOADGEN_INPUTS_TEST_MODELS_H_
#define WEIR_LOADGEN_INPUTS_TEST_MODELS_H_

#include <cstdlib>
#include <string>

#include "google/protobuf/text_format.h"
#include "weir/v1/admin.pb.h"
#include "weir/v1/load_scenario.pb.h"

namespace weir {

template <typename Message>
Message FromText(const std::string& text) {
  Message message;
  if (!google::protobuf::TextFormat::ParseFromString(text, &message)) abort();
  return message;
}

inline v1::LoadTraffic Traffic(const std::string& text) { return FromText<v1::LoadTraffic>(text); }

inline v1::ModelDescription Model(const std::string& text) {
  return FromText<v1::ModelDescription>(text);
}

inline v1::ModelDescription FashionModel() {
  return Model(R"(name: "fashion-fast" family: "fashion" max_batch_size: 64
                  inputs { name: "image" data_type: TYPE_UINT8 dims: 28 dims: 28 }
                  outputs { name: "probabilities" data_type: TYPE_FP32 dims: 10 labels: "Coat" })");
}

inline v1::ModelDescription FlatsModel() {
  return Model(R"(name: "flats-price" family: "flats" max_batch_size: 64
                  inputs { name: "features" data_type: TYPE_FP32 dims: 14 }
                  outputs { name: "price" data_type: TYPE_FP32 dims: 1 })");
}

}  // namespace weir

#endif  // WEIR_LOADGEN_INPUTS_TEST_MODELS_H_
