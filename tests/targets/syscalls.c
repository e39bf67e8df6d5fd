// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
//
// A target whose threads do nothing but blocking system calls (and some arithmetic), over and over,
// and check what comes back: the result, the time it took, the registers. Prints "ready", then a
// line "violation NAME: …" for each thing that would not have happened without somebody stopping
// us. When standard input closes, each does one more round, then it prints "rounds NAME N" for each.
#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WAIT_MS     40
#define WAIT_NS     (WAIT_MS * 1000000L)
#define TICK_US     15000
#define QUEUED      24
#define LAST_MS     120000
#define ASKED_MS    20000
#define SLIP_TICKS  20
#define WAKE_SIGNAL SIGUSR1
#define ASK_SIGNAL  SIGUSR2

static double now_ms(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e3 + (double)time.tv_nsec * 1e-6;
}

static void violation(const char *name, const char *format, ...)
{
	char text[200];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	printf("violation %s: %s\n", name, text);
	fflush(stdout);
}

// A wait that must end by its time-out, with this result and errno.
static void expect(
	const char *name, double start, long result, long wanted, int number, int wanted_number)
{
	double took = now_ms() - start;

	if (result != wanted || (wanted < 0 && number != wanted_number))
		violation(name, "returned %ld, errno %d (%s)", result, number, strerror(number));
	// Clocks of a millisecond's grain may be early by one.
	if (took < WAIT_MS - 1.0)
		violation(name, "%.2f ms instead of %d", took, WAIT_MS);
}

static void wait_nanosleep(const char *name)
{
	struct timespec time = {0, WAIT_NS};
	double start = now_ms();
	long result = nanosleep(&time, NULL);

	expect(name, start, result, 0, errno, 0);
}

static void wait_clock_nanosleep(const char *name)
{
	struct timespec time;
	double start = now_ms();
	long result;

	clock_gettime(CLOCK_MONOTONIC, &time);
	time.tv_nsec += WAIT_NS;
	time.tv_sec += time.tv_nsec / 1000000000;
	time.tv_nsec %= 1000000000;
	result = syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
	expect(name, start, result, 0, errno, 0);
}

static void wait_poll(const char *name)
{
	double start = now_ms();
	long result = poll(NULL, 0, WAIT_MS);

	expect(name, start, result, 0, errno, 0);
}

static void wait_ppoll(const char *name)
{
	struct timespec time = {0, WAIT_NS};
	sigset_t none;
	double start = now_ms();
	int result;

	sigemptyset(&none);
	sigaddset(&none, SIGALRM);
	sigaddset(&none, SIGTERM);
	result = ppoll(NULL, 0, &time, &none);
	expect(name, start, result, 0, errno, 0);
}

static void wait_select(const char *name)
{
	struct timeval time = {0, WAIT_MS * 1000};
	double start = now_ms();
	long result = syscall(SYS_select, 0, NULL, NULL, NULL, &time);

	expect(name, start, result, 0, errno, 0);
}

static void wait_epoll(const char *name)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event;
	double start = now_ms();
	long result = syscall(SYS_epoll_wait, fd, &event, 1, WAIT_MS);

	expect(name, start, result, 0, errno, 0);
	close(fd);
}

static void wait_futex(const char *name)
{
	struct timespec time = {0, WAIT_NS};
	uint32_t word = 0;
	double start = now_ms();
	register struct timespec *timeout __asm__("r10") = &time;
	long result;

	// As the C library does it, the number in the instruction before: it is all that tells,
	// after a stop, which call has to begin anew.
	__asm__ volatile("mov $202, %%eax\n\tsyscall"
			 : "=&a"(result)
			 : "D"(&word), "S"(FUTEX_WAIT_PRIVATE), "d"(0), "r"(timeout)
			 : "rcx", "r11", "memory");
	expect(name, start, result < 0 ? -1 : result, -1, (int)-result, ETIMEDOUT);
}

