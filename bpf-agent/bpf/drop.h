// SPDX-License-Identifier: GPL-2.0-only OR MIT
// How is nothing lost in silence? Every tick ends in exactly one counter of its CPU: idle, a record, or a drop reason.
#pragma once

static __always_inline struct counters *counters_here(void)
{
	__u32 key = 0;
	return bpf_map_lookup_elem(&counters, &key);
}

static __always_inline void count_drop(struct counters *count, enum drop_reason reason)
{
	if (reason < REASONS_MAX)
		count->dropped[reason]++;
}

static __always_inline void count_record(struct counters *count, enum stop_reason stop)
{
	count->records++;
	if (stop < REASONS_MAX)
		count->stopped[stop]++;
}
