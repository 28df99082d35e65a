// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What happens to the object in this kernel? Runs as PID 1: loads it as kernel/load.ts does, publishes rows by hand for a
// chain of functions, lets a forked child burn there, and says how many of its stacks came out exact. boot.mjs hands in
// the manifest as macros: MAP_NAMES, MAP_ENTRIES, PROGRAM_NAMES and the sizes of loader and data.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <linux/types.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "../abi.h"

static const char *const map_names[] = { MAP_NAMES };
static const __u32 map_entries[] = { MAP_ENTRIES };
static const char *const program_names[] = { PROGRAM_NAMES };
enum {
	N_MAPS = sizeof(map_names) / sizeof(*map_names),
	N_PROGRAMS = sizeof(program_names) / sizeof(*program_names),
	LOG_BYTES = 1 << 20,
	FREQUENCY_HZ = 199,
	SAMPLES_WANTED = 100,
	TRIES = 600, // of 100 ms: an emulated machine is slow
};

// What every light skeleton's loader is called with.
static struct {
	__u32 size, flags, log_level, log_size;
	__u64 log_buf;
	struct {
		__s32 fd;
		__u32 max_entries;
		__u64 initial_value;
	} maps[N_MAPS];
	__s32 programs[N_PROGRAMS];
} context;

static char blob[LOADER_BYTES + DATA_BYTES], log_text[LOG_BYTES];

static void end(const char *what)
{
	printf("%s\n", what);
	fflush(stdout);
	sync();
	reboot(RB_POWER_OFF);
	exit(1);
}

static int must(long result, const char *what)
{
	if (result >= 0)
		return result;
	printf("failed: %s: %s\n", what, strerror(errno));
	end("verdict: bad");
	return -1;
}

static long bpf(int command, union bpf_attr *attributes)
{
	return syscall(SYS_bpf, command, attributes, sizeof(*attributes));
}

