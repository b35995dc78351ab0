#include "models/data/fashion_mnist.h"

#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <initializer_list>
#include <memory>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace weir {
namespace {

// No file of this format that weir reads is larger; a larger claim is a foreign file.
constexpr uint32_t kMaxRows = 1'000'000;

struct GzipClose {
  void operator()(gzFile_s* file) const { gzclose(file); }
};

// An IDX file: a big-endian magic number (0, 0, 8 for bytes, the number of dimensions), the
// dimensions, the bytes.
class IdxReader {
 public:
  static absl::StatusOr<IdxReader> Open(const std::string& path) {
    errno = 0;
    std::unique_ptr<gzFile_s, GzipClose> file(gzopen(path.c_str(), "rb"));
    if (file == nullptr) {
      const int error = errno;
      return absl::ErrnoToStatus(error, absl::StrCat("cannot open ", path));
    }
    return IdxReader(path, std::move(file));
  }

  // Reads the header, whose dimensions after the first must be `shape`, and then every byte.
  absl::StatusOr<std::vector<uint8_t>> Read(std::initializer_list<uint32_t> shape) {
    const uint32_t magic = 0x0801 + static_cast<uint32_t>(shape.size());
    WEIR_RETURN_IF_ERROR(Expect("magic number", magic));
    WEIR_ASSIGN_OR_RETURN(const uint32_t rows, ReadWord());
    if (rows > kMaxRows) return Bad(absl::StrCat("it claims ", rows, " rows"));
    size_t size = rows;
    for (uint32_t dimension : shape) {
      WEIR_RETURN_IF_ERROR(Expect("dimension", dimension));
      size *= dimension;
    }
    std::vector<uint8_t> bytes(size);
    WEIR_RETURN_IF_ERROR(ReadBytes(bytes.data(), size));
    if (gzgetc(file_.get()) != -1) return Bad(absl::StrCat("more than ", size, " bytes of data"));
    return bytes;
  }

 private:
  IdxReader(std::string path, std::unique_ptr<gzFile_s, GzipClose> file)
      : path_(std::move(path)), file_(std::move(file)) {}

  absl::Status Bad(absl::string_view what) const {
    return absl::DataLossError(absl::StrCat(path_, ": ", what));
  }

  absl::Status ReadBytes(uint8_t* into, size_t size) {
    const int read = gzread(file_.get(), into, static_cast<unsigned>(size));
    if (read >= 0 && static_cast<size_t>(read) == size) return absl::OkStatus();
    return Bad(absl::StrCat("truncated: ", size, " bytes expected, ", std::max(read, 0), " came"));
  }

  absl::StatusOr<uint32_t> ReadWord() {
    uint8_t b[4];
    WEIR_RETURN_IF_ERROR(ReadBytes(b, sizeof(b)));
    return uint32_t{b[0]} << 24 | uint32_t{b[1]} << 16 | uint32_t{b[2]} << 8 | b[3];
  }

  absl::Status Expect(absl::string_view what, uint32_t expected) {
    WEIR_ASSIGN_OR_RETURN(const uint32_t value, ReadWord());
    if (value == expected) return absl::OkStatus();
    return Bad(absl::StrCat(what, " ", expected, " expected, ", value, " came"));
  }

  std::string path_;
  std::unique_ptr<gzFile_s, GzipClose> file_;
};

absl::StatusOr<std::vector<uint8_t>> ReadIdx(const std::string& path,
                                             std::initializer_list<uint32_t> shape) {
  WEIR_ASSIGN_OR_RETURN(IdxReader reader, IdxReader::Open(path));
  return reader.Read(shape);
}

}  // namespace

absl::StatusOr<FashionImages> ReadFashionMnist(const std::string& directory, FashionSplit split) {
  const std::string prefix =
      absl::StrCat(directory, "/", split == FashionSplit::kTrain ? "train" : "t10k");
  const std::string labels_path = prefix + "-labels-idx1-ubyte.gz";
  FashionImages images;
  WEIR_ASSIGN_OR_RETURN(images.pixels,
                        ReadIdx(prefix + "-images-idx3-ubyte.gz", {kFashionSide, kFashionSide}));
  WEIR_ASSIGN_OR_RETURN(images.labels, ReadIdx(labels_path, {}));
  if (images.labels.size() * kFashionPixels != images.pixels.size()) {
    return absl::DataLossError(absl::StrCat(labels_path, ": ", images.labels.size(), " labels for ",
                                            images.pixels.size() / kFashionPixels, " images"));
  }
  for (uint8_t label : images.labels) {
    if (label >= kFashionLabels.size()) {
      return absl::DataLossError(absl::StrCat(labels_path, ": label ", int{label}));
    }
  }
  return images;
}

}  // namespace weir
