// SPDX-License-Identifier: GPL-2.0
//
// question - one question at a time, asked outside a run and answered with
// values instead of a report: what KUnit suites are made of. How a question is
// asked and judged is the experiments' affair, and the same as in a run.
#include "core.h"

using namespace st;

namespace {

static_assert(ST_PASS == int(Verdict::Pass) && ST_FAIL == int(Verdict::Fail) &&
	      ST_SKIP == int(Verdict::Skip) && ST_BROKEN == int(Verdict::Broken));
static_assert(ST_PLACED_NOWHERE == int(Placement::None) &&
	      ST_PLACED_EXTERNAL == int(Placement::External) &&
	      ST_PLACED_LEFTOVER == int(Placement::Leftover) &&
	      ST_PLACED_IN_OBJECT == int(Placement::InObject));

template <size_t Bytes> void copy(char (&to)[Bytes], Text text)
{
	const Text whole = text.until(Bytes - 1);
	for (size_t i = 0; i < whole.size(); i++)
		to[i] = whole[i];
	to[whole.size()] = 0;
}

void findings(const Tally &tally, Line<ST_FINDINGS_BYTES> *line)
{
	for (size_t i = 0; i < kInvariants; i++) {
		const Invariant invariant = static_cast<Invariant>(i);
		const InvariantTally &t = tally.at(invariant);
		if (!t.broken)
			continue;
		// indented as KUnit indents what it has to say of an expectation
		line->add(line->empty() ? "    " : "\n    ");
		line->add(name(invariant)).add(": ").add_dec(t.asked).add(" asked, ");
		line->add_dec(t.broken).add(" broken; cause: ").add(name(t.cause));
		line->add("; evidence: ").add(t.evidence.text());
	}
}

void fill(const Tally &tally, st_answer *answer)
{
	Line<ST_FINDINGS_BYTES> found;
	findings(tally, &found);
	answer->verdict = u32(tally.verdict());
	answer->observations = tally.observations();
	answer->overlaps = tally.overlaps();
	answer->invariant = tally.has_breach() ? name(tally.first()).data() : "";
	answer->cause = name(tally.cause()).data();
	copy(answer->reason, tally.reason());
	copy(answer->note, tally.note());
	copy(answer->findings, found.text());
}

template <typename Ask>
void answer_by(st_core *core, u64 seed, u64 duration_ns, st_answer *answer, Ask ask)
{
	const Context context{*core->ops, core->env, core->layout, seed, duration_ns};
	Tally &tally = core->fresh_tally();
	ask(context, &tally);
	core->ops->caches_wait();
	fill(tally, answer);
}

} // namespace

extern "C" void st_core_ask(st_core *core, const char *scenario, uint64_t duration_ns,
			    st_answer *answer)
{
	for (const Scenario &s : scenarios())
		if (Text(s.name) == Text(scenario))
			return answer_by(core, scenario_seed(core->request.seed, s), duration_ns,
					 answer, [&](const Context &context, Tally *tally) {
						 run_family(context, s, tally);
					 });
	Tally &tally = core->fresh_tally();
	tally.broken("there is no such scenario");
	fill(tally, answer);
}

extern "C" void st_core_ask_cache(st_core *core, const st_cache_spec *spec, uint32_t placement,
				  st_answer *answer)
{
	answer_by(core, core->request.seed, 0, answer, [&](const Context &context, Tally *tally) {
		ask_cache(context, *spec, static_cast<Placement>(placement), tally);
	});
}

extern "C" void st_core_ask_stride(st_core *core, st_answer *answer)
{
	answer_by(core, core->request.seed, 0, answer, ask_stride);
}

extern "C" void st_core_ask_nodes(st_core *core, st_answer *answer)
{
	answer_by(core, core->request.seed, 0, answer, ask_nodes);
}

extern "C" void st_core_ask_node_counts(st_core *core, st_answer *answer)
{
	answer_by(core, core->request.seed, 0, answer, ask_node_counts);
}

extern "C" void st_core_ask_node_cycle(st_core *core, uint32_t zone, st_answer *answer)
{
	answer_by(core, core->request.seed, 0, answer, [&](const Context &context, Tally *tally) {
		ask_node_cycle(context, zone, tally);
	});
}

extern "C" const st_layout *st_core_facts(const st_core *core, const char **exts_missing,
					  const char **nodes_missing)
{
	*exts_missing = core->layout.exts_missing().c_str();
	*nodes_missing = core->layout.nodes_missing().c_str();
	return &core->layout.facts();
}
