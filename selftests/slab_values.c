// SPDX-License-Identifier: GPL-2.0
/*
 * slab_values - see slab_values.h.
 */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "slab_values.h"

#define NODES_MOST 1024

/* "12" from *text on, which moves behind it */
static bool take_number(const char **text, unsigned long long *value)
{
	char *end;

	if (!isdigit((unsigned char)**text))
		return false;
	errno = 0;
	*value = strtoull(*text, &end, 10);
	*text = end;
	return errno == 0;
}

const char *value_problem(const char *text)
{
	unsigned long long total, part, node, sum = 0, next_node = 0;

	if (!take_number(&text, &total))
		return "does not begin with a number";
	while (text[0] == ' ' && text[1] == 'N') {
		text += 2;
		if (!take_number(&text, &node) || *text++ != '=' || !take_number(&text, &part))
			return "has a part that is not N<node>=<number>";
		if (node < next_node || node >= NODES_MOST)
			return "names its nodes out of order";
		if (__builtin_add_overflow(sum, part, &sum))
			return "has parts that overflow";
		next_node = node + 1;
	}
	/* cpu_slabs of old kernels goes on with CPUs: " C0=1", and may end so */
	while (*text == ' ' && text[1] != 'N')
		text += 1 + strcspn(text + 1, " \n");
	if (strcmp(text, "\n") && *text)
		return "has something behind its parts";
	if (next_node && sum != total)
		return "has parts that do not add up to its total";
	return NULL;
}

int value_self_test(void)
{
	static const struct {
		const char *text;
		bool good;
	} cases[] = {
		{"0\n", true}, {"5 N0=2 N1=3\n", true}, {"7 N1=7\n", true},
		{"12 N0=12", true}, {"5 N0=2 N1=2\n", false}, {"5 N0=2 N1=4\n", false},
		{"0 N0=1\n", false}, {"", false}, {"\n", false}, {"x\n", false}, {"-1\n", false},
		{"5 N0=\n", false}, {"5 N=5\n", false}, {"5 N0 5\n", false},
		{"5 N1=2 N0=3\n", false}, {"5 N0=5 N0=0\n", false}, {"5 N0=5x\n", false},
		{"99999999999999999999999 N0=1\n", false},
		{"0 N0=18446744073709551615 N1=1\n", false},
		{"3 N0=3 C0=1 C1=2\n", true}, {"3 N0=2 C0=1\n", false},
	};
	const size_t count = sizeof(cases) / sizeof(cases[0]);
	int failed = 0;

	printf("KTAP version 1\n1..%zu\n", count);
	for (size_t i = 0; i < count; i++) {
		const char *problem = value_problem(cases[i].text);
		const bool right = !problem == cases[i].good;

		failed += !right;
		printf("%s %zu \"%.*s\" %s\n", right ? "ok" : "not ok", i + 1,
		       (int)strcspn(cases[i].text, "\n"), cases[i].text,
		       problem ? problem : "is right");
	}
	printf("# %zu passed, %d failed, 0 skipped\n", count - failed, failed);
	return failed;
}
