/* SPDX-License-Identifier: GPL-2.0 */
#include "restore/read.h"

#include <signal.h>

#include "image/image.h"
#include "inventory.pb-c.h"
#include "pstree.pb-c.h"
#include "task/posix_timers.h"

/* The kernel's PID_MAX_LIMIT on 64-bit machines. */
#define PID_LIMIT 4194304

static int read_inventory(struct restore *r, InventoryEntry **ret)
{
	InventoryEntry *inv;
	int err;

	err = image_read_single(r->images_dirfd, IMG_INVENTORY, (ProtobufCMessage **)&inv);
	if (err == -ENOENT)
		return cr_fail(&r->ctx, err, "There is no inventory.img: this is no complete set of images");
	if (err)
		return cr_fail_errno(&r->ctx, err, "Can't read inventory.img");
	*ret = inv;
	if (inv->img_version != 1 && inv->img_version != 2)
		return cr_fail(&r->ctx, -EOPNOTSUPP, "Images of version %u aren't supported", inv->img_version);
	if (!inv->has_fdinfo_per_id || !inv->fdinfo_per_id)
		return cr_fail(&r->ctx, -EOPNOTSUPP, "Images with descriptors per process aren't supported");
	if (!inv->root_ids)
		return cr_fail(&r->ctx, -EOPNOTSUPP, "Images without root_ids in inventory.img aren't supported");
	if (inv->plugins_entry && inv->plugins_entry->n_plugins)
		return cr_fail(&r->ctx, -EOPNOTSUPP, "The images need the plugin %s", inv->plugins_entry->plugins[0]);
	r->ipc_ns_id = inv->root_ids->ipc_ns_id;
	if (inv->has_root_cg_set)
		log_info(r->ctx.log, "Cgroups are left as they are: the tasks come up in ours");
	return 0;
}

static int read_core(struct restore *r, pid_t tid, CoreEntry **ret)
{
	int err = image_read_single(r->images_dirfd, IMG_CORE, (ProtobufCMessage **)ret, tid);

	return err ? cr_fail_errno(&r->ctx, err, "Can't read core-%d.img", tid) : 0;
}

static int check_namespaces(struct restore *r, pid_t pid, const TaskKobjIdsEntry *ids, const TaskKobjIdsEntry *own)
{
	const struct {
		const char *name;
		bool has;
		uint32_t id, own;
	} kinds[] = {
		{ "pid", ids->has_pid_ns_id, ids->pid_ns_id, own->pid_ns_id },
		{ "net", ids->has_net_ns_id, ids->net_ns_id, own->net_ns_id },
		{ "ipc", ids->has_ipc_ns_id, ids->ipc_ns_id, own->ipc_ns_id },
		{ "uts", ids->has_uts_ns_id, ids->uts_ns_id, own->uts_ns_id },
		{ "mnt", ids->has_mnt_ns_id, ids->mnt_ns_id, own->mnt_ns_id },
		{ "user", ids->has_user_ns_id, ids->user_ns_id, own->user_ns_id },
		{ "cgroup", ids->has_cgroup_ns_id, ids->cgroup_ns_id, own->cgroup_ns_id },
		{ "time", ids->has_time_ns_id, ids->time_ns_id, own->time_ns_id },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].has && kinds[i].id != kinds[i].own)
			return cr_fail(&r->ctx, -EOPNOTSUPP, "Task %d: a %s namespace of its own isn't supported", pid,
				       kinds[i].name);
	return 0;
}

static int read_ids(struct restore *r, struct restore_task *rt, const TaskKobjIdsEntry *own)
{
	pid_t pid = rt->task->pid;
	int err;

	if (rt->cores[0]->ids) {
		rt->ids = take_ptr(rt->cores[0]->ids);
	} else {
		err = image_read_single(r->images_dirfd, IMG_IDS, (ProtobufCMessage **)&rt->ids, pid);
		if (err)
			return cr_fail_errno(&r->ctx, err, "Can't read ids-%d.img", pid);
	}
	if (!rt->ids->files_id)
		return cr_fail(&r->ctx, -EINVAL, "Task %d has no descriptor table in ids-%d.img", pid, pid);
	return check_namespaces(r, pid, rt->ids, own);
}

