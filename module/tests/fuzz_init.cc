// SPDX-License-Identifier: GPL-2.0
//
// fuzz_init - libFuzzer's door to what the guest's init reads of the kernel:
// records of /dev/kmsg, /proc/slabinfo, /proc/meminfo, lists of CPUs, names in
// sysfs, and the host's configuration. Text may be cut anywhere, be binary, or
// not be what it says; a crash or an endless loop is the failure.
#include <string>

#include "../../qemu/init/kmsg.h"
#include "../../qemu/init/text.h"

#ifdef ST_SEEDS
#include <fstream>

int main(int, char **argv)
{
	const char *const seeds[] = {
		"\1" "6,339,5140900,-;slubtorture: begin exts-late\\x0ais it\n SUBSYSTEM=x\n",
		"\2slabinfo - version: 2.1\n# name <active_objs>\nfilp 12 16 256 16 1 : tunables "
		"0 0 0 : slabdata 1 1 0\nkmalloc-64 3 64 64 64 1 : tunables 0 0 0 : slabdata 1 1 0\n",
		"\3MemTotal:  1000 kB\nMemFree: 5 kB\n", "\4" "0-3,8,10-11\n",
		"\5mode=inspect\ninspect=kmalloc-64\nargs=seed=4\ncycles=7\n"};
	int number = 0;
	for (const char *seed : seeds)
		std::ofstream(std::string(argv[1]) + "/init-" + std::to_string(number++),
			      std::ios::binary) << seed;
}
#else
using namespace guest;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	if (!bytes)
		return 0;
	const std::string_view text(reinterpret_cast<const char *>(data) + 1, bytes - 1);
	const std::string_view head = text.substr(0, text.size() / 2), tail = text.substr(head.size());
	switch (data[0] % 6) {
	case 0: (void)prefixed(head, tail); break;
	case 1: (void)log_lines(text); break;
	case 2:
		(void)slab_totals(lowest_slabinfo(head, tail));
		(void)cache_growth(head, tail, 8);
		break;
	case 3: (void)meminfo_kb(text, "MemFree"); break;
	case 4:
		(void)count_list(text);
		(void)is_memory_block(text);
		(void)has_word(text, "memory");
		break;
	default: (void)parse_config(text); break;
	}
	return 0;
}
#endif
