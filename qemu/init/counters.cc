// SPDX-License-Identifier: GPL-2.0
//
// counters - see counters.h.
#include "counters.h"

#include "system.h"
#include "text.h"

#include <dirent.h>

namespace guest {
namespace {

constexpr const char *kSlabCaches = "/sys/kernel/slab";
constexpr unsigned kSettleMost = 100;
constexpr unsigned kSettleMs = 100; // several RCU grace periods each

// Writes 1 to every cache's `shrink`: partial slabs and per-CPU stocks go
// back, so that what is left in the counts is what is really in use.
void shrink_caches()
{
	DIR *dir = opendir(kSlabCaches);
	if (!dir)
		return;
	while (const dirent *entry = readdir(dir))
		if (entry->d_type == DT_DIR) // links are second names of merged caches
			(void)write_file(std::string(kSlabCaches) + "/" + entry->d_name + "/shrink", "1");
	closedir(dir);
}

// /proc/slabinfo once nothing is freed any more; see Looks. On one CPU, since
// every CPU that opens a file stocks sheaves of its own again.
std::string settle()
{
	Looks looks;
	run_on_first_cpu(true);
	for (unsigned round = 0; round < kSettleMost && !looks.settled(); round++) {
		(void)write_file("/proc/sys/vm/drop_caches", "3");
		shrink_caches();
		sleep_ms(kSettleMs);
		looks.take(read_file("/proc/slabinfo"));
	}
	run_on_first_cpu(false);
	return looks.lowest();
}

// "1216	0	9223372036854775807": files that are open, in all
uint64_t open_files()
{
	const std::string text = read_file("/proc/sys/fs/file-nr");
	return parse_number(text.substr(0, text.find_first_not_of("0123456789"))).value_or(0);
}

} // namespace

std::string report_counters(Channel &out, const std::string &when)
{
	const std::string slabinfo = settle();
	const std::string meminfo = read_file("/proc/meminfo");
	const SlabTotals slabs = slab_totals(slabinfo);
	for (const char *name : {"SUnreclaim", "SReclaimable", "Percpu", "KernelStack", "MemFree"})
		out.fact(when + "." + name + "_kb", meminfo_kb(meminfo, name).value_or(0));
	out.fact(when + ".files", open_files());
	out.fact(when + ".caches", slabs.caches);
	out.fact(when + ".active_objects", slabs.active_objects);
	out.fact(when + ".slabs", slabs.slabs);
	return slabinfo;
}

} // namespace guest
