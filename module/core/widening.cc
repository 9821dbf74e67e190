// SPDX-License-Identifier: GPL-2.0
//
// widening - see widening.h.
#include "widening.h"

namespace st {
namespace {

constexpr u64 kMoveNs = 250000000;

void describe_row(const st_widen_row &row, Remark *line)
{
	line->add("widened: ").add(row.name);
	if (row.why_not[0]) {
		line->add(": no, ").add(row.why_not);
		return;
	}
	if (row.places)
		line->add(", ").add_dec(row.places).add(" places");
	line->add(", ").add_dec(row.hits).add(" hits, held ").add_dec(row.held).add(" times");
	if (row.held)
		line->add(" for ").add_dec(row.least_us).add(" to ").add_dec(row.most_us)
			.add(" us, mean ").add_dec(row.sum_us / row.held);
}

} // namespace

void Widening::batch_done()
{
	const u64 now = context_.ops.now_ns();
	if (now - moved_ < kMoveNs)
		return;
	context_.ops.widen->move();
	moved_ = now;
}

u64 Widening::describe(Tally *tally) const
{
	Buffer<st_widen_row> rows(context_.ops, ST_WIDEN_ROWS);
	if (!rows) {
		tally->remarks().add("widened: not told, there is no memory for it");
		return 0;
	}
	const u32 count = context_.ops.widen->rows(rows.data(), ST_WIDEN_ROWS);
	u64 held = 0;
	for (u32 i = 0; i < count && i < ST_WIDEN_ROWS; i++) {
		Remark line;
		describe_row(rows[i], &line);
		tally->remarks().add(line.text());
		held += rows[i].held;
	}
	Remark line("widened: ");
	if (count)
		line.add("delays and places are drawn from seed ").add_dec(context_.seed);
	else
		line.add("nothing");
	tally->remarks().add(line.text());
	return held;
}

} // namespace st