/* Directories, program and mappings refer to entries of files.img. */
static int check_directories(struct restore *r, const struct restore_task *rt)
{
	pid_t pid = rt->task->pid;

	if (!fd_restore_has_path(r->fds, rt->fs->cwd_id) || !fd_restore_has_path(r->fds, rt->fs->root_id))
		return cr_fail(&r->ctx, -EBADMSG, "fs-%d.img: there is no directory %u or %u", pid, rt->fs->cwd_id,
			       rt->fs->root_id);
	if (rt->fs->has_umask && (rt->fs->umask & ~0777u))
		return cr_fail(&r->ctx, -EBADMSG, "fs-%d.img: umask %#o", pid, rt->fs->umask);
	return 0;
}

static int check_mapped_files(struct restore *r, const struct restore_task *rt)
{
	pid_t pid = rt->task->pid;

	if (!fd_restore_has_path(r->fds, rt->mm->exe_file_id) && !fd_restore_has_memfd(r->fds, rt->mm->exe_file_id))
		return cr_fail(&r->ctx, -EBADMSG, "mm-%d.img: there is no program file %u", pid, rt->mm->exe_file_id);
	for (size_t i = 0; i < rt->mm->n_vmas; i++) {
		const VmaEntry *v = rt->mm->vmas[i];

		if (v->status & VMA_AREA_UPROBES && !r->opts->allow_uprobes)
			return cr_fail(&r->ctx, -EOPNOTSUPP, "mm-%d.img: area %llx of uprobes: use --allow-uprobes",
				       pid, (unsigned long long)v->start);
		/* shmem_restore_read() looks after the other kind. */
		if ((v->status & (VMA_FILE_PRIVATE | VMA_FILE_SHARED)) && !(v->status & VMA_AREA_MEMFD) &&
		    !fd_restore_has_path(r->fds, v->shmid))
			return cr_fail(&r->ctx, -EBADMSG, "mm-%d.img: area %llx maps a file %llu that isn't there", pid,
				       (unsigned long long)v->start, (unsigned long long)v->shmid);
	}
	return 0;
}

static int read_memory(struct restore *r, struct restore_task *rt)
{
	pid_t pid = rt->task->pid;
	int err = mm_read(&r->ctx, r->images_dirfd, pid, &rt->mm);

	if (!err)
		err = check_mapped_files(r, rt);
	if (err)
		return err;
	err = pagemap_read(&r->ctx, r->images_dirfd, r->fam, IMG_PAGEMAP, pid, &rt->pagemap);
	return err && err != -ENOENT ? cr_fail_errno(&r->ctx, err, "Can't read pagemap-%d.img", pid) : 0;
}

/* Directories, descriptors. */
static int read_living(struct restore *r, struct restore_task *rt, const TaskKobjIdsEntry *own)
{
	pid_t pid = rt->task->pid;
	int err = 0;

	for (size_t i = 1; i < rt->task->nr_threads; i++) {
		pid_t tid = rt->task->threads[i].tid;

		err = read_core(r, tid, &rt->cores[i]);
		if (!err)
			err = core_validate(&r->ctx, tid, rt->cores[i], false);
		if (err)
			return err;
	}
	if (rt->cores[0]->tc->timers)
		err = posix_timers_validate(&r->ctx, rt->task, rt->cores[0]->tc->timers);
	if (!err)
		err = read_ids(r, rt, own);
	if (err)
		return err;
	err = image_read_single(r->images_dirfd, IMG_FS, (ProtobufCMessage **)&rt->fs, pid);
	if (err)
		return cr_fail_errno(&r->ctx, err, "Can't read fs-%d.img", pid);
	err = check_directories(r, rt);
	return err ?: fd_restore_read_table(r->fds, rt->ids->files_id);
}

