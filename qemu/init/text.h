/* SPDX-License-Identifier: GPL-2.0 */
/*
 * text - reads the small texts a guest is made of: the run's configuration,
 * CPU lists, /proc/meminfo and /proc/slabinfo. Pure: it opens no file and
 * prints nothing, so that host tests can try every line of it.
 */
#ifndef GUEST_INIT_TEXT_H
#define GUEST_INIT_TEXT_H

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace guest {

enum class Mode { Bare, Run, Cycles, Kunit, Turns, Inspect, Churn, Soak, Kselftest };

/* What the host asks of this guest. Every member has the value it takes when
 * the configuration is silent about it. */
struct Config {
	Mode mode = Mode::Run;
	std::string module;       /* name as rmmod knows it; empty: load nothing */
	std::string follow;       /* file that is read to its end and sent out */
	std::string args;         /* module parameters */
	std::string cut_args;     /* the same for loads removed in mid-run */
	std::string other;        /* a second module, which takes turns with it */
	std::string other_follow; /* file that makes it work, and is sent out */
	std::string other_args;
	uint32_t turns = 1;
	uint32_t cycles = 200;
	uint32_t cut_max_ms = 1500; /* longest life of a load removed in mid-run */
	uint64_t seed = 1;
	std::string inspect;      /* cache to be shown; empty: the list of them */
	std::string workload;     /* shell command beside the module; empty: none */
	uint32_t workload_ms = 4000; /* its longest life */
	std::string show;         /* files sent before the module goes, by commas */
	uint32_t node = 1;        /* whose memory blocks go and come */
	uint32_t points = 10;     /* of a soak: stretches between which is counted */
	uint32_t leaks = 0;       /* files that its control leaves open in each */
	uint32_t seconds = 2;     /* of the kselftest program */
	bool rescue = false;
	std::string channel = "/dev/ttyS1"; /* where verdicts leave the guest */
	std::string console = "/dev/ttyS0"; /* where a rescue shell is talked to */
	std::string problem;      /* first line that could not be understood */
};

Config parse_config(std::string_view text);

std::optional<uint64_t> parse_number(std::string_view text);

/* Number of members of "0-3,8,10-11"; nothing if the list is malformed. */
std::optional<uint32_t> count_list(std::string_view list);

/* The line of /proc/meminfo that begins with `name:`, in kB. */
std::optional<uint64_t> meminfo_kb(std::string_view text, std::string_view name);

/* MemTotal of a node's own meminfo, whose lines begin with "Node N ", in MiB. */
std::optional<uint64_t> node_mib(std::string_view meminfo);

/* "10 20" as "10,20". */
std::string with_commas(std::string_view words);

/* A number without prefix, as the size of memory blocks is told. */
std::optional<uint64_t> parse_hex(std::string_view text);

/* The number of a directory named "node12". */
std::optional<uint64_t> node_number(std::string_view name);

/* Totals over /proc/slabinfo (version 2.x). */
struct SlabTotals {
	uint64_t caches = 0;
	uint64_t active_objects = 0;
	uint64_t slabs = 0;
};
SlabTotals slab_totals(std::string_view slabinfo);

/* `now` with the line of each cache that had fewer active objects in `before`
 * taken from there: what is left after several looks is what was in use in all
 * of them. A CPU that uses a cache once stocks a whole sheaf of it (v7.0 on,
 * mm/slub.c), and slabinfo counts those objects as active. */
std::string lowest_slabinfo(std::string_view before, std::string_view now);

/* Looks at slabinfo until nothing goes any more: what RCU and workqueues still
 * have to free takes longer on a busy host than on a quiet one. Of the last
 * looks alone the lowest lines count: now and then hundreds of objects of one
 * cache are away for a single look and there again at the next (260 of
 * kmalloc-96, 7.2 under emulation), which would make a later count a growth. */
class Looks {
public:
	static constexpr size_t kQuiet = 5; // looks without a fall end it
	static constexpr uint64_t kShare = 1000; // of the objects; less is no fall

	void take(std::string slabinfo);
	bool settled() const { return quiet_ >= kQuiet; }
	std::string lowest() const;

private:
	std::deque<std::string> last_;
	uint64_t least_ = UINT64_MAX;
	size_t quiet_ = 0;
};

/* The caches whose active objects grew most between two texts of slabinfo, as
 * "name:+N name:+N", the largest growth first, `most` of them at most. */
std::string cache_growth(std::string_view before, std::string_view after, size_t most);

/* "memory12" yes, "memory_failure" and "memory" no. */
bool is_memory_block(std::string_view name);

/* Whether `word` stands in the blank-separated `list`. */
bool has_word(std::string_view list, std::string_view word);

/* xorshift64*: the same seed gives the same delays in every guest. */
uint64_t next_random(uint64_t *state);

} // namespace guest

#endif
