// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Every map, with the sum behind its size.
#pragma once

// Settings; see struct config.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct config);
} config SEC(".maps");

// Verdicts by cgroup id; a cgroup that is not here is taken. One per container or unit of a large node, four times over;
// nothing is allocated before it is used.
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, __u32);
} cgroups SEC(".maps");

// What user space knows of a process, by tgid. Four times a busy node's processes.
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct proc);
} procs SEC(".maps");

// The mappings of all processes, a run each: 2.1 MB. User space writes this and the next two through memory.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, VMAS_MAX);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct vma);
} vmas SEC(".maps");

// The pages of all files, a run each: 0.5 MB.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PAGES_MAX);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct range);
} pages SEC(".maps");

// Distinct rules of all files; 0 is RULE_GAP, written by user space before the first process.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, RULES_MAX);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct rule);
} rules SEC(".maps");

// Rows in shards of 1 MB that user space makes when it needs them. Its value is a chunk, because an array pads each
// value to 8 bytes: rows of their own would cost twice as much. Sizes, not types: of the types of an inner map clang
// writes no more than names.
struct shard {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SHARD_CHUNKS);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct chunk));
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, SHARDS_MAX);
	__type(key, __u32);
	__array(values, struct shard);
} rows SEC(".maps");

// Interpreters of Python; user space writes them before the processes that name them. 80 KB.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PYTHONS_MAX);
	__type(key, __u32);
	__type(value, struct python);
} pythons SEC(".maps");

// Threads of such processes that were sampled, by tid: a list is searched once for each, not at each of its ticks. Those
// not sampled for longest make room.
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 2048);
	__type(key, __u32);
	__type(value, struct python_thread);
} python_threads SEC(".maps");

// 13 KB per CPU.
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scratch);
} scratch SEC(".maps");

// 42 KB per CPU, one each; the loader sets their number, and a CPU without one sends no snapshots. Not a per-CPU array:
// those end at 32 KB a value.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct snapshot);
} snapshots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct counters);
} counters SEC(".maps");

// A mean record is about 360 bytes and must wait for a stall of 2 s at most; the loader sets
// Hz × CPUs × 512 bytes × 4 s, a power of two within 1 and 32 MiB. Snapshots may fill half of it: what is left is the 2 s.
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} samples SEC(".maps");

// 40 bytes each with the ring's header: 6,500 of them, 4 s of a storm of 1,600 a second.
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 18);
} events SEC(".maps");
