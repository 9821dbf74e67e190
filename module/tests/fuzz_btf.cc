// SPDX-License-Identifier: GPL-2.0
//
// fuzz_btf - libFuzzer's door to what reads type information: any blob is
// opened, learned from and described. A blob may lie; reading outside of it or
// not coming back is the failure. `make fuzz` builds and runs it.
#include <vector>

#include "../core/layout.h"

#ifdef ST_SEEDS
#include <fstream>

#include "kernel_shapes.h"

// Writes every kernel shape as a file to begin from: DIR/0, DIR/1, ...
int main(int, char **argv)
{
	int number = 0;
	for (const st::test::Shape &shape : st::test::all_shapes()) {
		const std::vector<st::u8> blob = st::test::ShapeBtf(shape).blob();
		std::ofstream file(std::string(argv[1]) + "/" + std::to_string(number++),
				   std::ios::binary);
		file.write(reinterpret_cast<const char *>(blob.data()), std::streamsize(blob.size()));
	}
}
#else
extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	using namespace st;
	const Span<const u8> blob(data, bytes);
	std::vector<u32> index(Btf::count_types(blob) + 1);
	Btf btf;
	if (btf.open(blob, Span<u32>(index.data(), index.size())))
		return 0;
	for (s32 codetags : {-1, 1}) {
		Layout layout;
		layout.learn(btf, codetags);
		layout.describe([](void *, const char *, size_t) {}, nullptr);
	}
	return 0;
}
#endif
