#include "models/train/export.h"

#include <filesystem>

#include "gtest/gtest.h"
#include "models/train/network.h"

namespace weir {
namespace {

constexpr char kImageForward[] = R"(
def forward(self, image):
    x = torch.unsqueeze(image, 1).float()
    return torch.softmax(self.network(x), 1)
)";

// As after training: normalisation that differs from the identity, weights with gradients.
void Disturb(const torch::jit::Module& module) {
  for (torch::Tensor tensor : StateTensors(module)) {
    if (tensor.dim() == 1) tensor.add_(torch::rand_like(tensor));
  }
  for (torch::Tensor tensor : TrainableTensors(module)) tensor.requires_grad_(true);
}

// The network's own answers, scaled outside of it.
torch::Tensor Expected(torch::jit::Module& network, const torch::Tensor& image, double scale) {
  const torch::Tensor x = image.unsqueeze(1).to(torch::kFloat32) * scale;
  return torch::softmax(network.get_method("network")({x}).toTensor(), 1);
}

class ExportTest : public testing::TestWithParam<const char*> {};

TEST_P(ExportTest, TheServedModuleAnswersLikeTheTrainedNetwork) {
  torch::manual_seed(3);
  torch::NoGradGuard no_grad;
  torch::jit::Module network = BuildNetwork(GetParam());
  Disturb(network);
  network.eval();
  const torch::Tensor image = torch::randint(0, 256, {5, 28, 28}).to(torch::kUInt8);
  const torch::Tensor expected = Expected(network, image, 1 / 90.0);

  torch::jit::Module served =
      MakeServedModule(network, {.forward = kImageForward, .input_scale = torch::tensor(1 / 90.0)});
  const torch::Tensor answer = served.forward({image}).toTensor();
  EXPECT_EQ(answer.sizes(), (std::vector<int64_t>{5, 10}));
  EXPECT_TRUE(torch::allclose(answer, expected, 1e-4, 1e-5));
  EXPECT_TRUE(torch::equal(Expected(network, image, 1 / 90.0), expected)) << "network has changed";
}

INSTANTIATE_TEST_SUITE_P(FashionNetworks, ExportTest,
                         testing::Values("fashion-mlp", "fashion-cnn", "fashion-resnet"),
                         [](const auto& info) {
                           std::string name = info.param;
                           name[name.find('-')] = '_';
                           return name;
                         });

TEST(ExportTest, FoldsOffsetsAndScalesOfBothEnds) {
  torch::manual_seed(3);
  torch::NoGradGuard no_grad;
  torch::jit::Module network = BuildNetwork("flats-mlp");
  Signature signature;
  signature.forward = "def forward(self, features):\n    return self.network(features)\n";
  signature.input_offset = torch::rand({14}) * 100;
  signature.input_scale = torch::rand({14}) + 0.1;
  signature.output_offset = torch::tensor(12e6);
  signature.output_scale = torch::tensor(5e6);
  const torch::Tensor features = torch::rand({5, 14}) * 100;
  const torch::Tensor x = (features - signature.input_offset) * signature.input_scale;
  const torch::Tensor expected = network.get_method("network")({x}).toTensor() * 5e6 + 12e6;

  torch::jit::Module served = MakeServedModule(network, signature);
  EXPECT_TRUE(torch::allclose(served.forward({features}).toTensor(), expected, 1e-4, 10));
}

TEST(ExportTest, WritesAFileThatLoadsAndAnswersTheSame) {
  torch::NoGradGuard no_grad;
  torch::jit::Module served =
      MakeServedModule(BuildNetwork("fashion-mlp"), {.forward = kImageForward});
  const std::string path = testing::TempDir() + "/export_test/1/model.pt";
  ASSERT_TRUE(SaveModule(served, path).ok());
  EXPECT_FALSE(std::filesystem::exists(path + ".new"));
  torch::jit::Module loaded = torch::jit::load(path);
  const torch::Tensor image = torch::full({2, 28, 28}, 7, torch::kUInt8);
  EXPECT_TRUE(torch::equal(loaded.forward({image}).toTensor(), served.forward({image}).toTensor()));
}

}  // namespace
}  // namespace weir