static void wait_semaphore(const char *name)
{
	struct timespec time;
	double start = now_ms();
	sem_t semaphore;
	int result;

	sem_init(&semaphore, 0, 0);
	clock_gettime(CLOCK_MONOTONIC, &time);
	time.tv_nsec += WAIT_NS;
	time.tv_sec += time.tv_nsec / 1000000000;
	time.tv_nsec %= 1000000000;
	result = sem_clockwait(&semaphore, CLOCK_MONOTONIC, &time);
	expect(name, start, result, -1, errno, ETIMEDOUT);
}

static void wait_receive(const char *name)
{
	struct timeval time = {0, WAIT_MS * 1000};
	int fds[2];
	double start;
	char byte;
	long result;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return violation(name, "no sockets");
	setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time));
	start = now_ms();
	result = syscall(SYS_recvfrom, fds[0], &byte, 1, 0, NULL, NULL);
	expect(name, start, result, -1, errno, EAGAIN);
	close(fds[0]);
	close(fds[1]);
}

static void wait_sigtimedwait(const char *name)
{
	struct timespec time = {0, WAIT_NS};
	double start = now_ms();
	sigset_t set;
	int result;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	result = sigtimedwait(&set, NULL, &time);
	expect(name, start, result, -1, errno, EAGAIN);
}

static void wait_semtimedop(const char *name)
{
	int id = semget(IPC_PRIVATE, 1, 0600);
	struct sembuf operation = {.sem_op = -1};
	struct timespec time = {0, WAIT_NS};
	double start = now_ms();
	int result = semtimedop(id, &operation, 1, &time), number = errno;

	semctl(id, 0, IPC_RMID);
	expect(name, start, result, -1, number, EAGAIN);
}

static void wait_child(const char *name)
{
	double start = now_ms();
	pid_t child = fork(), result;
	int status = 0;

	if (child == 0) {
		struct timespec time = {0, WAIT_NS};

		nanosleep(&time, NULL);
		_exit(7);
	}
	result = (pid_t)syscall(SYS_wait4, child, &status, 0, NULL);
	expect(name, start, result == child, 1, errno, 0);
	if (WEXITSTATUS(status) != 7)
		violation(name, "status %x", status);
}

// No child of ours is there but those of wait_child, which takes them itself by their number.
// Clones must not be seen.
static void any_child(const char *name)
{
	siginfo_t info = {0};

	if (waitid(P_ALL, 0, &info, WEXITED | WSTOPPED | WCONTINUED | WNOHANG | WNOWAIT) == 0 &&
		info.si_pid && info.si_status != 7)
		violation(name, "child %d status %d", info.si_pid, info.si_status);
	usleep(1000);
}

static _Atomic pid_t asked_thread, woken_thread;
static _Atomic unsigned ticks_asked, slipped, wakes_begun, wakes_done;
static int tick_pipe[2];
static uint32_t tick_word;

static void wait_pipe(const char *name)
{
	char byte = 0;
	long result = syscall(SYS_read, tick_pipe[0], &byte, 1);

	if (result != 1 || byte != 'x')
		violation(name, "returned %ld, errno %d", result, errno);
}

// The ticker changes the word, and wakes a little later: the wake may be for a word that was seen already.
static void wait_wakeup(const char *name)
{
	unsigned done = atomic_load(&wakes_done);
	uint32_t seen = __atomic_load_n(&tick_word, __ATOMIC_ACQUIRE);
	long result = syscall(SYS_futex, &tick_word, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);

	if (result < 0 && errno != EAGAIN)
		violation(name, "errno %d", errno);
	if (result == 0 && atomic_load(&wakes_begun) == done)
		violation(name, "woken although nobody did");
}

static void wait_sigwait(const char *name)
{
	siginfo_t info;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, WAKE_SIGNAL);
	atomic_store(&woken_thread, gettid());
	if (sigwaitinfo(&set, &info) != WAKE_SIGNAL)
		violation(name, "errno %d", errno);
}

static _Thread_local volatile sig_atomic_t handled;

static void on_ask(int signal)
{
	(void)signal;
	handled++;
}

