// SPDX-License-Identifier: GPL-2.0-only OR MIT
// How is a stack walked whose process user space has not published yet? Not here and now: the record takes the registers
// and a copy of the stack with it, and user space walks that when it knows the mappings. The frames that frame pointers
// found stay in the record: they stand if it never learns of them.
#pragma once

enum {
	// Snapshots fill at most this part of the ring; the rest is for samples that have no other way.
	SNAPSHOT_RING_SHARE = 2,
	ARGUMENT_BYTES = 16, // of the program's own arguments: the first function's frame ends there
};

// A process that is unknown, or has mapped something that is. What a guess has led out of the mappings is no report: code
// without rows, whose frame pointer was none, ends so for ever. Frames of Python are found in the kernel alone.
static __always_inline bool is_worth_snapshot(const struct scratch *scratch)
{
	const struct walk *walk = &scratch->walk;
	__u8 stop = scratch->record.stop;
	return stop == STOP_UNKNOWN || (stop == STOP_NO_MAPPING && !walk->is_guess && walk->python_n == 0);
}

static long copy_piece(__u32 index, void *context)
{
	struct snapshot *snapshot = *(struct snapshot **)context;
	__u64 from = snapshot->from;
	__u32 bytes = SNAPSHOT_PIECE - (from & (SNAPSHOT_PIECE - 1));
	__u32 n = snapshot->n;

	if (bytes > snapshot->left)
		bytes = snapshot->left;
	asm volatile("" : "+r"(bytes)); // or clang drops a bound that it knows of, and 6.1 does not
	if (bytes == 0 || bytes > SNAPSHOT_PIECE || n > SNAPSHOT_WORDS_MAX - SNAPSHOT_PIECE / 8)
		return 1;
	if (bpf_probe_read_user(&snapshot->words[n], bytes, (void *)from) != 0)
		return 1; // behind the end of the stack, or paged out
	snapshot->from = from + bytes;
	snapshot->left -= bytes;
	snapshot->n = n + bytes / 8;
	return 0;
}

// Whole words from sp on. The main thread's stack ends where its arguments begin; another's where a page is missing.
static __always_inline void copy_stack(struct snapshot *snapshot, struct task_struct *task, __u64 sp, __u32 bytes)
{
	struct mm_struct *mm = task->mm;
	__u64 end = mm ? mm->start_stack + ARGUMENT_BYTES : 0;

	snapshot->from = sp & ~7ULL;
	if (bytes > SNAPSHOT_STACK_MAX)
		bytes = SNAPSHOT_STACK_MAX;
	if (end > snapshot->from && end - snapshot->from < bytes)
		bytes = end - snapshot->from;
	snapshot->left = bytes & ~7U;
	repeat(SNAPSHOT_PIECES_MAX, copy_piece, &snapshot);
}

// Sends the record with registers and stack behind its n frames.
// out  false: it has not been sent, and can go as it is
static __always_inline bool send_snapshot(struct scratch *scratch, struct task_struct *task, __u64 n,
					  const struct config *settings, struct counters *count)
{
	__u32 cpu = bpf_get_smp_processor_id();

	if (settings->snapshot_bytes == 0)
		return false;
	struct snapshot *snapshot = bpf_map_lookup_elem(&snapshots, &cpu);
	__u64 used = bpf_ringbuf_query(&samples, BPF_RB_AVAIL_DATA);
	if (!snapshot || used > bpf_ringbuf_query(&samples, BPF_RB_RING_SIZE) / SNAPSHOT_RING_SHARE) {
		count->snapshots_left_out++;
		return false;
	}
	if (n > FRAMES_MAX)
		return false; // cannot be
	bpf_probe_read_kernel(&snapshot->record, sizeof(struct record) + n * 8, &scratch->record);
	__builtin_memcpy(&snapshot->words[n], &scratch->walk.leaf, sizeof(struct registers));
	snapshot->n = n + REGISTER_WORDS;
	copy_stack(snapshot, task, REGISTER_SP(&scratch->walk.leaf), settings->snapshot_bytes);
	__u64 words = snapshot->n;
	if (words > SNAPSHOT_WORDS_MAX || words < n)
		return false; // cannot be
	snapshot->record.flags = FRAMES_SNAPSHOT;
	snapshot->record.n_ext = words - n;
	if (bpf_ringbuf_output(&samples, &snapshot->record, sizeof(struct record) + words * 8, BPF_RB_NO_WAKEUP) != 0) {
		count->snapshots_left_out++;
		return false;
	}
	count->snapshots++;
	return true;
}
