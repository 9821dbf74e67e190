// SPDX-License-Identifier: GPL-2.0
//
// price_table - see price_table.h. Lines that begin with "| " are printed in
// the run's report as they are.
#include "price_table.h"
#include "node_steps.h"

namespace st {
namespace {

constexpr u32 kCachesShown = 8;
constexpr u32 kNameWidth = 26, kWidth = 11;
constexpr u64 kMiB = 1 << 20;
constexpr const char *kCacheColumns[] = {"structure", "barn", "slabs", "in slabs"};
constexpr const char *kStepColumns[] = {"all, ms", "SLUB, ms", "calls", "share, %", "kept"};

void right(Remark *line, Text text, u32 width)
{
	for (size_t i = text.size(); i < width; i++)
		line->add_char(' ');
	line->add(text);
}

void right(Remark *line, u64 value, u32 width)
{
	right(line, Line<24>().add_dec(value).text(), width);
}

void left(Remark *line, Text text, u32 width)
{
	line->add(text.until(width - 1));
	for (size_t i = text.until(width - 1).size(); i < width; i++)
		line->add_char(' ');
}

// "12.34", of hundredths
Line<24> hundredths(u64 value)
{
	Line<24> text;
	text.add_dec(value / 100).add(value % 100 < 10 ? ".0" : ".");
	text.add_dec(value % 100);
	return text;
}

void tell_row(Text name, const Kept &kept, Remarks *remarks)
{
	Remark line("| ");
	left(&line, name, kNameWidth);
	right(&line, kept.node_bytes, kWidth);
	right(&line, kept.barn_bytes, kWidth);
	right(&line, kept.slabs, kWidth);
	right(&line, kept.slab_bytes, kWidth);
	remarks->add(line.text());
}

u64 bytes_of(const st_price_row &row)
{
	return u64(row.node_bytes) + row.barn_bytes;
}

// The row that costs most of those that cost less than `last`, or as much and
// come later; its place, or the number of rows if there is none.
size_t next_dearest(Span<const st_price_row> rows, size_t last)
{
	size_t best = rows.size();
	for (size_t i = 0; i < rows.size(); i++) {
		const u64 bytes = bytes_of(rows[i]);
		if (last < rows.size()) {
			const u64 bound = bytes_of(rows[last]);
			if (bytes > bound || (bytes == bound && i <= last))
				continue;
		}
		if (bytes && (best == rows.size() || bytes > bytes_of(rows[best])))
			best = i;
	}
	return best;
}

void subtract(Kept *from, const Kept &part)
{
	from->caches -= part.caches;
	from->node_bytes -= part.node_bytes;
	from->barn_bytes -= part.barn_bytes;
	from->slabs -= part.slabs;
	from->slab_bytes -= part.slab_bytes;
}

} // namespace

Kept sum_kept(Span<const st_price_row> rows)
{
	Kept kept;
	for (const st_price_row &price : rows) {
		const u64 slabs = price.row.nr_slabs > 0 ? u64(price.row.nr_slabs) : 0;
		kept.caches += bytes_of(price) || slabs;
		kept.node_bytes += price.node_bytes;
		kept.barn_bytes += price.barn_bytes;
		kept.slabs += slabs;
		// the one that early_kmem_cache_node_alloc() counted for a node it does not
		// lie on; of others the size is not known from here
		kept.slab_bytes += slabs && price.row.in_own_cache ? price.slab_bytes : 0;
	}
	return kept;
}

u64 basis_points(u64 part, u64 whole)
{
	return whole ? (part * 10000 + whole / 2) / whole : 0;
}

void tell_caches(Span<const st_price_row> rows, u64 node_bytes, Remarks *remarks)
{
	Remark head("| ");
	left(&head, "kept, bytes", kNameWidth);
	for (const char *column : kCacheColumns)
		right(&head, column, kWidth);
	remarks->add(head.text());
	const Kept all = sum_kept(rows);
	Kept rest = all;
	size_t at = rows.size();
	for (u32 shown = 0; shown < kCachesShown; shown++) {
		at = next_dearest(rows, at);
		if (at == rows.size())
			break;
		const Kept one = sum_kept(Span<const st_price_row>(&rows[at], 1));
		subtract(&rest, one);
		tell_row(rows[at].row.name, one, remarks);
	}
	if (rest.caches)
		tell_row(Line<32>().add_dec(rest.caches).add(" other caches").text(), rest, remarks);
	tell_row(Line<32>().add("all ").add_dec(all.caches).add(" caches").text(), all, remarks);
	// in millionths: a structure or two a cache is little of any node
	Remark share("| ");
	share.add_dec(all.bytes()).add(" bytes are kept for a node of ").add_dec(node_bytes / kMiB);
	share.add(" MiB: ").add_dec(node_bytes ? all.bytes() * 1000000 / node_bytes : 0);
	remarks->add(share.add(" bytes for each million").text());
}

void tell_steps(Span<const PriceStep> steps, bool timed, Remarks *remarks)
{
	Remark head("| ");
	left(&head, "step of the whole node", kNameWidth);
	for (const char *column : kStepColumns)
		right(&head, column, kWidth - 1);
	remarks->add(head.text());
	for (const PriceStep &step : steps) {
		Remark line("| ");
		Line<32> name(zone_name(step.zone));
		left(&line, name.add(step.offline ? " memory goes" : " memory comes").text(),
		     kNameWidth);
		right(&line, hundredths(step.whole_ns / 10000).text(), kWidth - 1);
		right(&line, timed ? hundredths(step.slub_ns / 10000).text() : Text("-"), kWidth - 1);
		right(&line, timed ? Line<24>().add_dec(step.calls).text() : Text("-"), kWidth - 1);
		right(&line, timed ? hundredths(basis_points(step.slub_ns, step.whole_ns)).text()
				   : Text("-"), kWidth - 1);
		right(&line, step.kept.bytes(), kWidth - 1);
		remarks->add(line.text());
	}
}

} // namespace st