static int index_of(const char *const *names, int n, const char *name)
{
	for (int i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	errno = ENOENT;
	return must(-1, name);
}

static int map_fd(const char *name) { return context.maps[index_of(map_names, N_MAPS, name)].fd; }
static int program_fd(const char *name) { return context.programs[index_of(program_names, N_PROGRAMS, name)]; }

static void put(int fd, __u64 key, const void *value, const char *what)
{
	union bpf_attr attributes = { .map_fd = fd, .key = (__u64)&key, .value = (__u64)value };
	must(bpf(BPF_MAP_UPDATE_ELEM, &attributes), what);
}

static int run_loader(void)
{
	union bpf_attr map = { .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = DATA_BYTES, .max_entries = 1 };
	int fds[2] = { must(bpf(BPF_MAP_CREATE, &map), "first map") };
	put(fds[0], 0, blob + LOADER_BYTES, "first map's data");
	union bpf_attr load = { .prog_type = BPF_PROG_TYPE_SYSCALL, .insn_cnt = LOADER_BYTES / 8, .insns = (__u64)blob,
				.license = (__u64) "Dual BSD/GPL", .prog_flags = BPF_F_SLEEPABLE,
				.fd_array = (__u64)fds };
	int program = must(bpf(BPF_PROG_LOAD, &load), "loader");
	memset(&context, 0, sizeof(context));
	context.size = sizeof(context.maps) + sizeof(context.programs) + 24;
	for (int i = 0; i < N_MAPS; i++)
		context.maps[i].max_entries = map_entries[i];
	context.log_level = 1;
	context.log_size = LOG_BYTES;
	context.log_buf = (__u64)log_text;
	union bpf_attr run = { .test = { .prog_fd = program, .ctx_in = (__u64)&context, .ctx_size_in = context.size } };
	must(bpf(BPF_PROG_TEST_RUN, &run), "running the loader");
	close(program);
	close(fds[0]);
	return (int)run.test.retval;
}

static void load_object(void)
{
	int file = must(open("/object.bin", O_RDONLY), "object");
	if (read(file, blob, sizeof(blob)) != sizeof(blob))
		end("failed: the object is shorter than its manifest says");
	int result = run_loader();
	if (result < 0) {
		size_t length = strlen(log_text);
		printf("failed: the loader said %d: %s\n%s\n", result, strerror(-result),
		       log_text + (length > 3000 ? length - 3000 : 0));
		end("verdict: bad");
	}
	for (int i = 0; i < N_PROGRAMS; i++) {
		struct bpf_prog_info info = { 0 };
		union bpf_attr ask = { .info = { .bpf_fd = context.programs[i], .info_len = sizeof(info), .info = (__u64)&info } };
		must(bpf(BPF_OBJ_GET_INFO_BY_FD, &ask), "program's info");
		printf("program %s: %u instructions, %u verified, %u bytes jited\n", program_names[i],
		       info.xlated_prog_len / 8, info.verified_insns, info.jited_prog_len);
	}
}

// A chain that no frame pointer leads through, and its rules by row: root, outer, middle, leaf.
#if defined(__x86_64__)
__asm__(".text\n"
	"chain_root: call chain_outer; hlt\n"
	"chain_outer: sub $24, %rsp; call chain_middle; hlt\n"
	"chain_middle: push %rbp; push %rbx; mov $1, %ebp; call chain_leaf; hlt\n"
	"chain_leaf: mov $1000, %ecx\n"
	"1: dec %ecx; jnz 1b; jmp chain_leaf\n"
	"chain_end: nop\n");
#define JUMP_TO_CHAIN "jmp chain_root"
static const struct rule rules[] = { { RULE_GAP, 0, 0, 0, 0 }, { RULE_ROOT, 0, 0, 0, 0 }, { RULE_SP, 0, 32, 0, 0 },
				     { RULE_SP, FP_AT_CFA, 24, -16, 0 }, { RULE_SP, 0, 8, 0, 0 } };
#elif defined(__aarch64__)
__asm__(".text\n"
	"chain_root: bl chain_outer; brk 0\n"
	"chain_outer: stp x29, x30, [sp, -32]!; bl chain_middle; brk 0\n"
	"chain_middle: sub sp, sp, 48; str x30, [sp, 40]; mov x29, 1; bl chain_leaf; brk 0\n"
	"chain_leaf: mov w0, 1000\n"
	"1: subs w0, w0, 1; b.ne 1b; b chain_leaf\n"
	"chain_end: nop\n");
#define JUMP_TO_CHAIN "b chain_root"
static const struct rule rules[] = { { RULE_GAP, 0, 0, 0, 0 }, { RULE_ROOT, 0, 0, 0, 0 },
				     { RULE_SP, FP_AT_CFA, 32, -32, -24 }, { RULE_SP, 0, 48, 0, -8 },
				     { RULE_LR, 0, 0, 0, 0 } };
#endif
extern char chain_root[], chain_outer[], chain_middle[], chain_leaf[], chain_end[];

// Field 22 of /proc/self/stat; the 20th after the name, which has no space here.
static __u32 own_start_ticks(void)
{
	char text[1024] = "";
	must(mkdir("/proc", 0755), "mkdir /proc");
	must(mount("proc", "/proc", "proc", 0, 0), "mount /proc");
	int fd = must(open("/proc/self/stat", O_RDONLY), "stat");
	must(read(fd, text, sizeof(text) - 1), "stat");
	char *at = strchr(text, ')');
	for (int i = 0; at && i < 20; i++)
		at = strchr(at + 1, ' ');
	return at ? strtoul(at, 0, 10) : 0;
}

static void publish(__u32 start_ticks)
{
	const char *starts[] = { chain_root, chain_outer, chain_middle, chain_leaf, chain_end };
	static struct chunk chunk;
	__u64 text = (__u64)chain_root & ~0xfffULL;
	union bpf_attr shard = { .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = sizeof(chunk),
				 .max_entries = SHARD_CHUNKS };
	int shard_fd = must(bpf(BPF_MAP_CREATE, &shard), "shard");

	for (int i = 0; i < 5; i++) {
		chunk.row[i] = (__u32)(__u64)starts[i] << 16 | (i + 1) % 5;
		put(map_fd("rules"), i, &rules[i], "rule");
	}
	put(shard_fd, 0, &chunk, "chunk");
	put(map_fd("rows"), 0, &shard_fd, "rows");
	struct range page = { 0, 5 };
	put(map_fd("pages"), 0, &page, "page");
	struct vma vma = { .start = text, .len_pages = 2, .page_base = text >> 16, .n_pages = 1 };
	put(map_fd("vmas"), 0, &vma, "vma");
	struct proc proc = { .n_vma = 1, .start_ticks = start_ticks };
	put(map_fd("procs"), getpid(), &proc, "proc");
}

static void attach(void)
{
	struct config config = { .user_frames_max = USER_FRAMES_MAX, .has_tables = 1 };
	const char *const tracepoints[] = { "on_fork", "on_exec", "on_exit" };

	put(map_fd("config"), 0, &config, "config");
	for (int i = 0; i < 3; i++) {
		union bpf_attr link = { .raw_tracepoint = { .prog_fd = program_fd(tracepoints[i]) } };
		must(bpf(BPF_RAW_TRACEPOINT_OPEN, &link), tracepoints[i]);
	}
	for (int cpu = 0; cpu < sysconf(_SC_NPROCESSORS_ONLN); cpu++) {
		struct perf_event_attr event = { .type = PERF_TYPE_SOFTWARE, .size = sizeof(event),
						 .config = PERF_COUNT_SW_CPU_CLOCK,
						 .sample_period = 1000000000 / FREQUENCY_HZ };
		int fd = must(syscall(SYS_perf_event_open, &event, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC), "perf event");
		union bpf_attr link = { .link_create = { .prog_fd = program_fd("on_tick"), .target_fd = fd,
							 .attach_type = BPF_PERF_EVENT } };
		must(bpf(BPF_LINK_CREATE, &link), "link");
		must(ioctl(fd, PERF_EVENT_IOC_ENABLE, 0), "enable");
	}
}

static bool is_exact(const struct record *record)
{
	const __u64 *user = (const __u64 *)(record + 1) + record->n_kernel;
	const char *starts[] = { chain_leaf, chain_middle, chain_outer, chain_root };
	const char *ends[] = { chain_end, chain_leaf, chain_middle, chain_outer };

	if (record->stop != STOP_ROOT || record->n_user != 4)
		return false;
	for (int i = 0; i < 4; i++)
		if (user[i] < (__u64)starts[i] || user[i] >= (__u64)ends[i])
			return false;
	return true;
}

// Reads records of one process until there are enough.
static void judge(pid_t child)
{
	__u32 bytes = map_entries[index_of(map_names, N_MAPS, "samples")];
	long page = sysconf(_SC_PAGESIZE);
	int fd = map_fd("samples"), records = 0, ours = 0, exact = 0, others = 0;
	volatile __u64 *consumer = mmap(0, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	char *ring = mmap(0, page + 2 * bytes, PROT_READ, MAP_SHARED, fd, page);

	if (consumer == MAP_FAILED || ring == MAP_FAILED)
		must(-1, "ring");
	for (int tries = 0; tries < TRIES && ours < SAMPLES_WANTED; tries++) {
		usleep(100000);
		while (*consumer < *(volatile __u64 *)ring) {
			const char *at = ring + page + (*consumer & (bytes - 1));
			__u32 length = *(const volatile __u32 *)at;
			const struct record *record = (const void *)(at + 8);
			if (length & BPF_RINGBUF_BUSY_BIT)
				break;
			records++;
			if (record->tgid == (__u32)child) {
				ours++;
				if (is_exact(record))
					exact++;
				else if (others++ < 5)
					printf("other: stop %d, %d frames\n", record->stop, record->n_user);
			}
			*consumer += ((length & ~BPF_RINGBUF_DISCARD_BIT) + 8 + 7) & ~7ULL;
		}
	}
	printf("records: %d, of the child: %d, exact: %d\n", records, ours, exact);
	end(ours >= SAMPLES_WANTED && exact >= ours - ours / 100 ? "verdict: good" : "verdict: bad");
}

int main(void)
{
	struct utsname name;

	setvbuf(stdout, 0, _IOLBF, 0);
	uname(&name);
	printf("kernel %s %s\n", name.release, name.machine);
	load_object();
	publish(own_start_ticks());
	attach();
	pid_t child = must(fork(), "fork");
	if (child == 0)
		__asm__ volatile(JUMP_TO_CHAIN);
	judge(child);
}