static int valid_pid(struct restore *r, uint64_t pid)
{
	if (!pid || pid > PID_LIMIT)
		return cr_fail(&r->ctx, -EINVAL, "There is a task %llu in pstree.img", (unsigned long long)pid);
	return 0;
}

/* Puts the ids of E's threads into TASK, the leader's first. */
static int take_threads(struct restore *r, const PstreeEntry *e, struct task *task)
{
	size_t n = 1;
	bool leader = false;

	for (size_t i = 0; i < e->n_threads; i++) {
		if (valid_pid(r, e->threads[i]))
			return -EINVAL;
		if (e->threads[i] == e->pid && !leader)
			leader = true;
		else if (n < task->nr_threads)
			task->threads[n++].tid = e->threads[i];
	}
	if (!leader)
		return cr_fail(&r->ctx, -EINVAL, "Task %u isn't among its own threads in pstree.img", e->pid);
	return 0;
}

/* A SIGSTOP that waits stops at once, blocked or not: whom it waits for is one that is stopped. */
static void take_stops(struct restore_task *rt)
{
	TaskCoreEntry *tc = rt->cores[0]->tc;
	bool any = signals_take_stop(tc->signals_s);

	for (size_t i = 0; i < rt->task->nr_threads; i++)
		any |= signals_take_stop(rt->cores[i]->thread_core->signals_p);
	if (!any || rt->task->state != TASK_ALIVE)
		return;
	rt->task->state = TASK_STOPPED;
	/* Nobody has been told. */
	tc->exit_code = SIGSTOP;
}

static int add_task(struct restore *r, const PstreeEntry *e, const TaskKobjIdsEntry *own)
{
	struct task *parent = NULL, *task;
	struct restore_task *rt;
	CoreEntry *core = NULL;
	size_t nr_threads;
	int err;

	err = valid_pid(r, e->pid);
	if (!err && e->sid)
		err = valid_pid(r, e->sid);
	if (!err && e->pgid)
		err = valid_pid(r, e->pgid);
	if (err)
		return err;
	if (e->ppid || r->tree.root) {
		parent = task_tree_find(&r->tree, e->ppid);
		if (!parent)
			return cr_fail(&r->ctx, -EINVAL, "Task %u has an unknown parent %u in pstree.img", e->pid,
				       e->ppid);
		if (!task_lives(parent))
			return cr_fail(&r->ctx, -EINVAL, "Task %u has a dead parent %u", e->pid, e->ppid);
	}
	err = read_core(r, e->pid, &core);
	if (!err)
		err = core_validate(&r->ctx, e->pid, core, true);
	if (err) {
		if (core)
			core_entry__free_unpacked(core, NULL);
		return err;
	}
	/* What stands there for a dead task is not set by CRIU. */
	nr_threads = core->tc->task_state == TASK_DEAD ? 1 : e->n_threads;
	rt = calloc(1, sizeof(*rt));
	if (rt)
		rt->cores = calloc(nr_threads ?: 1, sizeof(*rt->cores));
	if (!rt || !rt->cores || task_tree_add(&r->tree, parent, e->pid, nr_threads ?: 1, &task)) {
		if (rt)
			free(rt->cores);
		free(rt);
		core_entry__free_unpacked(core, NULL);
		return -ENOMEM;
	}
	task->restore = rt;
	rt->task = task;
	rt->uffd = -1;
	rt->pages_fd = rt->staged_fd = -1;
	rt->cores[0] = core;
	list_init(&rt->to_fork);
	list_init(&rt->fork_node);
	task->state = core->tc->task_state;
	task->pgid = e->pgid;
	task->sid = e->sid;
	rt->exit_status = core->tc->exit_code;
	if (!parent && !task_lives(task))
		return cr_fail(&r->ctx, -EOPNOTSUPP, "The root task %u is dead", e->pid);
	if (!task_lives(task))
		return 0;
	r->nr_alive++;
	rt->threads = calloc(task->nr_threads, sizeof(*rt->threads));
	if (!rt->threads)
		return -ENOMEM;
	err = take_threads(r, e, task);
	if (!err)
		err = read_living(r, rt, own);
	if (!err)
		take_stops(rt);
	return err;
}

