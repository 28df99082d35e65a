// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What runs on each CPU right now? One program per clock tick writes a record with kernel and user stack into a ring;
// three more tell of processes that begin, change and end. Reads memory, writes only its own maps.
#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "abi.h"
#include "kern.h"
#include "walk.h"
#include "copy.h"
#include "maps.h"
#include "drop.h"
#include "tables.h"
#include "unwind.h"
#include "python.h"
#include "snapshot.h"

static __always_inline __u32 start_ticks_of(struct task_struct *task)
{
	return task->group_leader->start_boottime / 10000000;
}

// The registers of the user's code: the tick's own when it interrupted that code, else those saved at kernel entry.
static __always_inline bool read_user_registers(struct perf_context *context, struct task_struct *task,
						struct walk *walk, __u64 *mode)
{
	struct registers *leaf = &walk->leaf;

	if (is_user_mode(REGISTER_MODE(&context->regs)))
		*leaf = context->regs;
	else if (bpf_probe_read_kernel(leaf, sizeof(*leaf), (void *)bpf_task_pt_regs(task)) != 0)
		return false;
	*mode = REGISTER_MODE(leaf);
	walk->pc = REGISTER_PC(leaf);
	walk->sp = REGISTER_SP(leaf);
	walk->fp = REGISTER_FP(leaf);
	walk->lr = REGISTER_LR(leaf);
	walk->thread = THREAD_POINTER(task);
	// A thread that the kernel made for a process (io_uring's workers) never was in user mode: its registers are zero.
	return is_user_mode(*mode) && walk->pc != 0;
}

// What user space has published of a process; 0: nothing, or it was another one with this PID.
static __always_inline struct proc *find_process(__u32 tgid, __u32 start_ticks)
{
	struct proc *proc = bpf_map_lookup_elem(&procs, &tgid);
	return proc && proc->start_ticks == start_ticks ? proc : 0;
}

static __always_inline enum stop_reason collect_user(struct perf_context *context, struct task_struct *task,
						     struct scratch *scratch, struct counters *count,
						     const struct proc *proc, const struct config *settings)
{
	struct walk *walk = &scratch->walk;
	enum stop_reason stop;
	__u64 mode;

	if (task->flags & TASK_KTHREAD)
		return STOP_KTHREAD;
	if (!read_user_registers(context, task, walk, &mode))
		return STOP_NO_REGS;
	walk->base = scratch->record.n_kernel;
	walk->n_max = settings->user_frames_max;
	walk->is_known = false;
	walk->python_n = 0;
	if (is_32_bit(mode)) {
		walk->n_max = 1;
		unwind_user(scratch, count);
		stop = STOP_COMPAT32;
	} else {
		if (proc) {
			walk->is_known = true;
			walk->first_vma = proc->first_vma;
			walk->n_vma = proc->n_vma;
			if (proc->runtime != 0)
				collect_python(task, scratch, proc->runtime - 1);
		}
		stop = unwind_user(scratch, count);
		if (!proc && settings->has_tables)
			stop = STOP_UNKNOWN;
	}
	scratch->record.n_user = walk->n;
	return stop;
}

static __always_inline enum drop_reason send_record(struct perf_context *context, struct scratch *scratch,
						    struct counters *count, const struct config *settings,
						    __u64 time_ns, __u64 cgroup_id)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct record *record = &scratch->record;
	__u64 pid = bpf_get_current_pid_tgid();

	record->tgid = pid >> 32;
	record->tid = pid;
	record->start_ticks = start_ticks_of(task);
	struct proc *proc = find_process(record->tgid, record->start_ticks);
	if (proc && proc->flags == PROC_SKIP)
		return DROP_FILTERED;
	record->cpu = bpf_get_smp_processor_id();
	record->kind = RECORD_CPU;
	record->time_ns = time_ns;
	record->cgroup_id = cgroup_id;
	record->value = 1;
	record->n_user = record->n_ext = 0;
	record->flags = FRAMES_PLAIN;
	bpf_get_current_comm(record->comm, sizeof(record->comm));
	// In user mode there is no kernel stack, and the helper says so with an error.
	long kernel_bytes = bpf_get_stack(context, scratch->words, KERNEL_FRAMES_MAX * 8, 0);
	record->n_kernel = kernel_bytes > 0 ? (__u64)kernel_bytes / 8 : 0;
	record->stop = collect_user(context, task, scratch, count, proc, settings);

	__u64 n = record->n_kernel + record->n_user;
	if (n > FRAMES_MAX)
		n = FRAMES_MAX; // cannot be; 6.1's verifier wants to see it
	if (is_worth_snapshot(scratch) && send_snapshot(scratch, task, n, settings, count))
		return DROP_NONE;
	long failed = bpf_ringbuf_output(&samples, record, sizeof(*record) + n * 8, BPF_RB_NO_WAKEUP);
	return failed ? DROP_RING_FULL : DROP_NONE;
}

