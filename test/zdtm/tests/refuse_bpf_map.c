/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A BPF map is refused.
 *
 * expect: refused bpf
 */
#include <linux/bpf.h>
#include <sys/syscall.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	union bpf_attr attr = { .map_type = BPF_MAP_TYPE_HASH, .key_size = 4, .value_size = 4, .max_entries = 1 };
	int fd;

	test_init(argc, argv);
	fd = syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr));
	if (fd < 0)
		skip("no BPF: %s", strerror(errno));

	test_ready();
	test_wait();

	MUST(close(fd));
	pass();
}
