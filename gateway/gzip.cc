#include "gateway/gzip.h"

#include <libdeflate.h>

#include <memory>
#include <new>
#include <string>

namespace weir {

void Gzip(const PageText& page, TextBuffer& out) {
  const std::string text = page.ToString();
  struct Free {
    void operator()(libdeflate_compressor* compressor) const {
      libdeflate_free_compressor(compressor);
    }
  };
  const std::unique_ptr<libdeflate_compressor, Free> compressor(libdeflate_alloc_compressor(1));
  if (compressor == nullptr) throw std::bad_alloc();
  const size_t bound = libdeflate_gzip_compress_bound(compressor.get(), text.size());
  char* const begin = out.Room(bound);
  out.SetEnd(begin +
             libdeflate_gzip_compress(compressor.get(), text.data(), text.size(), begin, bound));
}

}  // namespace weir
