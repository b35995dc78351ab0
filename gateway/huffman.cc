#include "gateway/huffman.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>
#include <vector>

namespace weir {
namespace {

constexpr int kMaxLength = 15;

// How deep each leaf lies in the tree of the least total depth. `weights` ascend.
std::vector<int> Depths(const std::vector<uint64_t>& weights) {
  const size_t leaves = weights.size();
  // Leaves, then inner nodes in the order of their weights: two queues, no heap.
  std::vector<uint64_t> weight = weights;
  std::vector<size_t> parent(2 * leaves - 1);
  size_t leaf = 0;
  size_t inner = leaves;
  const auto take = [&] {
    const bool is_leaf = inner == weight.size() || (leaf < leaves && weight[leaf] <= weight[inner]);
    return is_leaf ? leaf++ : inner++;
  };
  while (weight.size() < 2 * leaves - 1) {
    const size_t a = take();
    const size_t b = take();
    parent[a] = parent[b] = weight.size();
    weight.push_back(weight[a] + weight[b]);
  }
  std::vector<int> depth(weight.size(), 0);
  for (size_t i = weight.size() - 1; i-- > 0;) depth[i] = depth[parent[i]] + 1;
  depth.resize(leaves);
  return depth;
}

uint16_t Reversed(uint32_t bits, int length) {
  uint32_t reversed = 0;
  for (int i = 0; i < length; ++i) reversed |= (bits >> i & 1) << (length - 1 - i);
  return static_cast<uint16_t>(reversed);
}

}  // namespace

void MakeHuffmanCodes(absl::Span<const uint32_t> counts, absl::Span<HuffmanCode> codes) {
  std::vector<std::pair<uint64_t, size_t>> symbols;
  for (size_t i = 0; i < counts.size(); ++i) {
    symbols.emplace_back(std::max<uint64_t>(counts[i], 1), i);
  }
  std::sort(symbols.begin(), symbols.end());
  // A tree that is too deep becomes flatter when the rare ones weigh more.
  std::vector<int> depths;
  for (uint64_t at_least = 1;; at_least *= 2) {
    std::vector<uint64_t> weights;
    for (const auto& [count, symbol] : symbols) weights.push_back(std::max(count, at_least));
    depths = Depths(weights);
    if (*std::max_element(depths.begin(), depths.end()) <= kMaxLength) break;
  }
  std::array<uint32_t, kMaxLength + 2> of_length = {};
  for (size_t i = 0; i < symbols.size(); ++i) {
    codes[symbols[i].second].length = static_cast<uint8_t>(depths[i]);
    ++of_length[depths[i] + 1];
  }
  // Codes of one length follow each other by symbol.
  std::array<uint32_t, kMaxLength + 2> next = {};
  for (int length = 1; length <= kMaxLength; ++length) {
    next[length] = (next[length - 1] + of_length[length]) << 1;
  }
  for (HuffmanCode& code : codes) code.bits = Reversed(next[code.length]++, code.length);
}

}  // namespace weir