// A handler must interrupt epoll_wait(), at once: a clone must not make the kernel forget. See ask().
static void interrupted(const char *name)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event;
	int before = handled;
	sigset_t set;
	long result;

	sigemptyset(&set);
	sigaddset(&set, ASK_SIGNAL);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	atomic_store(&ticks_asked, 0);
	atomic_store(&asked_thread, gettid());
	result = syscall(SYS_epoll_wait, fd, &event, 1, ASKED_MS);
	atomic_store(&asked_thread, 0);
	if (result == 0)
		violation(name, "not interrupted in %d ms", ASKED_MS);
	else if (result != -1 || errno != EINTR)
		violation(name, "returned %ld, errno %d", result, errno);
	else if (handled == before)
		violation(name, "interrupted without a signal");
	close(fd);
}

static _Thread_local volatile int queue_values[QUEUED + 1], queue_count;

static void on_queued(int signal, siginfo_t *info, void *context)
{
	(void)signal, (void)context;
	if (queue_count <= QUEUED)
		queue_values[queue_count] = info->si_value.sival_int;
	queue_count++;
}

// Real-time signals that wait behind a mask come later, all of them, in order, with their values.
static void queued_signals(const char *name)
{
	sigset_t set;

	queue_count = 0;
	for (int i = 0; i < QUEUED; i++) {
		siginfo_t info = {.si_code = SI_QUEUE, .si_value.sival_int = i * 3 + 1};

		info.si_pid = getpid();
		info.si_uid = getuid();
		if (syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), SIGRTMIN + 1, &info) < 0)
			violation(name, "cannot queue: errno %d", errno);
		usleep(200);
	}
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 1);
	if (queue_count)
		violation(name, "%d delivered although blocked", queue_count);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (queue_count != QUEUED)
		violation(name, "%d of %d delivered", queue_count, QUEUED);
	for (int i = 0; i < QUEUED && i < queue_count; i++) {
		if (queue_values[i] != i * 3 + 1)
			violation(name, "number %d carries %d", i, queue_values[i]);
	}
}

// The mask of a thread must be what it set.
static void signal_mask(const char *name)
{
	sigset_t wanted, seen;

	sigemptyset(&wanted);
	sigaddset(&wanted, SIGWINCH);
	sigaddset(&wanted, SIGALRM);
	sigaddset(&wanted, SIGRTMIN + 3);
	pthread_sigmask(SIG_SETMASK, &wanted, NULL);
	for (int i = 0; i < 200; i++) {
		syscall(SYS_rt_sigprocmask, SIG_SETMASK, NULL, &seen, 8);
		if (memcmp(&wanted, &seen, 8) != 0)
			return violation(name, "changed to %lx", *(unsigned long *)&seen);
		for (volatile int j = 0; j < 2000; j++)
			continue;
	}
}

// All vector registers keep their values while only general registers work.
static __attribute__((__target__("avx2"))) void vector_registers_256(const char *name)
{
	static const uint64_t pattern[4] = {0x0123456789abcdef, ~0ull, 0x5555aaaa5555aaaa, 42};
	uint64_t out[2][4];
	uint64_t count = 3000000;

	__asm__ volatile("vmovdqu (%1), %%ymm15\n\tvmovdqu (%1), %%ymm3\n"
			 "1:\n\tdec %0\n\tjnz 1b\n\t"
			 "vmovdqu %%ymm15, (%2)\n\tvmovdqu %%ymm3, 32(%2)\n\tvzeroupper"
			 : "+r"(count)
			 : "r"(pattern), "r"(out)
			 : "memory", "xmm3", "xmm15", "cc");
	if (memcmp(out[0], pattern, 32) != 0 || memcmp(out[1], pattern, 32) != 0)
		violation(name, "AVX registers changed");
}

