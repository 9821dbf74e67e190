// SPDX-License-Identifier: GPL-2.0
/*
 * publication_reader - module/shims' own, compiled for this module. Kbuild names an object by
 * its source, and module/ has that object already. Nothing more belongs here.
 */
#include "../../module/shims/publication_reader.c"
