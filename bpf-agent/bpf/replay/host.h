// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What does the unwinder need when there is no kernel? The types it takes for granted, and the functions of tables.h over
// arrays that replay.c fills.
#pragma once

#include <linux/types.h>
#include <stdbool.h>

#ifndef __always_inline // of the C library
#define __always_inline inline __attribute__((always_inline))
#endif

#include "../abi.h"
#include "../kern.h"
#include "../walk.h"

enum { ROWS_MAX = 1 << 18, MEMORY_WORDS_MAX = 1 << 17 };

// A snapshot: what the maps held, and the user's memory as words in the order of their addresses.
struct snapshot {
	struct vma vmas[64];
	struct range pages[1024];
	struct rule rules[RULES_MAX];
	__u32 rows[ROWS_MAX];
	__u32 n_vma, n_page, n_rule, n_row, n_word;
	struct {
		__u64 address, value;
	} words[MEMORY_WORDS_MAX];
};
static struct snapshot snapshot;

static __always_inline struct vma *vma_at(__u32 index)
{
	return index < snapshot.n_vma ? &snapshot.vmas[index] : 0;
}

static __always_inline struct range *page_at(__u32 index)
{
	return index < snapshot.n_page ? &snapshot.pages[index] : 0;
}

static __always_inline struct rule *rule_at(__u32 id)
{
	return id < snapshot.n_rule ? &snapshot.rules[id] : 0;
}

static __always_inline __u32 row_at(__u32 index)
{
	return index < snapshot.n_row ? snapshot.rows[index] : (__u32)ROW_ABSENT;
}

static bool read_word(__u64 *to, __u64 address)
{
	__u32 low = 0, high = snapshot.n_word;
	while (low < high) {
		__u32 middle = (low + high) / 2;
		if (snapshot.words[middle].address < address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == snapshot.n_word || snapshot.words[low].address != address)
		return false;
	*to = snapshot.words[low].value;
	return true;
}

// The unwinder reads whole words at multiples of 8; of what else a wild register asks nothing is kept.
static bool read_user(void *to, __u32 bytes, __u64 from)
{
	for (__u32 i = 0; i < bytes / 8; i++)
		if (!read_word((__u64 *)to + i, from + 8 * i))
			return false;
	return true;
}

static void repeat(__u32 times, long (*step)(__u32, void *), void *context)
{
	for (__u32 i = 0; i < times && step(i, context) == 0; i++)
		;
}
