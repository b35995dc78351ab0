#include "server/http2/decompress.h"

#include <zlib.h>

#include <algorithm>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"

namespace weir {
namespace {

constexpr absl::string_view kIdentity = "identity";
constexpr absl::string_view kDeflate = "deflate";
constexpr absl::string_view kGzip = "gzip";

}  // namespace

bool IsAcceptedEncoding(absl::string_view encoding) {
  return encoding == kIdentity || encoding == kDeflate || encoding == kGzip;
}

absl::StatusOr<std::string> Decompress(absl::string_view bytes, absl::string_view encoding,
                                       size_t max_bytes) {
  if (encoding != kGzip && encoding != kDeflate) {
    return absl::InternalError("a message is compressed, but the call's encoding is identity");
  }
  constexpr int kWindowBits = 15;
  constexpr int kGzipHeader = 16;
  z_stream stream{};
  if (inflateInit2(&stream, encoding == kGzip ? kWindowBits + kGzipHeader : kWindowBits) != Z_OK) {
    return absl::ResourceExhaustedError("no memory to unpack a message");
  }
  const absl::Cleanup end = [&stream] { inflateEnd(&stream); };
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  std::string unpacked;
  constexpr size_t kFirstBytes = 4096;
  while (true) {
    const size_t size = unpacked.size();
    // One byte more than is allowed shows that there are more.
    unpacked.resize(std::min(std::max(2 * size, kFirstBytes), max_bytes + 1));
    stream.next_out = reinterpret_cast<Bytef*>(&unpacked[size]);
    stream.avail_out = static_cast<uInt>(unpacked.size() - size);
    const int result = inflate(&stream, Z_NO_FLUSH);
    unpacked.resize(unpacked.size() - stream.avail_out);
    if (unpacked.size() > max_bytes) {
      return absl::ResourceExhaustedError(
          absl::StrCat("a message is larger than ", max_bytes, " bytes when it is unpacked"));
    }
    if (result == Z_STREAM_END) return unpacked;
    if (result != Z_OK || (stream.avail_in == 0 && stream.avail_out > 0)) {
      return absl::InvalidArgumentError(absl::StrCat("a message is not what ", encoding, " makes"));
    }
  }
}

}  // namespace weir