static __attribute__((__target__("avx512f"))) void vector_registers_512(const char *name)
{
	uint64_t pattern[8], out[8], mask_out = 0;
	uint64_t count = 3000000;

	for (int i = 0; i < 8; i++)
		pattern[i] = 0x1111111111111111ull * (uint64_t)(i + 1);
	__asm__ volatile(
		"vmovdqu64 (%2), %%zmm31\n\tmov $0x5a5a, %%eax\n\tkmovw %%eax, %%k5\n"
		"1:\n\tdec %0\n\tjnz 1b\n\t"
		"vmovdqu64 %%zmm31, (%3)\n\tkmovw %%k5, %%eax\n\tmov %%rax, %1\n\tvzeroupper"
		: "+r"(count), "=m"(mask_out)
		: "r"(pattern), "r"(out)
		: "memory", "rax", "xmm31", "k5", "cc");
	if (memcmp(out, pattern, 64) != 0 || (mask_out & 0xffff) != 0x5a5a)
		violation(name, "AVX-512 registers changed");
}

static void vector_registers(const char *name)
{
	if (__builtin_cpu_supports("avx512f"))
		vector_registers_512(name);
	if (__builtin_cpu_supports("avx2"))
		vector_registers_256(name);
}

// To be called in any thread from outside: leaves nothing in a register that a function may change. It may
// be called in the midst of anything, and must not use the C library's state.
void scratch(void);

static __attribute__((__target__("avx2"))) void scratch_vectors(void)
{
	__asm__ volatile("vpcmpeqd %%ymm0, %%ymm0, %%ymm0\n\tvmovdqa %%ymm0, %%ymm3\n\t"
			 "vmovdqa %%ymm0, %%ymm15\n\tvzeroall"
			 :
			 :
			 : "xmm0", "xmm3", "xmm15");
}

void scratch(void)
{
	long result;

	if (__builtin_cpu_supports("avx2"))
		scratch_vectors();
	__asm__ volatile("syscall" : "=a"(result) : "0"(SYS_getpid) : "rcx", "r11", "memory");
	__asm__ volatile("" ::: "rdx", "r8", "r9", "r10");
}

// The same, with a wait of its own.
void scratch_wait(void);
void scratch_wait(void)
{
	const struct timespec time = {.tv_nsec = 100000};
	long result;

	scratch();
	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "0"(SYS_nanosleep), "D"(&time), "S"(NULL)
			 : "rcx", "r11", "memory");
}

struct check {
	const char *name;
	void (*round)(const char *name);
	_Atomic unsigned rounds;
};

static struct check checks[] = {
	{"nanosleep", wait_nanosleep},
	{"clock_nanosleep", wait_clock_nanosleep},
	{"poll", wait_poll},
	{"ppoll", wait_ppoll},
	{"select", wait_select},
	{"epoll_wait", wait_epoll},
	{"futex", wait_futex},
	{"semaphore", wait_semaphore},
	{"recv", wait_receive},
	{"sigtimedwait", wait_sigtimedwait},
	{"semtimedop", wait_semtimedop},
	{"wait4", wait_child},
	{"waitid", any_child},
	{"pipe", wait_pipe},
	{"wakeup", wait_wakeup},
	{"sigwait", wait_sigwait},
	{"interrupted", interrupted},
	{"queued", queued_signals},
	{"mask", signal_mask},
	{"vector", vector_registers},
};

#define CHECK_COUNT (sizeof(checks) / sizeof(checks[0]))

static void *run_check(void *argument)
{
	struct check *check = argument;

	for (;;) {
		check->round(check->name);
		atomic_fetch_add(&check->rounds, 1);
	}
	return NULL;
}

static bool is_asleep(pid_t thread)
{
	char path[64], text[512], *name_end;
	FILE *file;
	size_t size;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", thread);
	file = fopen(path, "r");
	if (!file)
		return false;
	size = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[size] = '\0';
	name_end = strrchr(text, ')');
	return name_end && strncmp(name_end, ") S", 3) == 0;
}

// A signal that comes before the call interrupts nothing, whether that is its beginning or, after a stop,
// its being entered again: who asks cannot know. That is a matter of microseconds, and rare. The thread
// is asked again then, and the test counts how often.
static void ask(void)
{
	pid_t thread = atomic_load(&asked_thread);
	unsigned ticks;

	if (!thread || !is_asleep(thread))
		return;
	ticks = atomic_fetch_add(&ticks_asked, 1);
	if (ticks % SLIP_TICKS)
		return;
	if (ticks)
		atomic_fetch_add(&slipped, 1);
	tgkill(getpid(), thread, ASK_SIGNAL);
}

