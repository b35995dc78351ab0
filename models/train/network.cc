#include "models/train/network.h"

#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace weir {
namespace {

// Normal with the variance that keeps the scale of activations through a ReLU (He et al. 2015).
torch::Tensor InitialWeight(c10::IntArrayRef shape) {
  const double inputs = static_cast<double>(c10::multiply_integers(shape.slice(1)));
  return torch::randn(shape) * std::sqrt(2 / inputs);
}

void WriteConvBlock(NetworkWriter& net, int inputs, int outputs, int stride = 1) {
  net.Conv(inputs, outputs, /*kernel=*/3, stride);
  net.BatchNorm(outputs);
  net.Relu();
}

void WriteResidualBlock(NetworkWriter& net, int channels) {
  net.Save("shortcut");
  WriteConvBlock(net, channels, channels);
  WriteConvBlock(net, channels, channels);
  net.Add("shortcut");
}

// One hidden layer.
void WriteFashionMlp(NetworkWriter& net) {
  net.Flatten();
  net.Linear(784, 128);
  net.Relu();
  net.Linear(128, 10);
}

// Four convolutions, the first three of which halve the image.
void WriteFashionCnn(NetworkWriter& net) {
  WriteConvBlock(net, 1, 16);
  net.MaxPool(2);
  WriteConvBlock(net, 16, 32);
  net.MaxPool(2);
  WriteConvBlock(net, 32, 64);
  net.MaxPool(2);
  net.Flatten();
  net.Linear(64 * 4 * 4, 10);
}

// Four convolutions that widen, a residual block after each of the last three.
void WriteFashionResNet(NetworkWriter& net) {
  WriteConvBlock(net, 1, 16);
  WriteConvBlock(net, 16, 48);
  net.MaxPool(2);
  WriteResidualBlock(net, 48);
  WriteConvBlock(net, 48, 96);
  net.MaxPool(2);
  WriteResidualBlock(net, 96);
  WriteConvBlock(net, 96, 192);
  net.MaxPool(2);
  WriteResidualBlock(net, 192);
  net.GlobalMaxPool();
  net.Linear(192, 10);
}

// Three hidden layers.
void WriteFlatsMlp(NetworkWriter& net) {
  net.Linear(14, 64);
  net.Relu();
  net.Linear(64, 64);
  net.Relu();
  net.Linear(64, 32);
  net.Relu();
  net.Linear(32, 1);
}

}  // namespace

NetworkWriter::NetworkWriter() : module_("weir.Network") {
  module_.register_attribute("training", c10::BoolType::get(), true);
  source_ = "def network(self, x):\n";
}

void NetworkWriter::Line(const std::string& line) { absl::StrAppend(&source_, "    ", line, "\n"); }

std::string NetworkWriter::Name(const std::string& what) const {
  return absl::StrFormat("layer%02d_%s", layers_, what);
}

void NetworkWriter::Linear(int inputs, int outputs) {
  ++layers_;
  module_.register_parameter(Name("weight"), InitialWeight({outputs, inputs}), /*is_buffer=*/false);
  module_.register_parameter(Name("bias"), torch::zeros({outputs}), /*is_buffer=*/false);
  Line(absl::StrFormat("x = torch.linear(x, self.%s, self.%s)", Name("weight"), Name("bias")));
}

void NetworkWriter::Conv(int inputs, int outputs, int kernel, int stride) {
  ++layers_;
  module_.register_parameter(Name("weight"), InitialWeight({outputs, inputs, kernel, kernel}),
                             /*is_buffer=*/false);
  Line(absl::StrFormat("x = torch.conv2d(x, self.%s, None, [%d, %d], [%d, %d])", Name("weight"),
                       stride, stride, kernel / 2, kernel / 2));
}

void NetworkWriter::BatchNorm(int channels) {
  ++layers_;
  module_.register_parameter(Name("weight"), torch::ones({channels}), /*is_buffer=*/false);
  module_.register_parameter(Name("bias"), torch::zeros({channels}), /*is_buffer=*/false);
  module_.register_parameter(Name("mean"), torch::zeros({channels}), /*is_buffer=*/true);
  module_.register_parameter(Name("variance"), torch::ones({channels}), /*is_buffer=*/true);
  Line(
      absl::StrFormat("x = torch.batch_norm(x, self.%s, self.%s, self.%s, self.%s, self.training, "
                      "0.1, 1e-5, False)",
                      Name("weight"), Name("bias"), Name("mean"), Name("variance")));
}

void NetworkWriter::Relu() { Line("x = torch.relu(x)"); }

void NetworkWriter::MaxPool(int size) {
  Line(absl::StrFormat("x = torch.max_pool2d(x, [%d, %d], [%d, %d], [0, 0], [1, 1], True)", size,
                       size, size, size));
}

void NetworkWriter::GlobalMaxPool() { Line("x = torch.amax(x, [2, 3])"); }

void NetworkWriter::Flatten() { Line("x = torch.flatten(x, 1)"); }

void NetworkWriter::Save(const std::string& name) { Line(name + " = x"); }

void NetworkWriter::Add(const std::string& name) { Line("x = x + " + name); }

torch::jit::Module NetworkWriter::Finish() {
  Line("return x");
  module_.define(source_);
  return std::move(module_);
}

torch::jit::Module BuildNetwork(const std::string& name) {
  NetworkWriter net;
  if (name == "fashion-mlp") {
    WriteFashionMlp(net);
  } else if (name == "fashion-cnn") {
    WriteFashionCnn(net);
  } else if (name == "fashion-resnet") {
    WriteFashionResNet(net);
  } else {
    TORCH_CHECK(name == "flats-mlp", "no network is called ", name);
    WriteFlatsMlp(net);
  }
  return net.Finish();
}

std::vector<torch::Tensor> TrainableTensors(const torch::jit::Module& module) {
  std::vector<torch::Tensor> tensors;
  for (torch::Tensor tensor : module.parameters()) tensors.push_back(tensor);
  return tensors;
}

std::vector<torch::Tensor> StateTensors(const torch::jit::Module& module) {
  std::vector<torch::Tensor> tensors = TrainableTensors(module);
  for (torch::Tensor tensor : module.buffers()) tensors.push_back(tensor);
  return tensors;
}

}  // namespace weir
