/* SPDX-License-Identifier: GPL-2.0 */
/* The numbers of prctl(2), with those that the headers of some distributions are too old for. */
#ifndef CRIU_BASE_PRCTL_H
#define CRIU_BASE_PRCTL_H

#include <linux/prctl.h>

#ifndef PR_SCHED_CORE /* Linux 5.14 */
#define PR_SCHED_CORE	  62
#define PR_SCHED_CORE_GET 0
#endif

#ifndef PR_SET_MDWE /* Linux 6.3 */
#define PR_SET_MDWE 65
#define PR_GET_MDWE 66
#endif

#ifndef PR_SET_MEMORY_MERGE /* Linux 6.4 */
#define PR_SET_MEMORY_MERGE 67
#define PR_GET_MEMORY_MERGE 68
#endif

#ifndef PR_SYS_DISPATCH_INCLUSIVE_ON /* Linux 6.16 */
#define PR_SYS_DISPATCH_INCLUSIVE_ON 2
#endif

#ifndef PR_TIMER_CREATE_RESTORE_IDS /* Linux 6.15 */
#define PR_TIMER_CREATE_RESTORE_IDS_OFF 0
#define PR_TIMER_CREATE_RESTORE_IDS_GET 2
#define PR_TIMER_CREATE_RESTORE_IDS_ON	1
#define PR_TIMER_CREATE_RESTORE_IDS	77
#endif

#endif
