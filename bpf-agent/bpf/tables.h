// SPDX-License-Identifier: GPL-2.0-only OR MIT
// How does the unwinder reach what user space published, and the user's stack? These few functions are all it asks of
// the kernel; replay/host.h has the same ones over arrays.
#pragma once

static __always_inline struct vma *vma_at(__u32 index)
{
	return bpf_map_lookup_elem(&vmas, &index);
}

static __always_inline struct range *page_at(__u32 index)
{
	return bpf_map_lookup_elem(&pages, &index);
}

static __always_inline struct rule *rule_at(__u32 id)
{
	return bpf_map_lookup_elem(&rules, &id);
}

static __always_inline __u32 row_at(__u32 index)
{
	__u32 shard_key = index / (SHARD_CHUNKS * CHUNK_ROWS);
	__u32 chunk_key = index / CHUNK_ROWS % SHARD_CHUNKS;
	void *shard = bpf_map_lookup_elem(&rows, &shard_key);
	if (!shard)
		return ROW_ABSENT;
	struct chunk *chunk = bpf_map_lookup_elem(shard, &chunk_key);
	return chunk ? chunk->row[index & (CHUNK_ROWS - 1)] : ROW_ABSENT;
}

// A page that is not present fails: at a tick nobody can wait for it.
static __always_inline bool read_user(void *to, __u32 bytes, __u64 from)
{
	return bpf_probe_read_user(to, bytes, (void *)from) == 0;
}

static __always_inline void repeat(__u32 times, long (*step)(__u32, void *), void *context)
{
	bpf_loop(times, step, context, 0);
}