static int compare_pids(const void *a, const void *b)
{
	return (*(const pid_t *)a > *(const pid_t *)b) - (*(const pid_t *)a < *(const pid_t *)b);
}

static int check_unique(struct restore *r)
{
	_cleanup_free_ pid_t *all = calloc(r->tree.nr_threads, sizeof(*all));
	struct task *task;
	size_t n = 0;

	if (!all)
		return -ENOMEM;
	for_each_task (&r->tree, task)
		for (size_t i = 0; i < task->nr_threads; i++)
			all[n++] = task->threads[i].tid;
	qsort(all, n, sizeof(*all), compare_pids);
	for (size_t i = 1; i < n; i++)
		if (all[i] == all[i - 1])
			return cr_fail(&r->ctx, -EINVAL, "There are two tasks %d in pstree.img", all[i]);
	return 0;
}

static int compare_memories(const void *a, const void *b)
{
	const struct restore_task *x = *(struct restore_task *const *)a, *y = *(struct restore_task *const *)b;

	if (x->ids->vm_id != y->ids->vm_id)
		return x->ids->vm_id < y->ids->vm_id ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

/* The images of the first task that has a memory tell of it; those that share it with that one have none. */
static int read_memories(struct restore *r)
{
	_cleanup_free_ struct restore_task **all = calloc(r->nr_alive, sizeof(*all));
	struct task *task;
	size_t n = 0, number = 0;
	int err = 0;

	if (!all)
		return -ENOMEM;
	for_each_task (&r->tree, task) {
		restore_of(task)->number = number++;
		if (task_lives(task))
			all[n++] = restore_of(task);
	}
	qsort(all, n, sizeof(*all), compare_memories);
	for (size_t i = 0; i < n && !err; i++)
		if (!i || all[i]->ids->vm_id != all[i - 1]->ids->vm_id)
			err = read_memory(r, all[i]);
	return err;
}

static int read_pstree(struct restore *r, const InventoryEntry *inv)
{
	_cleanup_image_ struct image *img = NULL;
	ProtobufCMessage *msg;
	int err, got;

	err = image_open(r->images_dirfd, IMG_PSTREE, &img);
	if (err)
		return cr_fail_errno(&r->ctx, err, "Can't open pstree.img");
	while ((got = image_read(img, &msg)) > 0) {
		PstreeEntry *e = (PstreeEntry *)msg;

		if (r->tree.nr_tasks >= RESTORE_MAX_TASKS || r->tree.nr_threads + e->n_threads > RESTORE_MAX_THREADS)
			err = cr_fail(&r->ctx, -E2BIG, "There are too many tasks in pstree.img");
		else
			err = add_task(r, e, inv->root_ids);
		pstree_entry__free_unpacked(e, NULL);
		if (err)
			return err;
	}
	if (got < 0)
		return cr_fail_errno(&r->ctx, got, "Can't read pstree.img");
	if (!r->tree.root)
		return cr_fail(&r->ctx, -EINVAL, "There is no task in pstree.img");
	err = check_unique(r);
	return err ?: read_memories(r);
}

static int compare_areas(const void *a, const void *b)
{
	const VmaEntry *x = *(VmaEntry *const *)a, *y = *(VmaEntry *const *)b;

	return (x->start > y->start) - (x->start < y->start);
}

/* What attributes.img says of an area must be of one that the task has. */
static int check_attributes(struct restore *r)
{
	struct task *task;

	for_each_task (&r->tree, task) {
		const AttributesEntry *e = attributes_of(r->attributes, task->pid);
		const MmEntry *mm = restore_of(task)->mm;
		size_t nr = mm ? mm_nr_areas(mm) : 0;

		for (size_t i = 0; task_lives(task) && i < e->n_areas; i++) {
			VmaEntry wanted = { .start = e->areas[i]->start }, *key = &wanted;

			if (!nr || !bsearch(&key, mm->vmas, nr, sizeof(*mm->vmas), compare_areas))
				return cr_fail(&r->ctx, -EBADMSG,
					       "attributes.img is damaged: task %d has no area %#llx", task->pid,
					       (unsigned long long)wanted.start);
		}
	}
	return 0;
}

static int take_extra(void *arg, MmExtraEntry *e)
{
	struct restore *r = arg;
	struct task *task = e->pid <= PID_LIMIT ? task_tree_find(&r->tree, e->pid) : NULL;
	struct restore_task *rt = task && task_lives(task) && restore_of(task)->mm ? restore_of(task) : NULL;
	uint32_t pid = e->pid;

	if (!rt || rt->extra) {
		mm_extra_entry__free_unpacked(e, NULL);
		return cr_fail(&r->ctx, -EBADMSG, "mm-extra.img tells of task %u, which %s", pid,
			       rt ? "it has told of before" : "isn't there or has no memory of its own");
	}
	rt->extra = e;
	return mm_extra_validate(&r->ctx, e, rt->mm);
}

static int read_seccomp(struct restore *r)
{
	int err = image_read_single(r->images_dirfd, IMG_SECCOMP, (ProtobufCMessage **)&r->seccomp);

	if (err == -ENOENT) /* it belongs to the sets of newer CRIUs */
		return 0;
	return err ? cr_fail_errno(&r->ctx, err, "Can't read seccomp.img") : seccomp_validate(&r->ctx, r->seccomp);
}

int restore_read(struct restore *r)
{
	InventoryEntry *inv = NULL;
	int err;

	err = read_inventory(r, &inv);
	if (!err)
		err = fam_set_open(&r->ctx, r->images_dirfd, r->opts->fam_dir, &r->fam);
	if (!err)
		err = fd_restore_read(&r->ctx, r->opts, r->images_dirfd, r->fam, &r->fds);
	if (!err)
		err = read_pstree(r, inv);
	if (!err)
		err = attributes_read(&r->ctx, r->images_dirfd, &r->tree, &r->attributes);
	if (!err)
		err = check_attributes(r);
	if (!err)
		err = mm_extra_read(&r->ctx, r->images_dirfd, take_extra, r);
	if (!err)
		err = read_seccomp(r);
	if (inv)
		inventory_entry__free_unpacked(inv, NULL);
	return err;
}

static void free_task(struct restore_task *rt, size_t nr_threads)
{
	for (size_t i = 0; rt->cores && i < nr_threads; i++)
		if (rt->cores[i])
			core_entry__free_unpacked(rt->cores[i], NULL);
	free(rt->cores);
	if (rt->ids)
		task_kobj_ids_entry__free_unpacked(rt->ids, NULL);
	if (rt->mm)
		mm_entry__free_unpacked(rt->mm, NULL);
	if (rt->extra)
		mm_extra_entry__free_unpacked(rt->extra, NULL);
	if (rt->fs)
		fs_entry__free_unpacked(rt->fs, NULL);
	pagemap_free(&rt->pagemap);
	mem_plan_free(&rt->plan);
	seccomp_plan_free(&rt->seccomp);
	source_close(&rt->source);
	close_fdp(&rt->staged_fd);
	free(rt->threads);
	free(rt);
}

void restore_free_tree(struct restore *r)
{
	struct task *task;

	for_each_task (&r->tree, task) {
		if (task->restore)
			free_task(task->restore, task->nr_threads);
		task->restore = NULL;
	}
	task_tree_free(&r->tree);
	attributes_free(&r->attributes);
	fd_restore_free(&r->fds);
	if (r->seccomp)
		seccomp_entry__free_unpacked(r->seccomp, NULL);
	r->seccomp = NULL;
}
