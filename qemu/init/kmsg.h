/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kmsg - turns a record of /dev/kmsg into lines for the verdict channel. Pure:
 * it opens nothing. Which records are worth sending is for the caller.
 */
#ifndef GUEST_INIT_KMSG_H
#define GUEST_INIT_KMSG_H

#include <string>
#include <string_view>

namespace guest {

/* `@ log SECONDS TEXT`, a line for each line of the record's text, with what
 * the kernel has escaped put back; "" for what is no record. */
std::string log_lines(std::string_view record);

/* Every line of `text` behind `prefix`; the last one need not be ended. */
std::string prefixed(std::string_view prefix, std::string_view text);

} // namespace guest

#endif