static void *tick(void *argument)
{
	(void)argument;
	for (;;) {
		usleep(TICK_US);
		if (write(tick_pipe[1], "x", 1) != 1)
			violation("tick", "cannot write");
		__atomic_fetch_add(&tick_word, 1, __ATOMIC_RELEASE);
		atomic_fetch_add(&wakes_begun, 1);
		syscall(SYS_futex, &tick_word, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0);
		atomic_fetch_add(&wakes_done, 1);
		if (atomic_load(&woken_thread))
			tgkill(getpid(), atomic_exchange(&woken_thread, 0), WAKE_SIGNAL);
		ask();
	}
	return NULL;
}

static volatile sig_atomic_t alarms;

static void on_alarm(int signal)
{
	(void)signal;
	alarms++;
}

// The main thread alone takes the timer's signals while it waits for the end of input.
static unsigned wait_for_end(void)
{
	struct itimerval every = {{0, 10000}, {0, 10000}};
	unsigned rounds = 0;
	char byte;

	setitimer(ITIMER_REAL, &every, NULL);
	for (;;) {
		int before = alarms;
		ssize_t count = read(0, &byte, 1);

		if (count == 0)
			return rounds;
		if (count < 0 && errno == EINTR && alarms == before)
			violation("itimer", "read interrupted without an alarm");
		rounds++;
	}
}

// Each check has to do a round from its start to its end, however long the machine takes for that.
static void finish_rounds(void)
{
	double start = now_ms();
	unsigned before[CHECK_COUNT];

	for (size_t i = 0; i < CHECK_COUNT; i++)
		before[i] = atomic_load(&checks[i].rounds);
	for (size_t i = 0; i < CHECK_COUNT; i++) {
		while (atomic_load(&checks[i].rounds) - before[i] < 2 && now_ms() < start + LAST_MS)
			usleep(1000);
		if (atomic_load(&checks[i].rounds) - before[i] < 2)
			violation(checks[i].name, "does not go on");
	}
}

// Only one check, in the only thread: then it is this thread that has to make the clone.
static int run_alone(const char *name)
{
	struct pollfd input = {.fd = 0, .events = POLLIN};
	struct check *check = checks;

	while (check < checks + CHECK_COUNT && strcmp(check->name, name) != 0)
		check++;
	if (check == checks + CHECK_COUNT)
		return 2;
	puts("ready");
	fflush(stdout);
	while (poll(&input, 1, 0) == 0) {
		check->round(name);
		check->rounds++;
	}
	printf("rounds %s %u\n", name, check->rounds);
	return 0;
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = on_ask};
	pthread_t thread;
	sigset_t set;
	unsigned alarm_rounds;

	sigaction(ASK_SIGNAL, &action, NULL);
	action.sa_handler = on_alarm;
	sigaction(SIGALRM, &action, NULL);
	action.sa_sigaction = on_queued;
	action.sa_flags = SA_SIGINFO;
	sigaction(SIGRTMIN + 1, &action, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, WAKE_SIGNAL);
	sigaddset(&set, ASK_SIGNAL);
	sigaddset(&set, SIGRTMIN + 1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (argc == 2)
		return run_alone(argv[1]);
	if (pipe(tick_pipe) < 0)
		return 1;
	for (size_t i = 0; i < CHECK_COUNT; i++)
		pthread_create(&thread, NULL, run_check, &checks[i]);
	pthread_create(&thread, NULL, tick, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	puts("ready");
	fflush(stdout);
	alarm_rounds = wait_for_end();
	finish_rounds();
	for (size_t i = 0; i < CHECK_COUNT; i++)
		printf("rounds %s %u\n", checks[i].name, atomic_load(&checks[i].rounds));
	printf("rounds itimer %u\n", alarm_rounds);
	printf("slipped %u\n", atomic_load(&slipped));
	fflush(stdout);
	_exit(0);
}
