/* SPDX-License-Identifier: GPL-2.0 */
/* A classic BPF instruction as a number of the images. */
#ifndef CRIU_FD_SK_FILTER_H
#define CRIU_FD_SK_FILTER_H

#include <linux/filter.h>
#include <stdint.h>

static inline uint64_t sk_filter_pack(const struct sock_filter *insn)
{
	return (uint64_t)insn->code << 48 | (uint64_t)insn->jt << 40 | (uint64_t)insn->jf << 32 | insn->k;
}

static inline struct sock_filter sk_filter_unpack(uint64_t packed)
{
	return (struct sock_filter){ .code = packed >> 48, .jt = packed >> 40, .jf = packed >> 32, .k = packed };
}

#endif
