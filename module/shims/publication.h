/* SPDX-License-Identifier: GPL-2.0 */
/*
 * publication.h - what publication.c (who looks), publication_hold.c (who
 * publishes, and is held) and publication_reader.c (who uses what is not
 * initialised) tell each other.
 */
#ifndef SLUBTORTURE_PUBLICATION_H
#define SLUBTORTURE_PUBLICATION_H

#include "shims.h"

bool st_publication_is_twin(const struct st_publication_spec *spec);
bool st_publication_meets(const struct st_publication_spec *spec);

/* Holds whoever has stored a structure's address in one of the spec's slots and
 * has it in a register, until somebody has looked; both stay until the end. */
void st_publishers_hold(const struct st_publication_spec *spec, void *const *const *slot);
void st_publishers_let_go(void);
void st_publisher_looked(void);
void st_publishers_forget(void);	/* who was held once may be held again */
void st_publishers_counts(struct st_publication_counts *counts);

/* The control's structure, and where its address is kept. */
void *const *st_publication_twin_slot(void);
void st_publication_twin_init(u8 *structure, const struct st_layout *layout);
void st_publication_twin_publish(void);

/* Opens what the reader needs. 0, or -errno with the reason. */
int st_meeter_open(const struct st_publication_spec *spec, char *reason);
void st_meeter_close(void);
const char *st_meeter_name(u32 meeter);
/* Uses the structure as a user of the kernel would; bytes or -errno. */
int st_meet(const struct st_publication_spec *spec, char *told, size_t bytes);

#endif
