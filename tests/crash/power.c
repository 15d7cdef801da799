/* Power cuts of an ext4 image. */
#define _GNU_SOURCE
#include "tests/crash/power.h"
#include "tests/crash/world.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/* linux/fs/ext4: not in a header of the system's. */
#define EXT4_IOC_SHUTDOWN	    _IOR('X', 125, uint32_t)
#define EXT4_GOING_FLAGS_NOLOGFLUSH 2

enum {
	IMAGE_BYTES = 1 << 30, /* sparse */
	WRITE_MS = 400,
	UNMOUNT_MS = 5000,
	FRESH_EVERY = 5,
};

/* The image, its loop device and where it is mounted.  Taken down when the
 * program ends, however it does. */
static struct {
	char folder[64], image[96], device[64], mount[96];
	int loop; /* held open: the kernel frees it with the last holder */
	bool mounted;
} disk = {.loop = -1};

static bool skip(const char *why)
{
	printf("skipped: no power cuts: %s: %s\n", why, strerror(errno));
	return false;
}

static void unmount_disk(void)
{
	uint64_t until = nation_daemon_now_ms() + UNMOUNT_MS;

	while (disk.mounted) {
		if (umount2(disk.mount, 0) == 0 ||
		    (nation_daemon_now_ms() > until &&
		     umount2(disk.mount, MNT_DETACH) == 0))
			disk.mounted = false;
		else
			nation_daemon_sleep_ms(10);
	}
}

static void take_down(void)
{
	unmount_disk();
	if (disk.loop >= 0) {
		ioctl(disk.loop, LOOP_CLR_FD, 0);
		close(disk.loop);
		disk.loop = -1;
	}
	if (disk.folder[0]) {
		unlink(disk.image);
		rmdir(disk.mount);
		rmdir(disk.folder);
		disk.folder[0] = 0;
	}
}

static bool attach(void)
{
	struct loop_config config = {.info = {.lo_flags = LO_FLAGS_AUTOCLEAR}};
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	int image = open(disk.image, O_RDWR | O_CLOEXEC), number, rc = -1;

	number = control < 0 || image < 0 ? -1
					  : ioctl(control, LOOP_CTL_GET_FREE);
	if (number >= 0) {
		snprintf(disk.device, sizeof(disk.device), "/dev/loop%d",
			 number);
		disk.loop = open(disk.device, O_RDWR | O_CLOEXEC);
		config.fd = (uint32_t)image;
		rc = disk.loop < 0 ? -1
				   : ioctl(disk.loop, LOOP_CONFIGURE, &config);
	}
	if (image >= 0)
		close(image);
	if (control >= 0)
		close(control);
	return rc == 0;
}

static bool mount_disk(void)
{
	disk.mounted = mount(disk.device, disk.mount, "ext4", 0, "") == 0;
	return disk.mounted;
}

static bool set_up(void)
{
	int fd;

	if (geteuid() != 0) {
		errno = EPERM;
		return skip("it needs root");
	}
	strcpy(disk.folder, "/tmp/entente-power-XXXXXX");
	if (!mkdtemp(disk.folder)) {
		disk.folder[0] = 0;
		return skip("no folder");
	}
	atexit(take_down);
	snprintf(disk.image, sizeof(disk.image), "%s/image", disk.folder);
	snprintf(disk.mount, sizeof(disk.mount), "%s/disk", disk.folder);
	fd = open(disk.image, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, IMAGE_BYTES) != 0 ||
	    mkdir(disk.mount, 0700) != 0)
		return skip("no image");
	close(fd);
	if (nation_daemon_shell(NULL, 30,
				"PATH=$PATH:/sbin:/usr/sbin mkfs.ext4 "
				"-q -F '%s'",
				disk.image) != 0) {
		errno = ENOENT;
		return skip("mkfs.ext4");
	}
	if (!attach())
		return skip("a loop device");
	if (!mount_disk())
		return skip("mounting");
	return true;
}

/* From here on nothing that was not synced reaches the image. */
static bool cut_power(void)
{
	uint32_t flags = EXT4_GOING_FLAGS_NOLOGFLUSH;
	int fd = open(disk.mount, O_RDONLY | O_CLOEXEC);
	int rc = fd < 0 ? -1 : ioctl(fd, EXT4_IOC_SHUTDOWN, &flags);

	if (fd >= 0)
		close(fd);
	return rc == 0;
}

/* The journal is replayed by mounting; then nothing is to be mended. */
static bool power_back(void)
{
	struct buf said;
	int code;

	unmount_disk();
	if (!mount_disk()) {
		fprintf(stderr, "FAULT: the image does not mount: %s\n",
			strerror(errno));
		return false;
	}
	unmount_disk();
	buf_init(&said, 1 << 20);
	code = nation_daemon_shell(&said, 60,
				   "PATH=$PATH:/sbin:/usr/sbin fsck.ext4 -n -f "
				   "'%s'",
				   disk.device);
	if (code != 0)
		fprintf(stderr, "FAULT: fsck says %d: %.2000s\n", code,
			buf_cstr(&said));
	buf_clear(&said);
	return code == 0 && mount_disk();
}

static bool play(struct world *w, unsigned round, struct rng *rng)
{
	world_write(w);
	nation_daemon_sleep_ms(20 + rng_below(rng, WRITE_MS));
	if (!cut_power()) {
		fprintf(stderr, "FAULT: no shutdown: %s\n", strerror(errno));
		return false;
	}
	/* What still runs finds a dead disk; nothing of it may count. */
	nation_daemon_sleep_ms(rng_below(rng, 50));
	nation_daemon_kill(&w->relay);
	world_wait_free(w);
	if (!power_back() || !world_check_store(w))
		return false;
	nation_daemon_start(&w->relay);
	world_settle(w);
	return world_check(w, round % FRESH_EVERY == FRESH_EVERY - 1);
}

/* Whether this kernel's ext4 can be shut down. */
static bool can_cut(void)
{
	if (!cut_power())
		return skip("the shutdown of ext4");
	unmount_disk();
	return mount_disk() || skip("mounting again");
}

bool power_run(unsigned rounds, uint64_t seed)
{
	uint64_t began = nation_daemon_now_ms();
	static struct world w;
	struct rng rng = {seed};
	bool good = true;

	if (!set_up() || !can_cut()) {
		take_down();
		return true;
	}
	world_new(&w, disk.mount, rng_next(&rng));
	for (unsigned i = 0; i < rounds && good; i++) {
		good = play(&w, i, &rng);
		if (!good)
			printf("power cut %u of seed %llu did not hold\n", i,
			       (unsigned long long)seed);
	}
	if (good) {
		printf("%u power cuts in %llu s: %llu acknowledged writes "
		       "there, %llu records of keys and writes, at most %llu "
		       "left by a cut\n",
		       rounds,
		       (unsigned long long)(nation_daemon_now_ms() - began) /
			       1000,
		       (unsigned long long)w.checked,
		       (unsigned long long)w.keys_checked,
		       (unsigned long long)w.left_max);
		world_free(&w);
		take_down();
	}
	return good;
}
