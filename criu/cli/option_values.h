/* SPDX-License-Identifier: GPL-2.0 */
/* The setters that rows of the option table name; their contract is struct option_row's. */
#ifndef CRIU_CLI_OPTION_VALUES_H
#define CRIU_CLI_OPTION_VALUES_H

#include "cli/options.h"

typedef int option_setter(struct option_parser *parser, const struct option_row *row, const char *value, bool on);

option_setter option_set_bool;	   /* bool at offset */
option_setter option_set_string;   /* char * at offset */
option_setter option_add_string;   /* struct str_array at offset */
option_setter option_set_choice;   /* enum at offset: the value's place among the choices */
option_setter option_set_tristate; /* enum tristate at offset */
option_setter option_set_size;	   /* uint64_t at offset */
option_setter option_set_trim;
option_setter option_set_pid;
option_setter option_set_seconds; /* unsigned at offset */
option_setter option_set_threads; /* likewise: 1 to PAGES_THREADS_MAX */
option_setter option_set_verbosity;
option_setter option_set_leave_running;
option_setter option_set_leave_stopped;
option_setter option_set_use_pmem;
option_setter option_set_cpu_cap;
option_setter option_set_check_all;
option_setter option_set_exec_cmd;
option_setter option_set_help;
option_setter option_set_version;
option_setter option_add_inherit_fd;
option_setter option_check_port;
option_setter option_check_numbers;
option_setter option_close_fd;

/* The number of VALUE in CHOICES ("a|b|c"), or -1. */
int option_choice_index(const char *choices, const char *value);

#endif
