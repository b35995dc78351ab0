#include "models/train/checkpoint.h"

#include <torch/script.h>
#include <torch/serialize.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace weir {
namespace {

void WriteTensors(torch::serialize::OutputArchive& archive, const std::string& name,
                  const std::vector<torch::Tensor>& tensors) {
  for (size_t i = 0; i < tensors.size(); ++i) archive.write(absl::StrCat(name, i), tensors[i]);
}

absl::StatusOr<std::vector<torch::Tensor>> ReadTensors(torch::serialize::InputArchive& archive,
                                                       const std::string& name,
                                                       const std::vector<torch::Tensor>& like) {
  std::vector<torch::Tensor> tensors(like.size());
  for (size_t i = 0; i < like.size(); ++i) {
    archive.read(absl::StrCat(name, i), tensors[i]);
    if (tensors[i].sizes() != like[i].sizes()) {
      return absl::FailedPreconditionError(
          absl::StrCat("it is of another network (", name, i, "); remove it to start anew"));
    }
  }
  return tensors;
}

void CopyTensors(const std::vector<torch::Tensor>& from, const std::vector<torch::Tensor>& to) {
  torch::NoGradGuard no_grad;
  for (size_t i = 0; i < from.size(); ++i) to[i].copy_(from[i]);
}

absl::Status ReadState(torch::serialize::InputArchive& archive, TrainingState& state,
                       torch::optim::Optimizer& optimizer) {
  c10::IValue value;
  const auto read = [&](const char* name) {
    archive.read(name, value);
    return value;
  };
  if (read("steps").toInt() != state.steps || read("seed").toInt() != state.seed) {
    return absl::FailedPreconditionError(
        "it is of a run with another number of steps or another seed; remove it to start anew");
  }
  WEIR_ASSIGN_OR_RETURN(auto current, ReadTensors(archive, "current", state.current));
  WEIR_ASSIGN_OR_RETURN(auto averaged, ReadTensors(archive, "averaged", state.averaged));
  WEIR_ASSIGN_OR_RETURN(auto best, ReadTensors(archive, "best", state.best));
  torch::serialize::InputArchive optimizer_archive;
  archive.read("optimizer", optimizer_archive);
  optimizer.load(optimizer_archive);
  state.step = read("step").toInt();
  state.seconds = read("seconds").toDouble();
  state.best_validation = read("best_validation").toDouble();
  state.best_epoch = read("best_epoch").toInt();
  CopyTensors(current, state.current);
  CopyTensors(averaged, state.averaged);
  CopyTensors(best, state.best);
  return absl::OkStatus();
}

}  // namespace

absl::Status SaveCheckpoint(const std::string& path, const TrainingState& state,
                            const torch::optim::Optimizer& optimizer) {
  const std::string temporary = path + ".new";
  try {
    torch::serialize::OutputArchive archive;
    archive.write("steps", c10::IValue(state.steps));
    archive.write("seed", c10::IValue(state.seed));
    archive.write("step", c10::IValue(state.step));
    archive.write("seconds", c10::IValue(state.seconds));
    archive.write("best_validation", c10::IValue(state.best_validation));
    archive.write("best_epoch", c10::IValue(state.best_epoch));
    WriteTensors(archive, "current", state.current);
    WriteTensors(archive, "averaged", state.averaged);
    WriteTensors(archive, "best", state.best);
    torch::serialize::OutputArchive optimizer_archive;
    optimizer.save(optimizer_archive);
    archive.write("optimizer", optimizer_archive);
    archive.save_to(temporary);
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("cannot write ", temporary, ": ", error.what()));
  }
  if (std::rename(temporary.c_str(), path.c_str()) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot replace ", path));
  }
  return absl::OkStatus();
}

absl::Status LoadCheckpoint(const std::string& path, TrainingState& state,
                            torch::optim::Optimizer& optimizer) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return absl::NotFoundError(path);
  try {
    torch::serialize::InputArchive archive;
    archive.load_from(path);
    const absl::Status status = ReadState(archive, state, optimizer);
    if (status.ok()) return status;
    return absl::Status(status.code(), absl::StrCat(path, ": ", status.message()));
  } catch (const std::exception& exception) {
    return absl::DataLossError(absl::StrCat("cannot read ", path, ": ", exception.what()));
  }
}

}  // namespace weir