static __always_inline enum drop_reason sample(struct perf_context *context, struct counters *count, __u64 time_ns)
{
	__u32 key = 0;
	__u64 cgroup_id = bpf_get_current_cgroup_id();
	__u32 *verdict = bpf_map_lookup_elem(&cgroups, &cgroup_id);
	if (verdict && *verdict == CGROUP_SKIP)
		return DROP_FILTERED;
	struct config *settings = bpf_map_lookup_elem(&config, &key);
	struct scratch *scratch_here = bpf_map_lookup_elem(&scratch, &key);
	if (!settings || !scratch_here || scratch_here->is_busy)
		return DROP_NO_SCRATCH;
	scratch_here->is_busy = 1;
	enum drop_reason reason = send_record(context, scratch_here, count, settings, time_ns, cgroup_id);
	if (reason == DROP_NONE)
		count_record(count, scratch_here->record.stop);
	scratch_here->is_busy = 0;
	return reason;
}

SEC("perf_event")
int on_tick(struct perf_context *context)
{
	struct counters *count = counters_here();
	if (!count)
		return 0; // cannot be: the map has one entry on every CPU
	count->ticks++;
	if ((__u32)bpf_get_current_pid_tgid() == 0) {
		count->idle++;
		return 0;
	}
	__u64 time_ns = bpf_ktime_get_ns();
	enum drop_reason reason = sample(context, count, time_ns);
	if (reason != DROP_NONE)
		count_drop(count, reason);
	count->own_ns += bpf_ktime_get_ns() - time_ns;
	return 0;
}

static __always_inline int post(__u32 kind, struct task_struct *task, __u32 other)
{
	struct counters *count = counters_here();
	struct event event = {
		.kind = kind,
		.tgid = task->tgid,
		.other = other,
		.start_ticks = start_ticks_of(task),
		.time_ns = bpf_ktime_get_ns(),
		.cgroup_id = bpf_get_current_cgroup_id(),
	};
	long failed = bpf_ringbuf_output(&events, &event, sizeof(event), BPF_RB_NO_WAKEUP);
	// Another task of this CPU may run the same line: unlike a tick, an event can be preempted.
	if (count)
		__sync_fetch_and_add(failed ? &count->events_lost : &count->events, 1);
	return 0;
}

// A child has its parent's mappings: it is known before user space hears of it. If there is no room, it is unknown.
static __always_inline void copy_process(struct task_struct *parent, struct task_struct *child)
{
	struct proc *known = find_process(parent->tgid, start_ticks_of(parent));
	if (!known)
		return;
	struct proc copy = *known;
	__u32 tgid = child->tgid;
	copy.start_ticks = start_ticks_of(child);
	bpf_map_update_elem(&procs, &tgid, &copy, BPF_ANY);
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	if (child->pid != child->tgid)
		return 0; // a thread
	copy_process(parent, child);
	return post(EVENT_FORK, child, parent->tgid);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task)
{
	__u32 tgid = task->tgid;
	bpf_map_delete_elem(&procs, &tgid); // its mappings are gone; the PID and the start stay
	return post(EVENT_EXEC, task, 0);
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	if (task->signal->live.counter != 0)
		return 0; // other threads live on, even when this is the leader
	return post(EVENT_EXIT, task, 0); // its entry stays: records in the ring still want its mappings
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
