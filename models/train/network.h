// Networks written down once, as TorchScript: the module that is trained is the module that is
// exported, so the two cannot drift apart.
#ifndef WEIR_MODELS_TRAIN_NETWORK_H_
#define WEIR_MODELS_TRAIN_NETWORK_H_

#include <torch/script.h>

#include <string>
#include <vector>

namespace weir {

// Writes a network layer by layer: each call adds the layer's parameters, with their initial
// values drawn from torch's generator, and one line of TorchScript. Every layer works on the
// current value, which starts as the network's input. Not thread-safe.
class NetworkWriter {
 public:
  NetworkWriter();

  // Fully connected, with bias.
  void Linear(int inputs, int outputs);
  // `kernel` x `kernel`, padded so that stride 1 keeps the size; without bias, so Norm follows.
  void Conv(int inputs, int outputs, int kernel, int stride);
  void BatchNorm(int channels);
  void Relu();
  void MaxPool(int size);              // Windows of size x size, side by side; a rest is padded.
  void GlobalMaxPool();                // [N, C, H, W] -> [N, C].
  void Flatten();                      // [N, ...] -> [N, features].
  void Save(const std::string& name);  // Names the current value,
  void Add(const std::string& name);   // to be added to the current one later.

  // The module, with one method so far: `network(self, x)`. Parameters are named in the order of
  // the layers: `layer01_weight`, `layer01_bias`, ... Leaves the writer empty.
  torch::jit::Module Finish();

 private:
  // A name for a new layer's parameter.
  std::string Name(const std::string& what) const;
  void Line(const std::string& line);

  torch::jit::Module module_;
  std::string source_;
  int layers_ = 0;
};

// The named network with its initial weights: "fashion-mlp", "fashion-cnn", "fashion-resnet" or
// "flats-mlp". Throws c10::Error for another name.
torch::jit::Module BuildNetwork(const std::string& name);

// The trainable parameters, and all tensors that make up the state (running means too), in the
// order of the layers.
std::vector<torch::Tensor> TrainableTensors(const torch::jit::Module& module);
std::vector<torch::Tensor> StateTensors(const torch::jit::Module& module);

}  // namespace weir

#endif  // WEIR_MODELS_TRAIN_NETWORK_H_
